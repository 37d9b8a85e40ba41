"""Bundle: the results of an operation that has several, as one value."""

from __future__ import annotations

from typing import Any

from .array_types import AnyArray


class Bundle(tuple[AnyArray, ...]):
    """Several results, or their gradients, where None stands for no gradient.

    Bundles add up entry by entry, as the gradients of one value's users do, and they are all of one shape
    and dtype as far as the sweep can see, so that it needs to know nothing about them.

    >>> Bundle([1.0, None]) + Bundle([2.0, 3.0])
    (3.0, 3.0)
    """

    __slots__ = ()
    shape = ("several",)
    dtype = "several"

    def __add__(self, other: Any) -> Bundle:
        return Bundle(map(_add, self, other))


def as_bundle(value: AnyArray | Bundle) -> Bundle:
    """Return a bundle as it is, anything else as a bundle of one."""
    return value if isinstance(value, Bundle) else Bundle([value])


def alone(results: list[AnyArray]) -> AnyArray | Bundle:
    """Return the only result, or several as a bundle."""
    return results[0] if len(results) == 1 else Bundle(results)


def _add(x: AnyArray | None, y: AnyArray | None) -> AnyArray | None:
    return y if x is None else x if y is None else x + y
