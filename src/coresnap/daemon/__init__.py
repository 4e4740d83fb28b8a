"""DRIVE: coresnapd, the one place that wires the stages together."""
