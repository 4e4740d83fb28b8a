"""One fault as people look at it: in a report, in the console, in the viewer."""
