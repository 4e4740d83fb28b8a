"""The tables of the state, one file for each topic; importing this knows them all."""

from coresnap.store.state.tables import audit, projects, tokens, usage, users

__all__ = ["audit", "projects", "tokens", "usage", "users"]
