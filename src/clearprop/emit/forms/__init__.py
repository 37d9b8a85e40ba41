"""How each operation is written in each of the array libraries: tables with one entry a primitive."""
