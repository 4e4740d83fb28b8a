"""READ: what the dead bytes say, on any host, for either system's cores.

Records that nobody compares or prints are declared without ``eq`` and ``repr`` here and
in ``analysis``: with them, importing both takes 29 ms instead of 19, which is as long
as analysing a small core.
"""
