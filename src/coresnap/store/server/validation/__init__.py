"""Snapshots are read by children that may die of them (R14 of the peers' lessons)."""
