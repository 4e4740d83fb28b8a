"""coroner: where the faults of a fleet are kept, grouped and asked about."""
