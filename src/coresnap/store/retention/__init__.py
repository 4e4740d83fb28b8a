"""What is kept how long, and of what only a part is kept."""
