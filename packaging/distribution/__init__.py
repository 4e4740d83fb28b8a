"""What is published: portable wheels, what they consist of, and that both repeat.

``packaging/wheel``, ``packaging/sbom`` and ``packaging/reproduce`` start it
(docs/releasing.md). What a container of cibuildwheel runs, ``complete``, needs nothing
but Python's library and auditwheel.
"""
