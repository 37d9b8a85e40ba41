"""The functions of numbers that stages are written with, and what each costs."""

from __future__ import annotations

from typing import Any

import numpy as np

REDUCTIONS: dict[str, Any] = {"add": 0, "max": -np.inf, "min": np.inf, "or": False, "and": True}
"""Ways to reduce, with what each starts from."""

ARITHMETIC = {
    "add": 1, "subtract": 1, "multiply": 1, "negative": 1, "absolute": 1, "maximum": 1, "minimum": 1,
}  # fmt: skip
"""Operations on numbers of any kind, with what each costs, in additions; so for those that follow."""

TRUTH = {
    "less": 1, "less_equal": 1, "greater": 1, "greater_equal": 1, "equal": 1, "not_equal": 1,
    "and": 1, "or": 1, "not": 1, "select": 1, "convert": 1, "isnan": 1, "isfinite": 2,
}  # fmt: skip
"""Questions, and what follows from the answers. Of whole numbers `and` and `or` are those of their bits."""

BITS = {"xor": 1, "shift_left": 1, "shift_right": 1}
"""Operations on the bits of whole numbers; shifts by less than there are bits."""

ELEMENTARY = {
    "divide": 4, "sqrt": 4, "sign": 3, "floor": 1, "ceil": 1, "rint": 1,
    "exp": 12, "expm1": 16, "log": 16, "log1p": 20, "sin": 20, "cos": 20, "tanh": 20, "sigmoid": 16,
    "power": 50,
    "exp2": 12, "log2": 16, "log10": 16, "arctan": 20, "arctan2": 24, "arcsin": 24, "arccos": 24,
    "sinh": 20, "cosh": 20, "arcsinh": 24, "arccosh": 24, "arctanh": 24, "cbrt": 24,
    "fmod": 20, "floor_mod": 24, "floor_divide": 24, "trunc": 1, "copysign": 1, "nextafter": 4,
    "fmax": 1, "fmin": 1,
}  # fmt: skip
"""Functions of floating numbers."""

FURTHER: dict[str, float] = {}
"""Those that only targets with a library have: wings add some."""

COSTS = ARITHMETIC | TRUTH | BITS | ELEMENTARY | FURTHER
"""All of them."""
