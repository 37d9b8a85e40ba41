"""Convolution and correlation of sequences: the gradient of one is another."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..engine.array_types import Array
from ..engine.arrays import as_array
from ..engine.primitive import Custom, Draw, Sample, answers, floats, primitive
from ..engine.spec import ArraySpec, promote
from ..errors import ShapeError
from .linalg_common import conj

_DUAL = {"full": "valid", "valid": "full"}


def _convolve(a: Array, v: Array, mode: Literal["full", "same", "valid"]) -> Array:
    return np.convolve(a, v, mode)


def _convolve_spec(a: Array, v: Array, mode: str) -> ArraySpec:
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError("two sequences of at least one number each are needed")
    n = a.size + v.size - 1 if mode == "full" else abs(a.size - v.size) + 1
    return ArraySpec((n,), promote(a, v))


def convolve_vjp_a(g: Array, out: Array, a: Array, v: Array, mode: str) -> Array:
    return _slide(g, v, a.size, mode)


def convolve_vjp_v(g: Array, out: Array, a: Array, v: Array, mode: str) -> Array:
    return _slide(g, a, v.size, mode)


def _slide(g: Array, other: Array, size: int, mode: str) -> Array:
    """Slide the other sequence, reversed, along `g`; where it was the longer one, slide `g` along it."""
    if mode == "valid" and other.size > size:
        return _convolve_record(other[::-1], g, mode="valid")
    return _convolve_record(g, other[::-1], mode=_DUAL[mode])


def _write(a: str, v: str, mode: str) -> str:
    return f"convolve({a}, {v})" if mode == "full" else f"convolve({a}, {v}, '{mode}')"


_convolve_record = primitive(
    "convolve",
    _convolve,
    spec=_convolve_spec,
    vjp=(convolve_vjp_a, convolve_vjp_v),
    role="mixes",
    why="Each sequence gets the upstream gradient weighed with the other one, turned around.",
    notation=Custom(_write, wraps=False),
    traits=["linear"],
    samples=(
        Sample(floats(5), floats(3), mode="full"),
        Sample(floats(2), floats(4), mode="full"),
        Sample(floats(5), floats(3), mode="valid"),
        Sample(floats(2), floats(4), mode="valid"),
        Sample(floats(1), floats(1), mode="valid"),
        Sample(Draw((3,), dtype="complex128"), Draw((2,), dtype="complex128"), mode="full"),
        Sample(floats(2), Draw((4,), dtype="complex128"), mode="valid"),
    ),
)


@answers(np.convolve)
def convolve(a: Array, v: Array, mode: str = "full") -> Array:
    a, v = (np.reshape(x, 1) if np.ndim(x) == 0 else x for x in (a, v))
    a, v = _sequences("convolve", mode, a, v)
    if mode != "same":
        return _convolve_record(a, v, mode=mode)
    start, size = (min(a.size, v.size) - 1) // 2, max(a.size, v.size)
    return _convolve_record(a, v, mode="full")[start : start + size]


@answers(np.correlate)
def correlate(a: Array, v: Array, mode: str = "valid") -> Array:
    """Convolve with the second sequence reversed, and conjugated if it is complex."""
    a, v = _sequences("correlate", mode, a, v)
    turned = conj(v)[::-1]
    if mode != "same":
        return _convolve_record(a, turned, mode=mode)
    start = (v.size - 1) // 2 if a.size >= v.size else a.size // 2
    return _convolve_record(a, turned, mode="full")[start : start + max(a.size, v.size)]


def _sequences(name: str, mode: str, *arrays: Array) -> list[Array]:
    found = [as_array(x) for x in arrays]
    if any(x.ndim != 1 or not x.size for x in found):
        raise ShapeError(
            f"{name}: two sequences of at least one number each are needed, but the shapes are "
            f"{found[0].shape} and {found[1].shape}; for rows of a matrix, take them one by one"
        )
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"{name}: mode is 'full', 'same' or 'valid', not {mode!r}")
    return found
