"""What the pages of groups ask for, and what forms say about groups."""
