"""Code from a graph: a small pretty-printer with one file for each style."""
