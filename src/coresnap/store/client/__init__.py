"""How programs speak with a coroner server."""
