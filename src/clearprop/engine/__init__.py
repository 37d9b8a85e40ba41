"""The engine: Tensors, the record of a primitive, NumPy answered, and the reverse sweep."""
