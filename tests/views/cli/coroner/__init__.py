"""Tests of coroner's commands."""
