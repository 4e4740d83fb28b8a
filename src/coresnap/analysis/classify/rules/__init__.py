"""The rules, a family in each module: what each looks at, and what it may conclude."""
