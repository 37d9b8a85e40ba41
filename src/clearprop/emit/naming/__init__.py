"""Names for values that have none in the user's code."""
