"""SciPy's functions in each of the array libraries."""
