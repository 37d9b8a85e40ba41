"""Stages -> JavaScript: one function over typed arrays, without a library."""
