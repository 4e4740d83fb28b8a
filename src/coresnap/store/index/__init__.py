"""The columnar index of attributes, in which queries run."""
