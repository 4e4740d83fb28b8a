"""The ``coroner`` command: one module for each of its commands."""
