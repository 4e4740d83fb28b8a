"""Any question about a project's faults, built by clicking."""
