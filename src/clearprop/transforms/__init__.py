"""Functions of functions: `grad` and its kin, and the containers they take."""
