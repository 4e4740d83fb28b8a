"""What analysis does, step by step: each takes the workbench and adds to it."""
