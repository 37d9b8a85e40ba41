"""Threefry-2x32 with 20 rounds: from a key and a counter, two words of 32 bits that look random.

After J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Each
word of a counter is mixed with the other by additions, rotations and exclusive or; after every four rounds
the key is added again. Nothing is carried from one number to the next, so they can be computed in any order.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import Array
from ..graph.blocks import block

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""By how many bits the second word is turned in the rounds; the groups of four take turns."""
_PARITY = np.uint32(0x1BD11BDA)


@block
def threefry(k0: Array, k1: Array, c0: Array, c1: Array) -> tuple[Array, Array]:
    """Turn a counter of two words, under a key of two words, into two random words.

    All are unsigned numbers of 32 bits, which wrap around, or arrays of such that broadcast.
    """
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x, y = c0 + k0, c1 + k1
    for group in range(1, 6):
        for bits in _ROTATIONS[(group - 1) % 2]:
            x = x + y
            y = x ^ (y << np.uint32(bits) | y >> np.uint32(32 - bits))
        x = x + keys[group % 3]
        y = y + (keys[(group + 1) % 3] + np.uint32(group))
    return x, y
