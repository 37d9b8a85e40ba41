"""Complex numbers and their parts.

Within the sweep the gradient of a complex value is ``dL/d(re) - 1j * dL/d(im)``, the conjugate of what users
see, so the rules of functions with a complex derivative need no conjugates (see `conjugate` in backprop.py).
Those that have none stand here. Rules put `g` first: Python makes its own complex of 1j times a NumPy float.
"""

from __future__ import annotations

import numpy as np

from ..engine.array_types import AnyArray, Array
from ..engine.primitive import Call, Custom, answers, primitive
from ..engine.spec import ArraySpec
from .samples import COMPLEX
from .specs import same


def _part_spec(x: Array) -> ArraySpec:
    return ArraySpec(x.shape, np.empty((), x.dtype).real.dtype)


def real_vjp(g: Array, out: Array, x: Array) -> Array:
    return g


_real_record = primitive(
    "real",
    np.real,
    spec=_part_spec,
    vjp=(real_vjp,),
    role="passes",
    why="A step along the real axis is all that the real part sees.",
    put=lambda base, new: new + np.imag(base) * 1j,
    notation=Custom(lambda x: f"{x}.real"),
    traits=["elementwise"],
    samples=COMPLEX,
)


@answers(np.real)
def real(val: AnyArray) -> Array:
    return _real_record(val) if val.dtype.kind == "c" else val


def imag_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * -1j


_imag_record = primitive(
    "imag",
    np.imag,
    spec=_part_spec,
    vjp=(imag_vjp,),
    role="scales",
    why="A step along the imaginary axis is all that the imaginary part sees.",
    put=lambda base, new: np.real(base) + new * 1j,
    notation=Custom(lambda x: f"{x}.imag"),
    traits=["elementwise"],
    samples=COMPLEX,
)


@answers(np.imag)
def imag(val: AnyArray) -> Array:
    return _imag_record(val) if val.dtype.kind == "c" else np.zeros_like(val)


def conj_vjp(g: Array, out: Array, x: Array) -> Array:
    return np.conj(g)


conj = primitive(
    "conj",
    np.conj,
    spec=same,
    vjp=(conj_vjp,),
    role="passes",
    why="The imaginary axis is turned around, for values and for gradients.",
    traits=["elementwise"],
    samples=COMPLEX,
)


@answers(np.conjugate)
def conjugate(x: Array) -> Array:
    if x.dtype.kind == "c":
        return conj(x)
    return x.astype(np.int8) if x.dtype.kind == "b" else x.copy()


def angle_vjp(g: Array, out: Array, x: Array) -> Array:
    return g * -1j / np.where(x == 0, np.inf, x)  # none at the origin


_angle_record = primitive(
    "angle",
    np.angle,
    spec=_part_spec,
    vjp=(angle_vjp,),
    role="scales",
    why="Turning about the origin changes the angle, the more the nearer to it; moving outwards does not.",
    traits=["elementwise"],
    samples=COMPLEX,
)


@answers(np.angle)
def angle(z: Array, deg: bool = False) -> Array:
    turned = _angle_record(z) if z.dtype.kind == "c" else np.arctan2(0, z)
    return turned * (180 / np.pi) if deg else turned


def direction_vjp(g: Array, out: Array, x: Array) -> Array:
    size = np.abs(x)
    return (g - np.conj(out) * np.real(g * out)) / np.where(size == 0, np.inf, size)


direction = primitive(
    "direction",
    np.sign,
    spec=same,
    vjp=(direction_vjp,),
    role="scales",
    why="Turning about the origin turns the direction, the more the nearer to it; moving outwards does not.",
    notation=Call("sign"),
    traits=["elementwise"],
    samples=COMPLEX,
)
"""np.sign of complex numbers: x / abs(x)."""
