"""The heap of gperftools' tcmalloc: spans by the page map, lists of free objects.

Layouts are those of gperftools 2.10, ``src/``; the names are its own.
"""
