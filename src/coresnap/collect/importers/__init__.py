"""Cores that others have kept: plain files, and what systemd-coredump and apport store.

Each becomes an archive as the handler would have made one; the daemon does the rest.
"""
