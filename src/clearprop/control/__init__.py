"""Control flow as data: loops and branches that stay one node of a graph, whatever they do when they run."""
