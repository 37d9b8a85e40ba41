"""Random numbers from keys: the same ones in eager, traced, compiled and generated code.

A key is a plain array of two numbers. What is drawn depends on the key, the shape and nothing else, so draw
from each key once, and make new ones of it:

>>> from clearprop import random
>>> key = random.key(0)
>>> for step in range(2):
...     for_mask, for_noise = random.split(random.fold_in(key, step))
...     print(random.bernoulli(for_mask, 0.5, 3), random.normal(for_noise))
[ True False False] 0.4245112715547025
[ True  True False] 0.12861414079132966
"""

from .draws import bernoulli, bits, normal, randint, uniform
from .keys import fold_in, key, split
from .selections import choice, permutation

__all__ = [
    "bernoulli",
    "bits",
    "choice",
    "fold_in",
    "key",
    "normal",
    "permutation",
    "randint",
    "split",
    "uniform",
]


def __dir__() -> list[str]:
    return list(__all__)
