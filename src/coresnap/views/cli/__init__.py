"""The command line: ``main`` finds the command, one module per command runs it."""
