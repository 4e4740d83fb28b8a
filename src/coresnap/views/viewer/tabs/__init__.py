"""What the tabs show, one module for each kind of content."""
