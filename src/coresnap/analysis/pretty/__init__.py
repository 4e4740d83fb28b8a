"""Values as their users think of them: containers by elements, strings by contents.

A printer looks at a type once and answers with a function that presents its values, or
with None. Types are recognised by their name *and* their layout, so that a type that
only looks alike, or is of a version that nobody has seen, is shown as it is.
"""
