"""clearprop.numpy.polynomial: NumPy's polynomials in six bases, of Tensors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy
import numpy.polynomial
import pytest

import clearprop
import clearprop.numpy as np
from clearprop import grad, tensor
from clearprop.errors import ClearpropError, LostGradientError, TraceError
from clearprop.numpy.polynomial import Chebyshev, Legendre, Polynomial
from clearprop.testing import assert_grads

BASES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}
C, D = numpy.array([0.5, 1.2, 0.9, 1.4]), numpy.array([1.1, 0.7, 1.3])
X, Y = numpy.array([-0.7, 0.2, 0.6, 0.9]), numpy.array([0.3, -0.4, 0.8, 0.1])
C2, C3 = numpy.sin(numpy.arange(6.0)).reshape(3, 2), numpy.cos(numpy.arange(12.0)).reshape(2, 3, 2)
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "{}val": (X, C),
    "{}val at a number": (0.3, C),
    "{}val of columns": (X, C2),
    "{}val of columns side by side": (X[:2], C2, False),
    "{}val2d": (X, Y, C2),
    "{}val3d": (X, Y, X, C3),
    "{}grid2d": (X, Y, C2),
    "{}grid3d": (X, Y, X, C3),
    "{}vander": (X, 3),
    "{}vander2d": (X, Y, [1, 2]),
    "{}vander3d": (X, Y, X, [1, 1, 1]),
    "{}der": (C, 2),
    "{}int": (C, 1, [0.5]),
    "{}add": (C, D),
    "{}sub": (D, C),
    "{}mul": (C, D),
    "{}mulx": (C,),
    "{}div": (C, D),
    "{}pow": (D, 3),
    "{}roots": (D,),
    "{}companion": (C,),
    "{}fromroots": (D,),
    "{}fit": (X, Y, 2),
    "{}fit of some degrees": (X, Y, [0, 2]),
    "{}line": (0.3, 0.4),
    "{}trim": (C,),
}
TRACED = {"polynomial", "laguerre"}
"""Bases that stand for all in traces, which take time."""
DECIDING = ("div", "line", "fit", "trim")
"""Those whose code asks a value, which is unknown in a trace."""


def total(result: Any) -> Any:
    """One number that every entry of a result has a part in."""
    if isinstance(result, tuple):
        return total(result[0]) + 0.5 * total(result[1])
    weights = 1 + 0.3 * numpy.arange(result.size).reshape(result.shape)
    return np.sum(np.real(result) * weights) + np.sum(np.imag(result) * weights)


def functions() -> list[Any]:
    found = []
    for base, prefix in BASES.items():
        for text, args in FUNCTIONS.items():
            name = text.format(prefix)
            found.append(pytest.param(base, name.partition(" ")[0], args, id=f"{base} {name}"))
    return found


@pytest.mark.parametrize(("base", "name", "args"), functions())
def test_functions(base: str, name: str, args: tuple[Any, ...]) -> None:
    f = getattr(getattr(np.polynomial, base), name)
    plain, expected = f(*args), getattr(getattr(numpy.polynomial, base), name)(*args)
    assert type(plain) is type(expected)
    numpy.testing.assert_array_equal(total(plain), total(expected))
    assert numpy.shape(total(f(*map(tensor_of, args)))) == ()
    places = [i for i, x in enumerate(args) if isinstance(x, float | numpy.ndarray)]

    def g(*given: Any) -> Any:
        new = list(args)
        for i, x in zip(places, given, strict=True):
            new[i] = x
        return total(f(*new))

    assert_grads(g, *(args[i] for i in places))
    if base in TRACED and not name.endswith(DECIDING):
        given = [args[i] for i in places]
        traced = clearprop.trace(grad(g), *given)
        numpy.testing.assert_allclose(traced.evaluate(*given), grad(g)(*given), rtol=1e-10)


def tensor_of(x: Any) -> Any:
    return tensor(x) if isinstance(x, float | numpy.ndarray) else x


def test_every_function_is_there() -> None:
    for base in BASES:
        plain, ours = getattr(numpy.polynomial, base), getattr(np.polynomial, base)
        assert set(plain.__all__) <= set(dir(ours))
        assert ours is getattr(numpy.polynomial, base) or ours.__name__.startswith("clearprop.")
    assert set(np.polynomial.__all__) == set(numpy.polynomial.__all__)


def test_one_tensor_among_plain_arrays_in_code_that_calls_backward() -> None:
    for f in (np.polynomial.polynomial.polyadd, np.polynomial.legendre.legsub):
        t = tensor(D)
        np.sum(f(C, t) ** 2).backward()
        numpy.testing.assert_allclose(t.grad, grad(lambda d, f=f: np.sum(f(C, d) ** 2))(D))


# ---- classes

P = Polynomial([1.0, 2.0, 3.0])
ON_CLASSES: dict[str, Any] = {
    "value": lambda c: Polynomial(c)(0.3),
    "values where": lambda c: total(P(c)),
    "of a list": lambda c: Chebyshev([c[0], 1.0, c[1] * c[2]])(0.3),
    "domain": lambda c: total(Chebyshev(c, domain=[0, 2])(X)),
    "derivative": lambda c: Polynomial(c).deriv()(0.3),
    "integral": lambda c: Legendre(c).integ(lbnd=c[1])(0.3),
    "arithmetic": lambda c: (Polynomial(c) * P + 3 * Polynomial(c) ** 2 - c[0])(0.3),
    "quotients": lambda c: (-Polynomial(c) / c[0])(0.3) + divmod(Polynomial(c), P)[1](0.2),
    "fit": lambda y: Polynomial.fit(numpy.arange(3.0), y, 1).convert().coef[1] * y[0],
    "fit where": lambda x: Polynomial.fit(x, numpy.arange(3.0) ** 2, 1)(0.5),
    "roots": lambda c: total(Polynomial(c).roots()),
    "fromroots": lambda c: Polynomial.fromroots(c)(0.3),
    "another basis": lambda c: Polynomial(c).convert(kind=Chebyshev).coef[0],
    "cast": lambda c: Legendre.cast(Polynomial(c)).coef[1],
    "truncate": lambda c: Polynomial(c).truncate(2)(0.3),
    "linspace": lambda c: total(Polynomial(c).linspace(5)[1]),
}


@pytest.mark.parametrize("name", ON_CLASSES)
def test_classes(name: str) -> None:
    assert_grads(ON_CLASSES[name], D)


def test_a_compiled_class() -> None:
    f = grad(lambda c: total(Chebyshev(c, domain=[0, 2])(c)))
    numpy.testing.assert_allclose(clearprop.compile(f)(D), f(D))


def test_plain_polynomials_stay_plain() -> None:
    p = Polynomial([1.0, 2.0])
    assert type((p * p).deriv().coef) is numpy.ndarray
    assert str(p) == str(numpy.polynomial.Polynomial([1.0, 2.0]))
    assert pickle.loads(pickle.dumps(p)) == copy.deepcopy(p) == p
    assert "x" in str(grad(lambda c: (str(Polynomial(c)), Polynomial(c)(1.0))[1])(D)) + str(p)


def test_beside_polynomials_of_numpy() -> None:
    p, theirs = Polynomial([1.0, 2.0, 3.0]), numpy.polynomial.Polynomial([1.0, 2.0])
    assert (p + theirs).coef.tolist() == [2, 4, 3]
    assert grad(lambda x: (p * theirs)(x))(2.0) == 104.0
    with pytest.raises(TypeError, match="Polynomial types differ"):
        _ = theirs + p


# ---- what is refused


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("polynomial.polyval", lambda c: numpy.polynomial.polynomial.polyval(1.5, c)),
        ("polynomial.polyval2d", lambda c: numpy.polynomial.polynomial.polyval2d(1.0, c[0], C2)),
        ("chebyshev.chebder", lambda c: numpy.polynomial.chebyshev.chebder(c)),
        ("hermite.hermval", lambda c: numpy.polynomial.hermite.hermval(c, c)),
        ("Polynomial", lambda c: numpy.polynomial.Polynomial(c)(1.0)),
        ("Legendre", lambda c: numpy.polynomial.Legendre([1.0, 2.0])(c[0])),
        ("Legendre.fit", lambda c: numpy.polynomial.Legendre.fit(X[:3], c, 2).coef[0]),
    ],
)
@pytest.mark.parametrize("transform", [grad, clearprop.compile])
def test_plain_numpy_is_refused_by_its_name(name: str, f: Any, transform: Any) -> None:
    with pytest.raises(
        ClearpropError, match=rf"np\.polynomial\.{name}\b.* takes? .*clearprop\.numpy"
    ):
        transform(f)(D)


def test_degrees_are_plain() -> None:
    with pytest.raises(LostGradientError, match=r"np\.polynomial\.polynomial\.polyder takes m="):
        grad(lambda c: np.sum(np.polynomial.polynomial.polyder(c, c[0])))(D)


def test_what_decides_by_values_says_so_in_a_trace() -> None:
    with pytest.raises(TraceError, match=r"It decides by a value\..* np\.polyfit, np\.polydiv"):
        clearprop.compile(lambda c: np.polynomial.polynomial.polydiv(D, c)[0])(C)
    found = clearprop.compile(lambda c: np.polydiv(c[::-1], D[::-1])[0][::-1])(C)
    numpy.testing.assert_allclose(found, numpy.polynomial.polynomial.polydiv(C, D)[0])
