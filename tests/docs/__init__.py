"""Every command of the documentation is typed, in a world made for it."""
