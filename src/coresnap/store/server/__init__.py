"""coroner serve: the HTTP API over a store."""
