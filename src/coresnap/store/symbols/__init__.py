"""Symbol files by build-id, and what they would repair."""
