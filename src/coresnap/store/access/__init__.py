"""Who may do what: tokens, users and their sessions, limits, and the audit log."""
