"""What passes know of SciPy's functions."""
