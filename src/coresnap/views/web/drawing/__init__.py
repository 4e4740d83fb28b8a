"""Pictures that the server draws: SVG that needs no script and no style of its own."""
