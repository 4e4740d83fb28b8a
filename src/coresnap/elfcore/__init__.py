"""READ: what the dead bytes say, on any host, for either system's cores."""
