"""How SciPy's functions are written."""
