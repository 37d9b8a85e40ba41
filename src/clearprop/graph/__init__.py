"""A computation as data: the graph, tracing functions to it, and blocks."""
