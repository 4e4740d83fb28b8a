"""What is unusual in a group: values that are over-represented against other faults.

Counted when it is asked, over all attributes; no job has to run before.
"""

from coresnap.store.groups.unusual.search import find_unusual

__all__ = ["find_unusual"]
