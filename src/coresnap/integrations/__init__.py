"""Brings what the store wants told to where people are, and back."""
