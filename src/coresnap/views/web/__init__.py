"""The web console: pages of a coroner server, for people."""
