"""The frames that an interpreter keeps in memory, set among the native ones."""
