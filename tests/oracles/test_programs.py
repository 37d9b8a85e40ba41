"""Random programs of NumPy code: value, gradient and Hessian-vector product as JAX has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import clearprop
from tests.programs import Program, programs

jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed (make test-all installs it)")


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def close(mine: Any, theirs: Any, what: str, tolerance: float) -> None:
    theirs = np.asarray(theirs)
    assert np.shape(mine) == theirs.shape, what
    scale = float(np.max(np.abs(theirs), initial=0.0))
    np.testing.assert_allclose(mine, theirs, tolerance, tolerance * max(scale, 1e-3), err_msg=what)


@given(programs())
def test_value_gradient_and_hessian_vector_product(program: Program) -> None:
    xs, vs = tuple(program.arrays()), tuple(program.directions())
    places = tuple(range(len(xs)))
    value, gradients = clearprop.value_and_grad(program, places)(*xs)
    products = clearprop.hvp(program, xs, vs)
    theirs = jax.value_and_grad(program.function(jnp), places)
    (expected, their_gradients), (_, their_products) = jax.jvp(theirs, xs, vs)
    close(value, program(*xs), "value on arrays", 1e-14)
    close(value, expected, "value", 1e-12)
    for i in places:
        close(gradients[i], their_gradients[i], f"gradient of x{i}", 1e-10)
        close(products[i], their_products[i], f"Hessian times vector, x{i}", 1e-8)
