"""Builds packages of coresnap (docs/adr/0053); ``packaging/build`` starts it."""
