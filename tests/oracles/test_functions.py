"""Every function of NumPy's that is marked as having a gradient, beside JAX's of the same name, as it comes.

The calls are those by which `test_coverage.py` finds out that there is a gradient. `test_records.py` does the
same for primitives, with their parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import Primitive, numpy_table
from tests.test_coverage import CALLS, tensors
from tools.coverage import survey

jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed (make test-all installs it)")

MODULES: dict[ModuleType, Any] = {np: jnp, np.linalg: jnp.linalg, np.fft: jnp.fft}
V, M = (tensors(*shape).value for shape in ((3,), (3, 3)))

CALLS_INSTEAD: dict[str, Callable[[Any, Any], tuple[Any, ...]]] = {
    "numpy.angle": lambda v, m: (v * (1 + 2j) + v**2,),
    "numpy.imag": lambda v, m: (v * (1 + 2j) + v**2,),
    "numpy.linalg.cholesky": lambda v, m: (m @ m.T,),
    "numpy.linalg.eigh": lambda v, m: (m @ m.T,),
    "numpy.linalg.eigvalsh": lambda v, m: (m @ m.T,),
}
"""A few functions want symmetric matrices or complex numbers."""
ALONE = {
    "numpy.histogram": "classes that are made of the numbers are constants here",
    "numpy.piecewise": "JAX takes functions alone, NumPy changes arrays in place",
    "numpy.apply_over_axes": "JAX wants functions of its own",
    "numpy.polydiv": "NumPy leaves leading zeros of the remainder out, JAX does not",
    "numpy.polymul": "NumPy leaves leading zeros out, JAX does not",
    "numpy.real_if_close": "JAX has none",
    "numpy.row_stack": "JAX has none",
    "numpy.linalg.eig": "JAX has no gradient of eigenvectors",
    "numpy.linalg.lstsq": "JAX gives residuals where NumPy gives none",
}
"""What JAX does not have, or has otherwise, and why."""


def functions() -> list[Any]:
    """The functions that are no primitives themselves."""
    found = []
    for module in MODULES:
        for shown in survey(module, None).gradient:
            name = shown.split("`")[1]
            if not isinstance(numpy_table[getattr(module, name)], Primitive):
                found.append(pytest.param(module, name, id=f"{module.__name__}.{name}"))
    return found


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def parts(result: Any) -> list[Any]:
    several = isinstance(result, list | tuple) or getattr(result, "shape", 0) == Bundle.shape
    return list(result) if several else [result]


def loss(n: Any, result: Any) -> Any:
    """A number that depends on all floating parts of a result."""
    total: Any = 0.0
    for part in parts(result):
        if getattr(part, "dtype", np.dtype(int)).kind == "c":
            total = total + n.sum(n.sin(part.real)) + n.sum(n.cos(2 * part.imag))
        elif getattr(part, "dtype", np.dtype(int)).kind == "f":
            total = total + n.sum(n.sin(part))
    return total


@pytest.mark.parametrize(("module", "name"), functions())
def test_function(module: ModuleType, name: str) -> None:
    ours, theirs = getattr(module, name), getattr(MODULES[module], name, None)
    if f"{module.__name__}.{name}" in ALONE:
        pytest.skip(ALONE[f"{module.__name__}.{name}"])
    compared = 0
    first = CALLS_INSTEAD.get(f"{module.__name__}.{name}")
    for call in [first] if first else CALLS:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                value = ours(*call(V, M))
                expected = theirs(*call(jnp.asarray(V), jnp.asarray(M)))
                mine = clearprop.grad(lambda v, m, call=call: loss(np, ours(*call(v, m))), (0, 1))(
                    V, M
                )
        except Exception:  # not how to call it, or not in both
            continue
        wanted = jax.grad(lambda v, m, call=call: loss(jnp, theirs(*call(v, m))), (0, 1))(V, M)
        for a, b in zip(parts(value), parts(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)
        for a, b in zip(mine, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
        compared += any(np.any(g) for g in mine)
        if compared == 2:
            return
    assert compared, "no call that both understand: give it a reason in ALONE"
