"""Programs that go wrong in known ways, and what the verdict says of their cores."""
