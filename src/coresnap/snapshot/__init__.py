"""The minified report: its container, and its renderings as text and JSON.

The waist of the hourglass: everything left of it makes a snapshot, everything right
of it reads one. Nothing here knows of cores, processes or the spool.
"""
