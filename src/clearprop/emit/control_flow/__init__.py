"""Loops and choices within source: Python's statements, and functions for JAX."""
