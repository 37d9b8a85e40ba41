"""Programs as people write them with NumPy, after one changed line: beside NumPy itself, and differences.

Each runs with plain NumPy, with `clearprop.numpy` on plain arrays, and with it in `grad`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import clearprop
import clearprop.numpy
from clearprop.errors import LostGradientError, TraceError, UnsupportedError
from tests.numeric import slopes

X = numpy.array([0.7, -1.3, 2.1])
Program = Callable[[Any, Any], Any]
"""A function of the module that is called ``np``, and of x."""


def thomas(np: Any, x: Any) -> Any:
    a, b, c, d = np.ones(3), 4 + x, np.ones(3), np.arange(3.0) + 1
    for i in range(1, 3):
        w = a[i] / b[i - 1]
        b[i] -= w * c[i - 1]
        d[i] -= w * d[i - 1]
    s = np.zeros(3)
    s[-1] = d[-1] / b[-1]
    for i in (1, 0):
        s[i] = (d[i] - c[i] * s[i + 1]) / b[i]
    return s.sum()


def cholesky(np: Any, x: Any) -> Any:
    a, low = np.outer(x, x) + 3 * np.eye(3), np.zeros((3, 3))
    for i in range(3):
        for j in range(i + 1):
            s = np.dot(low[i, :j], low[j, :j])
            low[i, j] = np.sqrt(a[i, i] - s) if i == j else (a[i, j] - s) / low[j, j]
    return low.sum()


def heat(np: Any, x: Any) -> Any:
    u = np.zeros(10)
    u[3:6] = x
    for _ in range(4):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return (u**2).sum()


def kalman(np: Any, x: Any) -> Any:
    covariance, mean, step = np.eye(2), np.zeros(2), np.array([[1.0, 0.1], [0.0, 1.0]])
    seen, total = np.array([[1.0, 0.0]]), 0.0
    for z in [0.1, 0.3, 0.2]:
        mean = step @ mean
        covariance = step @ covariance @ step.T + x[0] ** 2 * np.eye(2)
        s = seen @ covariance @ seen.T + x[1] ** 2
        gain = covariance @ seen.T @ np.linalg.inv(s)
        r = z - seen @ mean
        mean = mean + gain @ r
        covariance = (np.eye(2) - gain @ seen) @ covariance
        total += -0.5 * (np.log(s[0, 0]) + r[0] ** 2 / s[0, 0])
    return total * x[2]


def warping(np: Any, x: Any) -> Any:
    d = np.full((4, 4), np.inf)
    d[0, 0] = 0
    for i in range(1, 4):
        for j in range(1, 4):
            d[i, j] = (x[i - 1] - 0.3 * j) ** 2 + min(d[i - 1, j], d[i, j - 1], d[i - 1, j - 1])
    return d[3, 3]


def bodies(np: Any, x: Any) -> Any:
    class Body:
        def __init__(self, m: Any, n: Any) -> None:
            self.position, self.speed = np.zeros(2), np.array([m, n])

        def step(self, dt: float) -> None:
            self.position += self.speed * dt
            self.speed *= 0.9

    body = Body(x[0], x[1] * x[2])
    for _ in range(3):
        body.step(0.1)
    return body.position @ body.speed


def spline(np: Any, x: Any) -> Any:
    h, a, b = np.diff([0.0, 1.0, 3.0]), np.zeros((3, 3)), np.zeros(3)
    a[0, 0] = a[-1, -1] = 1
    a[1, 0], a[1, 1], a[1, 2] = h[0], 2 * (h[0] + h[1]), h[1]
    b[1] = 3 * ((x[2] - x[1]) / h[1] - (x[1] - x[0]) / h[0])
    return (np.linalg.solve(a, b) ** 2).sum()


def masked(np: Any, x: Any) -> Any:
    y, positive = np.zeros_like(x), x > 0
    y[positive] = np.sqrt(x[positive])
    y[~positive] = x[~positive] ** 2
    y[y > 1] **= 2
    return y.sum()


def quotients(np: Any, x: Any) -> Any:
    parts = np.divide(x, x - x[0], out=np.zeros(3), where=np.arange(3) > 0)
    logs = np.log(x, out=np.full(3, -1.0), where=x > 0)
    return (parts * np.arange(3) + logs).sum()


def written(np: Any, x: Any) -> Any:
    y = np.zeros(5)
    np.put(y, [0, 3], x[:2])
    np.copyto(y[:3], x, where=np.array([False, True, True]))
    np.add.at(y, [1, 4, 1], x)
    np.putmask(y, y > 2, y**2)
    np.place(y, y < 0, [x[2]])
    return (y**2 * np.arange(1.0, 6.0)).sum()


def picked(np: Any, x: Any) -> Any:
    m = np.outer(x, x)
    m[np.ix_([0, 2], [1, 2])] *= 3
    low = np.zeros((2, 2))
    low[np.tril_indices(2)] = x
    place = np.unravel_index(np.argmax(m), m.shape)
    order = np.lexsort((x, [0, 1, 0]))
    return m[place] + (low @ low.T).sum() + (x[order] * np.arange(3)).sum()


def drawn(np: Any, x: Any) -> Any:
    rng = np.random.default_rng(0)
    y = x * rng.normal(size=3)
    return (y * np.arange(3)).sum() + x[rng.permutation(3)] @ [1.0, 2.0, 3.0]


def described(np: Any, x: Any) -> Any:
    text = f"{x[0]:.3f} {x.sum()} {x!s:>20}" + str(x[1]) + repr(x)
    assert text.startswith("0.700")
    return (x**2).sum()


def counted(np: Any, x: Any) -> Any:
    return x[0] * int(np.ceil(abs(x[2]))) + np.histogram([0.1, 0.7], 2, (0, 1), weights=x[:2])[0][1]


def columns(np: Any, x: Any) -> Any:
    m = np.apply_along_axis(lambda r: np.array([r.sum(), r[0] * r[-1]]), 0, np.outer(x, x))
    a, b = np.meshgrid(x, np.linspace(0, 1, 4))
    return (m**2).sum() + (np.sin(a) * b).sum() + np.interp(0.3, [0.0, 1.0], [x[0], x[1]])


def gradients(np: Any, x: Any) -> Any:
    a, b = np.gradient(np.outer(x, x**2))
    t = np.linspace(0, x[0], 5)
    return (a * b).sum() + np.trapezoid(np.sin(t), t) + (np.gradient(x, 0.5) ** 2).sum()


def polynomials(np: Any, x: Any) -> Any:
    p = np.polynomial.Polynomial(x)
    return p(0.3) * p.deriv()(0.2) + np.polynomial.chebyshev.chebval(0.4, x) + np.polyval(x, 1.5)


def by_entry(np: Any, x: Any) -> Any:
    product = np.frompyfunc(lambda a, b: a * b + 1, 2, 1)(x, 2.0).astype(float)
    numbers = np.fromiter((v * v for v in x), dtype=float, count=2)
    soft = np.vectorize(lambda v: v - 0.5 if v > 0.5 else 0.0)
    return (product**2).sum() + numbers @ [1.0, 2.0] + soft(x).sum()


def lists(np: Any, x: Any) -> Any:
    rows = [[v * w for w in x] for v in x]
    return np.linalg.norm(np.array(rows)) + np.sum(rows, axis=0)[1] + max(v**2 for v in x)


def pieces(np: Any, x: Any) -> Any:
    y = np.piecewise(x, [x < 0, x > 1], [lambda v: -v, np.sqrt, lambda v: v**2])
    return y.sum() + np.select([x < 0, x > 1], [-x, x**2], default=0.5).sum()


def windows(np: Any, x: Any) -> Any:
    y = np.concatenate([x, x**2])
    seen, diagonal = np.lib.stride_tricks.sliding_window_view(y, 2), np.outer(y, y)
    y[1] = 5.0 * x[0]
    np.einsum("ii->i", diagonal)[...] = y
    return (seen.mean(axis=1) ** 2).sum() + diagonal.sum()


PROGRAMS: list[Program] = [
    *(thomas, cholesky, heat, kalman, warping, bodies, spline, masked, quotients, written, picked),
    *(drawn, described, counted, columns, gradients, polynomials, by_entry, lists, pieces, windows),
]
DECIDING = {warping, masked, written, counted, by_entry, lists, described, polynomials}
"""Those that need numbers to go on, and so cannot be traced."""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_program(program: Program) -> None:
    def f(x: Any) -> Any:
        return program(clearprop.numpy, x)

    expected = program(numpy, X.copy())
    assert type(f(X.copy())) is type(expected)
    assert float(f(X.copy())) == float(expected)
    value, gradient = clearprop.value_and_grad(f)(X)
    numpy.testing.assert_allclose(value, expected, rtol=1e-13)
    by_steps = slopes(lambda x: program(numpy, x.copy()), X)
    numpy.testing.assert_allclose(gradient, by_steps, rtol=1e-6, atol=1e-7)
    if program not in DECIDING:
        numpy.testing.assert_allclose(clearprop.compile(clearprop.grad(f))(X), gradient, rtol=1e-10)


def records(np: Any, r: Any, x: Any) -> Any:
    r["p"][:] = x
    return (r["p"] ** 2).sum()


REFUSED: dict[str, tuple[Program, Program, str]] = {
    "vectorize of rows": (
        lambda np, x: np.vectorize(lambda r: r.sum() ** 2, signature="(n)->()")(np.outer(x, x)).sum(),
        lambda np, x: np.stack([r.sum() ** 2 for r in np.outer(x, x)]).sum(),
        r"np\.vectorize\(signature=\.\.\.\).* loop over the leading axis .*np\.stack",
    ),
    "two operands of nditer": (
        lambda np, x: sum(a * b for a, b in np.nditer([x, np.arange(3.0)])),
        lambda np, x: sum(a * b for a, b in zip(*np.broadcast_arrays(x, np.arange(3.0)), strict=True)),
        r"several are joined by np\.broadcast_arrays",
    ),
    "drawing entries": (
        lambda np, x: np.random.default_rng(0).choice(x, 2).sum(),
        lambda np, x: x[np.random.default_rng(0).choice(len(x), 2)].sum(),
        r"np\.random\.choice takes .* x\[rng\.choice\(len\(x\), size\)\]",
    ),
    "a permutation": (
        lambda np, x: np.random.RandomState(1).permutation(x) @ [1.0, 2.0, 3.0],
        lambda np, x: x[np.random.RandomState(1).permutation(len(x))] @ [1.0, 2.0, 3.0],
        r"np\.random\.permutation takes .* Write x\[rng\.permutation\(len\(x\)\)\]",
    ),
    "masked arrays": (
        lambda np, x: np.ma.masked_array(x, [False, True, False]).sum() ** 2,
        lambda np, x: np.sum(x, where=~np.array([False, True, False])) ** 2,
        r"np\.ma\.masked_array takes data= .* Keep the mask beside .* np\.sum\(x, where=~mask\)",
    ),
    "functions of masked arrays": (
        lambda np, x: np.ma.sum(x) ** 2,
        lambda np, x: np.sum(np.where([False, False, False], 0.0, x)) ** 2,
        r"np\.ma\..* takes .* Keep the mask beside the array: np\.where\(mask, 0\.0, x\)",
    ),
    "as_strided": (
        lambda np, x: (np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8)) ** 2).sum(),
        lambda np, x: (np.lib.stride_tricks.sliding_window_view(x, 2, 0) ** 2).sum(),
        r"as_strided takes x= .* Write np\.lib\.stride_tricks\.sliding_window_view\(x, size, axis\)",
    ),
    "a field of records": (
        lambda np, x: records(np, np.zeros(3, [("p", float)]), x),
        lambda np, x: records(np, {"p": np.zeros(3)}, x),
        r"a conversion to a plain array",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("transform", [clearprop.grad, clearprop.compile])
def test_advice(name: str, transform: Any) -> None:
    refused, instead, message = REFUSED[name]
    with pytest.raises((LostGradientError, UnsupportedError, TraceError), match=message):
        transform(lambda x: refused(clearprop.numpy, x))(X)

    def f(x: Any) -> Any:
        return instead(clearprop.numpy, x)

    expected = slopes(lambda x: refused(numpy, x), X)
    numpy.testing.assert_allclose(clearprop.grad(f)(X), expected, rtol=1e-6, atol=1e-8)
    numpy.testing.assert_allclose(clearprop.compile(f)(X), f(X))


def test_a_new_shape_in_place() -> None:
    t = clearprop.tensor(X)
    with pytest.raises(UnsupportedError, match=r"write t = t\.reshape\(\(3, 1\)\)"):
        t.shape = (3, 1)


def test_fromiter_as_numpy() -> None:
    np = clearprop.numpy
    assert np.fromiter((i * i for i in range(5)), int, 3).tolist() == [0, 1, 4]
    assert np.fromiter([], float).tolist() == []
    for module, entries in ((numpy, X), (np, clearprop.tensor(X))):
        with pytest.raises(ValueError, match="iterator too short"):
            module.fromiter((v for v in entries), float, 4)
    t = clearprop.tensor(X)
    np.fromiter((v * v for v in t), float).sum().backward()
    assert t.grad.tolist() == (2 * X).tolist()


def test_unravelled_places() -> None:
    for order in "CF":
        found = numpy.unravel_index(clearprop.tensor([5, 3]), (2, 3), order)
        assert [i.tolist() for i in found] == [
            i.tolist() for i in numpy.unravel_index([5, 3], (2, 3), order)
        ]
    sizes = numpy.array([2, 3], numpy.uint64)
    assert all(i.dtype == int for i in numpy.unravel_index(clearprop.tensor([5, 3]), sizes))
    with pytest.raises(ValueError, match="out of bounds"):
        numpy.unravel_index(clearprop.tensor(6), (2, 3))
