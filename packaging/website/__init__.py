"""The documentation's site: what mkdocs does not find in docs by itself."""
