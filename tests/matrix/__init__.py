"""Generated programs of many kinds, read by coresnap, gdb and eu-stack."""
