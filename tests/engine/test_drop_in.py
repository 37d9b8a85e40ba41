"""Code that was written for NumPy, after one changed line: ``import clearprop.numpy as np``."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import clearprop
import clearprop.numpy as np
from clearprop.errors import LostGradientError, UnsupportedError

X = numpy.array([0.7, -1.3, 2.1])


def filled(make: Callable[[], Any]) -> Callable[[Any], Any]:
    def f(x):
        y = make()
        y[0] = x[1] * x[2]
        y[[1, 2]] = [x[0], x[0] ** 2]
        y[1:] *= x[1]
        y += x
        return np.sum(y * np.array([1.0, 2.0, 3.0]))

    return f


def convolved(x):
    out = np.zeros((2, 2))
    kernel = np.full((1, 2), 0.5)
    for i in range(2):
        for j in range(2):
            out[i, j] = np.sum(x[j : j + 2] * kernel) * (i + 1)
    return np.sum(out**2)


def trajectory(x):
    path = np.empty((4, 2))
    path[0] = [x[0], 1.0]
    for k in range(3):
        path[k + 1] = path[k] + 0.1 * np.array([path[k, 1], -x[1] * np.sin(path[k, 0])])
    return path[-1, 0] * x[2]


def gram(x):
    k = np.eye(3)
    for i in range(3):
        for j in range(3):
            k[i, j] += np.exp(-((x[i] - x[j]) ** 2))
    return np.linalg.slogdet(k)[1]


def with_out(x):
    y = np.zeros(3)
    np.multiply(x, x, out=y)
    np.add(y, x, out=y)
    return np.sum(y * x)


def counted(x):
    """An array that is filled with plain numbers alone is a plain array where one is needed."""
    w = np.zeros(3)
    for i in range(3):
        w[i] = i + 1.0
    assert numpy.asarray(w).tolist() == [1.0, 2.0, 3.0]
    assert float(w[2]) == 3.0
    if w[1] > 1.0:
        return np.sum(x * w)
    return np.sum(x)


def iterated(x):
    total, it = 0.0, np.nditer(x, flags=["multi_index"])
    while not it.finished:
        total = total + it[0] * (1 + it.multi_index[0])
        it.iternext()
    return total + sum(v * v for v in np.nditer(x))


IDIOMS: dict[str, Callable[[Any], Any]] = {
    "zeros": filled(lambda: np.zeros(3)),
    "empty": filled(lambda: np.full(3, 0.0)),
    "ones": filled(lambda: np.ones(3)),
    "full": filled(lambda: np.full(3, 2.0)),
    "arange": filled(lambda: np.arange(3.0)),
    "linspace": filled(lambda: np.linspace(0.0, 1.0, 3)),
    "zeros_like of a plain array": filled(lambda: np.zeros_like(X)),
    "ones_like of a plain array": filled(lambda: np.ones_like(X)),
    "full_like of a plain array": filled(lambda: np.full_like(X, 3.0)),
    "array": filled(lambda: np.array([1.0, 2.0, 3.0])),
    "identity": lambda x: np.sum((np.identity(3) + np.eye(3)) @ x),
    "convolution": convolved,
    "trajectory": trajectory,
    "gram matrix": gram,
    "out=": with_out,
    "no gradient in it": counted,
    "sum": lambda x: np.sum([x[0], 2 * x[1], 1.0]),
    "mean": lambda x: np.mean([x[0] * x[1], x[2]]),
    "max": lambda x: np.max([x[0], x[1], 0.5]),
    "min along an axis": lambda x: np.sum(np.min([x, 2 * x], axis=0)),
    "std": lambda x: np.std([x[0], x[1], x[2], 5.0]),
    "dot": lambda x: np.dot([x[0], x[1]], [x[1], x[2]]),
    "array times list": lambda x: np.sum(np.array([1.0, 2.0]) * [x[0], x[1]]),
    "concatenate": lambda x: np.sum(np.concatenate([[x[0]], x, [1.0]]) ** 2),
    "stack of lists": lambda x: np.sum(np.stack([[x[0], x[1]], [x[1], x[2]]]) ** 2),
    "block": lambda x: np.sum(np.block([[x[0], x[1]], [x[1], x[2]]]) ** 3),
    "exp of a list": lambda x: np.sum(np.exp([x[0], x[1]])),
    "maximum of a list": lambda x: np.sum(np.maximum(0.0, [x[0], x[1]])),
    "where": lambda x: np.sum(np.where([True, False], [x[0], x[1]], [x[1], x[2]])),
    "add.reduce": lambda x: np.add.reduce([x[0], x[1], x[1]]),
    "norm": lambda x: np.linalg.norm([x[0], x[1]]),
    "det": lambda x: np.linalg.det([[x[0], x[1]], [x[1], x[2]]]),
    "fft": lambda x: np.sum(np.abs(np.fft.fft([x[0], x[1], 1.0])) ** 2),
    "cumsum": lambda x: np.sum(np.cumsum([x[0], x[1]]) ** 2),
    "outer": lambda x: np.sum(np.outer([x[0], x[1]], [1.0, x[2]])),
    "einsum": lambda x: np.einsum("i,i", x, x),
    "interp": lambda x: np.interp(0.3, [0.0, 1.0], [x[0], x[1]]),
    "r_": lambda x: np.sum(np.r_[x[0], x, 0.0, 1:3] ** 2),
    "c_": lambda x: np.sum(np.c_[x, x**2] @ np.array([1.0, 2.0])),
    "vectorize": lambda x: np.sum(np.vectorize(lambda a, b: a * b if a > 0 else b)(x, 2.0)),
    "ndenumerate": lambda x: sum(v * (i + 1) for (i,), v in np.ndenumerate(x)),
    "nditer": iterated,
    "fromfunction": lambda x: np.sum(np.fromfunction(lambda i, j: i * x[0] + j * x[1], (2, 3))),
    "apply_along_axis": lambda x: np.sum(
        np.apply_along_axis(lambda r: r * np.sum(r), 0, np.outer(x, x))
    ),
    "float64": lambda x: np.float64(x[0]) * np.float32(2.0) + np.float64(3),
    "array with dtype": lambda x: np.sum(np.array([x[0], 1, x[1]], dtype=float) ** 2),
    "deepcopy": lambda x: np.sum(copy.deepcopy(x * x) * x),
}
OUT_OF_A_TRACE = {"vectorize", "max", "no gradient in it"}
"""Those that branch on values."""


def differences(f: Callable[[Any], Any]) -> Any:
    e = 1e-6
    return numpy.array([(f(X + e * d) - f(X - e * d)) / (2 * e) for d in numpy.eye(3)])


@pytest.mark.parametrize("name", IDIOMS)
def test_idioms_in_a_transform(name: str) -> None:
    f = IDIOMS[name]
    assert type(f(X)) is not clearprop.Tensor
    value, gradient = clearprop.value_and_grad(f)(X)
    numpy.testing.assert_allclose(value, f(X), rtol=1e-12)
    numpy.testing.assert_allclose(gradient, differences(f), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in IDIOMS if name != "vectorize"])
def test_idioms_compiled(name: str) -> None:
    compiled = clearprop.compile(clearprop.grad(IDIOMS[name]))
    numpy.testing.assert_allclose(compiled(X), differences(IDIOMS[name]), rtol=1e-6, atol=1e-8)


BACKWARD = [
    name
    for name in IDIOMS
    if "fill" not in IDIOMS[name].__qualname__ and "lambda" in IDIOMS[name].__qualname__
]


@pytest.mark.parametrize("name", [n for n in BACKWARD if n not in ("deepcopy", "array times list")])
def test_idioms_that_need_no_transform(name: str) -> None:
    x = clearprop.tensor(X)
    IDIOMS[name](x).backward()
    numpy.testing.assert_allclose(x.grad, differences(IDIOMS[name]), rtol=1e-6, atol=1e-8)


# ---- outside of transforms nothing changes


@pytest.mark.parametrize(
    "make",
    [
        *(lambda: np.zeros(3), lambda: np.ones((2, 2)), lambda: np.empty(3), lambda: np.eye(2)),
        *(lambda: np.identity(2), lambda: np.arange(3.0), lambda: np.linspace(0, 1, 3)),
        *(lambda: np.full(2, 1.0), lambda: np.zeros_like(X), lambda: np.array([1.0])),
        *(lambda: np.r_[1.0, 2.0], lambda: np.c_[X, X], lambda: np.vectorize(abs)(X)),
        *(lambda: np.asarray([1.0]), lambda: np.tri(3), lambda: np.logspace(0, 1, 3)),
    ],
)
def test_plain_arrays(make: Callable[[], Any]) -> None:
    assert type(make()) is numpy.ndarray


def test_whole_numbers_stay_plain_in_a_transform() -> None:
    def f(x):
        for made in (np.zeros(3, int), np.arange(3), np.array([0, 1]), np.ones(2, bool)):
            assert type(made) is numpy.ndarray
        return np.sum(x[np.arange(2)])

    numpy.testing.assert_array_equal(clearprop.grad(f)(X), [1.0, 1.0, 0.0])


def test_backward_code_is_told_what_to_fill() -> None:
    t = clearprop.tensor(X)
    y = np.zeros(3)
    with pytest.raises(ValueError, match="setting an array element") as caught:  # NumPy's own
        y[0] = t[0]
    assert isinstance(caught.value.__cause__, LostGradientError)
    assert "clearprop.tensor(array, requires_grad=False)" in str(caught.value.__cause__)
    y = clearprop.tensor(np.zeros(3), requires_grad=False)
    y[0] = t[0] ** 2
    np.sum(y).backward()
    numpy.testing.assert_allclose(t.grad, [1.4, 0.0, 0.0])


def test_scalar_types_are_numpys() -> None:
    assert type(np.float64(3)) is numpy.float64
    assert np.zeros(2, np.float32).dtype == numpy.float32
    assert isinstance(numpy.float64(1), np.float64)
    assert not isinstance(1, np.float64)
    assert np.float64 == numpy.float64
    assert {np.float32: 1}[numpy.float32] == 1
    assert np.issubdtype(numpy.dtype("f8"), np.float64)
    assert np.finfo(np.float64).eps == numpy.finfo(float).eps
    assert np.dtype(np.complex64) == numpy.complex64
    assert X.astype(np.float32).dtype == numpy.float32
    x = clearprop.tensor(X)
    assert x.astype(np.float32).dtype == numpy.float32
    assert np.float32(x).dtype == numpy.float32


def test_lists_go_into_whole_numbers_as_tensors_do() -> None:
    def f(x):
        y = clearprop.tensor(np.zeros(3, int))
        y[[0, 1]] = [x[0], x[1]]
        return np.sum(y * x)

    with pytest.raises(clearprop.DtypeError, match="cut it to whole numbers"):
        clearprop.grad(f)(X)


def test_lists_of_tensors_beside_tensors() -> None:
    def f(x):
        y = x[:2] * [x[1], x[2]] + [x[0], 1.0]
        return np.sum([x[2], x[0]] / y)

    numpy.testing.assert_allclose(clearprop.grad(f)(X), differences(f), rtol=1e-6)


def test_a_deep_copy_outside_of_transforms_is_of_leaves() -> None:
    x = clearprop.tensor(X)
    assert copy.deepcopy(x) is not x
    with pytest.raises(clearprop.GradientError, match="detach"):
        copy.deepcopy(x * 2)


def test_ufuncs_keep_their_methods() -> None:
    assert np.add.nin == 2
    assert np.multiply.outer([1, 2], [3, 4]).tolist() == [[3, 4], [6, 8]]
    a = numpy.zeros(2)
    np.add.at(a, [0, 0], 1.0)
    assert a.tolist() == [2.0, 0.0]
    assert np.add.reduce([1, 2]) == 3


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: np.nditer(x, op_flags=["readwrite"]), "loop over np.ndindex"),
        (lambda x: np.nditer([x, x]), "np.broadcast_arrays"),
        (lambda x: np.r_["0,2", x], "np.concatenate or np.stack"),
        (lambda x: np.vectorize(np.sum, signature="(n)->()")(x), "np.stack"),
    ],
)
def test_what_is_refused(f: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(UnsupportedError, match=says):
        clearprop.grad(f)(X)
