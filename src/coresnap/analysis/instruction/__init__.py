"""The instruction that failed: what it is, what memory it wanted, and which of it
explains the fault."""
