"""Measure shapes with the extension; one of them has no height."""

import extension


class Shape:
    """A thing with a width."""

    def __init__(self, name, width):
        self.name = name
        self.width = width


def measure(shapes):
    """Areas by name."""
    return {shape.name: extension.area(shape) for shape in shapes}


def main():
    print(measure([Shape("line", 3)]))


main()
