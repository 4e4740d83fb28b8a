"""Of which faults the bodies are kept when there are many of a kind."""
