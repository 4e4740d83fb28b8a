"""The way of an arriving snapshot into the store."""
