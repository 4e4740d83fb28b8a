"""The tables of the state, one file for each topic."""
