"""What went wrong: rules that look at one crash and conclude, each with evidence."""
