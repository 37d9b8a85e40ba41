"""SciPy's functions that turn what they get into plain arrays, once more with gradients."""
