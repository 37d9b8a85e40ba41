"""SciPy's functions in native code."""
