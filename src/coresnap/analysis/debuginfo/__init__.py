"""Where debug information is, and what it says about an address.

Reads module files only: it never sees the core, so that a location in memory or a
register is somebody else's business (``analysis.values``).
"""
