"""What libraries and run-times left in memory before they gave up."""
