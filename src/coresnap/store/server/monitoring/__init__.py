"""What a server tells monitors: what it counts itself, and what the store holds."""
