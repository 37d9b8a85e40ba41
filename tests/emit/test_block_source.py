"""Generated NumPy code calls blocks that nobody can look into by their names."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import special

import clearprop
from clearprop.errors import UnsupportedError

X = np.array([1.3, 2.4, 0.6])


@clearprop.block
def gamma(x):
    return special.gamma(np.asarray(x, dtype=float))


@gamma.gradient
def gamma_rule(g, out, x):
    x = np.asarray(x, dtype=float)
    return np.asarray(g) * special.gamma(x) * special.digamma(x)


@clearprop.block
def scaled(x, *, by):
    return np.asarray([float(v) * by for v in np.asarray(x)])


@scaled.gradient
def scaled_gradient(g, out, x, *, by):
    return g * by


@clearprop.block
def both(pair):
    return float(pair["a"]) * float(pair["b"])


@both.gradient
def both_gradient(g, out, pair):
    return {"a": g * pair["b"], "b": g * pair["a"]}


def loss(x):
    h = np.sin(x) + 2.0
    return np.sum(scaled(gamma(h), by=3.0) * x)


def test_blocks_are_called_by_name() -> None:
    code = clearprop.source(loss, X)
    assert "gamma(h)" in code.text
    assert "gamma_gradient(" in code.text
    assert "scaled(" in code.text
    assert "by=3.0" in code.text
    assert "scaled_gradient(" not in code.text  # its rule is NumPy code
    assert "# It calls what is not written here: gamma, scaled, gamma_gradient.\n" in code.text
    value, dx = code.function(X)
    assert value == pytest.approx(loss(X), rel=1e-14)
    np.testing.assert_allclose(dx, clearprop.grad(loss)(X), rtol=1e-12)
    assert set(code.blocks) == {"gamma", "scaled", "gamma_gradient"}


def test_a_saved_file_needs_them() -> None:
    code = clearprop.source(loss, X)
    space: dict[str, Any] = {}
    exec(code.text, space)
    with pytest.raises(NameError):
        space["loss_and_grad"](X)
    space.update(code.blocks)
    np.testing.assert_allclose(space["loss_and_grad"](X)[1], clearprop.grad(loss)(X), rtol=1e-12)


def test_code_with_blocks_is_pickled() -> None:
    code = pickle.loads(pickle.dumps(clearprop.source(loss, X)))
    np.testing.assert_allclose(code.function(X)[1], clearprop.grad(loss)(X), rtol=1e-12)


@pytest.mark.parametrize("to", ["torch", "jax", "c"])
def test_other_targets_name_the_one_that_can(to: str) -> None:
    with pytest.raises(UnsupportedError, match=r"has no form in .*targets that have it: numpy"):
        clearprop.source(loss, X, to=to)


def test_containers_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="both has no form in numpy"):
        clearprop.source(lambda a, b: both({"a": a, "b": b}) * 2.0, 1.0, 2.0)
