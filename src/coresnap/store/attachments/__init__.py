"""Files that people add to faults."""
