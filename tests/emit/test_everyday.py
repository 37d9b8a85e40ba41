"""Everyday functions: `source` writes them in every target, verified; none is refused for want of a rule."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clearprop
from clearprop.emit.c import compiler
from clearprop.emit.javascript.node_process import node
from clearprop.emit.numpy import NumPy
from clearprop.emit.source import BY_GATES
from tests.emit.examples import TARGETS
from tests.emit.test_source import installed
from tests.programs import SMALL, Program, programs

R = np.random.default_rng(0)
V = np.array([1.0, 2.0, 3.0])
M = R.normal(size=(3, 4))
SQUARE = np.arange(4.0).reshape(2, 2) + 0.5
EMPTY = np.zeros((0, 3))
CUBE = np.arange(8.0).reshape(2, 2, 2)
LONG = R.normal(size=1500)


def stencil(u: Any) -> Any:
    u = u[1:] + u[:-1]
    u = u[1:] * u[:-1]
    return np.sum(u**2)


def heat(u: Any) -> Any:
    for _ in range(3):
        u = u.copy()
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def joined(u: Any) -> Any:
    for _ in range(2):
        u = np.concatenate([u[:1], u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]), u[-1:]])
    return np.sum(u**2)


def steps(x: Any) -> Any:
    for _ in range(250):
        x = x + 0.01 * x * (1 - x)
    return np.sum(x)


def one_column(a: Any) -> Any:
    v = a.reshape(-1)
    return np.sum(-1.25 - v) * 0.3 + np.sum(np.sum(v, axis=0, keepdims=True)) * 0.7


def into_parts(x: Any, y: Any) -> Any:
    x = x.copy()
    x[np.array([2, 0]), ::-2] = y
    x[:0:-1, np.array([True, False, False, True])] *= np.array([2.0, 3.0])
    return np.sum(x * M)


def stretched_part(x: Any) -> Any:
    total = x.sum(1, keepdims=True)
    total[:, -1, np.array([True, False, False])] *= 0.3
    return np.sum(np.sin(total)) + np.sum(np.log(np.sum(np.exp(x), axis=1)))


def narrow(x: Any) -> Any:
    """Multiples of the whole numbers do not fit into their dtype."""
    a = x * np.array([200, 0, 1, 255], np.uint8)
    return np.sum(np.sin(a + a)) + np.sum(np.sin(-a)) + np.sum(-3 * a)


def doubled(x: Any) -> Any:
    return x + x


def numbers_between_loops(x: Any) -> Any:
    x = x[2:] - 2 * x[1:-1] + x[:-2]
    top = np.max(np.maximum(x, x), keepdims=True)
    d = np.concatenate([top, top, top])
    total = np.sum(np.fmax(d, d), keepdims=True)
    return np.sum(np.sin(np.concatenate([total, total, total])))


def up_and_down(x: Any) -> Any:
    b = (x * x * 1e200 + 1e-300) / 1e200
    return np.sum((b * b * 1e200 + 1e-300) / 1e199)


SAME_PLACE: dict[str, tuple[Any, ...]] = {
    "numbers": (lambda x: x[0] * 2 + x[-3], V),
    "rows": (lambda x: np.sum(x[0] * 2 + x[-3] ** 2), M),
    "arrays": (lambda x: np.sum(x[[0, -3]] * np.array([1.0, 2.0])), V),
    "in columns": (lambda x: np.sum(x[:, [1, -3]] * np.array([1.0, 2.0])), M),
    "take": (lambda x: np.sum(np.take(x, [0, -3, 1]) * V), V),
    "along": (lambda x: np.sum(np.take_along_axis(x, np.array([0, -3]), 0) * V[:2]), V),
    "slices": (lambda x: np.sum(x[0:2] * V[:2]) + np.sum(x[-3:-1] * V[1:]), V),
}
INDICES: dict[str, tuple[Any, ...]] = {
    "down beside an array": (lambda x: np.sum(x[np.array([2, 0, 1]), ::-1] * M), M),
    "a place twice": (lambda x: np.sum(x[1:, np.array([0, 0])][::-1] * M[:2, :2]), M),
    "a place twice, down": (lambda x: np.sum(x[np.array([1, 1]), :0:-2] * M[:2, :2]), M),
    "written": (into_parts, M, M[:2, :2]),
    "a number apart": (lambda x: np.sum(x[1, :, np.array([1, 0])] * SQUARE), CUBE),
    "a number and a new axis": (lambda x: np.sum(x[1, None, np.array([1, 0])].T * CUBE), CUBE),
    "a mask of two axes": (lambda x: np.sum(x[SQUARE > 1, ::-1] * CUBE[0, 0]), CUBE),
    "a part that is stretched": (stretched_part, R.normal(size=(2, 2, 3))),
    "an entry of a row": (lambda x: np.sin(x[0, 0]) + np.sum(np.sin(x[0])), M),
    "entries of rows": (lambda x: np.sum(x[1] * 2 + x[-2] ** 2) + x[0, 0] * x[1, -1], SQUARE),
    "parts of two shapes": (lambda x: x[0] ** 3 + x.sum(0, keepdims=True)[0] ** 2, V),
    "side by side": (lambda x: x[1] ** 3 + x.sum(0, keepdims=True)[0] ** 2, V[:2]),
}
ONE_ENTRY: dict[str, tuple[Any, ...]] = {
    "array and number": (lambda a, b: np.sum(a * b), np.array([0.3]), np.array(0.7)),
    "one sample": (
        lambda x, w, b: np.mean(np.tanh(x @ w + b) ** 2),
        np.array([[0.3]]),
        np.array([[0.2]]),
        np.array([0.1]),
    ),
    "flip": (lambda a: np.flip(a * 2), np.array(0.7)),
    "a constant place": (lambda t: np.interp(2.2, V * t, V), 1.2),
    "index": (lambda a: np.sin(a[()]) * a, np.array(0.7)),
    "numbers between loops": (numbers_between_loops, V),
    "reshaped": (one_column, np.array([[0.3]])),
    "variance": (lambda x: np.var(x) + np.sum((x - x.mean(0)) ** 2), np.array([[0.3]])),
    "empty": (
        lambda x, w: np.sum(np.mean(x * x, axis=-1, keepdims=True) * x * w),
        np.zeros((2, 0)),
        np.zeros(0),
    ),
    "empty spectrum": (lambda x: np.sum(np.fft.ifft(x).real + np.abs(np.fft.fft(x))), EMPTY),
    "empty mean": (lambda x: np.sum(x * 2) + np.sum(np.mean(x, axis=1)), EMPTY),
}
BOUND_AGAIN: dict[str, tuple[Any, ...]] = {
    "stencil": (stencil, np.array([0.3, 0.7, 1.1, 1.6, 2.2])),
    "heat": (heat, R.normal(size=6)),
    "joined": (joined, R.normal(size=6)),
    "backwards": (lambda u: np.sum((u[::-1] * 2)[1:] * u[:-1]), R.normal(size=6)),
}
CHOICES: dict[str, tuple[Any, ...]] = {
    "open above": (lambda x: np.sum(np.clip(x, 0.0, None) * x), V - 2.2),
    "open below": (lambda x: np.sum(np.exp(np.clip(x, None, 1.0))), V - 1.5),
    "both open": (lambda x: np.sum(np.clip(x, None, 1.0) + np.clip(x, 0.0, None)), V - 2.5),
    "bounds": (lambda x: np.sum(np.clip(x, V - 1.5, V + 0.5) ** 2), V * 1.3 - 1),
    "ptp": (lambda x: np.sum(np.ptp(x, axis=1)), M),
    "max and min": (lambda x: np.sum(x.max(1) - x.min(1)), M),
    "masks": (lambda x: np.sum(((x > 1.5).astype(float) - (x > 2.5)) * x), V),
}
CONSTANTS: dict[str, tuple[Any, ...]] = {
    "zeros": (lambda x: np.sum(np.sin(doubled(x @ np.zeros(3, int)))), M[:2, :3]),
    **{
        f"{name} {np.dtype(kind)}": (f, V)
        for kind in ("f4", "i8", "u1", "?")
        for name, f in (
            ("times", lambda x, kind=kind: np.sum(x * np.array([1, 0, 3]).astype(kind))),
            ("product with", lambda x, kind=kind: x @ np.array([1, 0, 3]).astype(kind)),
            ("minus", lambda x, kind=kind: np.sum((x - np.array([1, 0, 3]).astype(kind)) ** 2)),
            ("minus one", lambda x, kind=kind: np.sum((x - np.array([1]).astype(kind)) ** 2)),
        )
    },
    "float32 beside ints": (lambda x: np.sum(x * np.arange(3) + np.arange(3)), V.astype("f4")),
    "float32 product": (lambda x: np.sum(np.prod(x, axis=1, dtype=np.float32)), M),
    "narrow": (narrow, M),
    "2**64": (lambda x: np.sum(x * 2**64), V),
    "-2**70": (lambda x: np.sum(x / -(2**70)), V),
    "1e-308": (lambda x: np.sum(x * 1e-308), V),
    "5e-324": (lambda x: np.sum(x * 5e-324), V),
    "1e200": (lambda x: np.sum(x * x * 1e200 + 1e-300), V),
    "infinity in a table": (lambda x: np.sum(np.minimum(x, np.array([1.5, np.inf, 2.0]))), V),
    "-1e300": (lambda x: np.sum(x * -1e300), V),
    "1e200 / 1e199": (up_and_down, V),
    "1e-300 / 1e-290": (lambda x: np.sum(np.sin(x * 1e-300 / 1e-290 * x)), V),
    "1e300 / 3": (lambda x: np.sum(x**3 * 1e300 / 3), V * 1e-100),
}
MANY, NARROW, SIGNED = np.array([2**40, 1]), np.array([100, 3], "u1"), np.array([100, 3], "i1")
WHOLE: dict[str, tuple[Any, ...]] = {
    "zero times zero": (lambda x: np.sum(np.sin(x * np.array([0]) * np.array([0]))), V[:, None]),
    "one entry": (lambda x: np.sum(np.sin(x * np.array([3]) * np.array([2]))), V[:, None]),
    "products beyond 64 bits": (lambda x: np.sum(x * MANY * (MANY + 2)), V[:2]),
    "powers beyond 64 bits": (lambda x: np.sum(x * MANY * MANY * MANY), V[:2]),
    "narrow products": (lambda x: np.sum(x * NARROW * (NARROW + 2)), V[:2]),
    "narrow powers": (lambda x: np.sum(x * SIGNED * SIGNED), V[:2]),
    "narrow sums": (lambda x: np.sum(x * SIGNED + x * (SIGNED + 20)), V[:2]),
    "below": (lambda x: np.sum(x / MANY / (MANY + 2)), V[:2]),
    "float32": (lambda x: np.sum((x * SIGNED) ** 3), V[:2].astype("f4")),
    "slopes": (lambda x: np.sum(np.where(x > 1.5, x, 2 * x)), V),
}
"""Where the gradient joins whole numbers that the function does not: their dtype may not hold the result."""
DIAGONALS: dict[str, tuple[Any, ...]] = {
    "trace": (lambda x: np.einsum("ii", x) * 2, SQUARE),
    "diagonal": (lambda x: np.sum(np.einsum("...ii->...i", x) * 2), SQUARE),
    "squared": (lambda x: np.einsum("ii,ii", x, x), SQUARE),
    "with others": (lambda x: np.sum(np.einsum("iij->ij", x) ** 2), R.normal(size=(2, 2, 3))),
}
LOOPS: dict[str, tuple[Any, ...]] = {
    "euler": (steps, np.array([0.5, 0.3])),
    "powers": (lambda x: sum(x[0] ** i * x[1] for i in range(60)), np.array([0.5, 0.3])),
    "many terms": (lambda x: sum(x[i % 3] * (i * 0.1) for i in range(400)), V),
}
ROUGH: dict[str, tuple[Any, ...]] = {
    "sort": (lambda x: np.sum(np.sort(x) ** 2 * np.arange(len(x))), LONG),
    "remainder": (lambda x: np.sum((x % 1.0) ** 2), LONG),
    "threshold": (lambda x: np.sum(np.where(np.abs(x) > 0.5, x, 0.0) ** 2), LONG),
    "floor": (lambda x: np.sum(x * np.floor(3 * x)), LONG),
}
CORNERS: dict[str, tuple[Any, ...]] = {
    "norm of a product": (lambda a, x: np.linalg.norm(a * x), 1.3, np.zeros(2)),
    "angle": (lambda y, x: np.sum(np.arctan2(y, x)), np.zeros(2), np.array([-1.0, 0.0])),
    "hypot": (lambda x, y: np.sum(np.hypot(x, y)), np.zeros(2), np.array([0.0, 1.0])),
}
KINDS = {
    "same place": SAME_PLACE,
    "indices": INDICES,
    "one entry": ONE_ENTRY,
    "bound again": BOUND_AGAIN,
    "choices": CHOICES,
    "constants": CONSTANTS,
    "whole": WHOLE,
    "diagonals": DIAGONALS,
    "loops": LOOPS,
    "rough": ROUGH,
    "corners": CORNERS,
}
LOOPS = {"c": compiler, "javascript": node}


@pytest.mark.parametrize("target", [*(installed(t) for t in TARGETS), "latex", "c", "javascript"])
@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind: str, target: str) -> None:
    """`source` itself runs the code beside the engine and beside finite differences."""
    if target in LOOPS and LOOPS[target]() is None:
        pytest.skip("there is no compiler, or no Node")
    if kind in ("rough", "loops") and target not in ("numpy", "latex"):
        pytest.skip("written as for NumPy, and slow")
    for name, (f, *args) in KINDS[kind].items():
        if target in LOOPS and name.startswith("empty"):
            continue
        with np.errstate(all="ignore"):
            made = clearprop.source(f, *args, to=target)
        assert BY_GATES not in made.text, name
        assert made.errors.engine < 1e-5, name


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("rough", "loops")])
def test_gradients_beside_the_engine(kind: str) -> None:
    for name, (f, *args) in KINDS[kind].items():
        with np.errstate(all="ignore"):
            _, *gradients = clearprop.source(f, *args).function(*args)
            expected = clearprop.grad(f, argnums=tuple(range(len(args))))(*args)
        for got, wanted in zip(gradients, expected, strict=True):
            assert np.asarray(got).dtype == wanted.dtype, name
            np.testing.assert_allclose(got, wanted, rtol=1e-6, err_msg=name)


# ---- where the code is better than the engine


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.log1p(np.exp(x))),
        lambda x: np.sum(np.log(1 + np.exp(x))),
        lambda x: np.sum(np.log(1 / (1 + np.exp(-x)))),
    ],
)
def test_stable_forms_where_the_function_overflows(f: Callable[[Any], Any]) -> None:
    x = np.array([800.0, -800.0])
    with np.errstate(all="ignore"):
        made = clearprop.source(f, x)
    assert made.errors.smaller
    said = " ".join(made.text.replace("\n# ", " ").split())
    assert "at smaller arguments: at these, Clearprop overflows" in said
    with np.errstate(over="ignore"):
        value, dx = made.function(x)
    assert abs(value) == 800
    np.testing.assert_allclose(np.abs(dx).max(), 1)


def absorbing(x: Any) -> Any:
    """In the engine's gradient, terms of 2**64 cancel, and leave nothing of those of ordinary size."""
    return np.sum(np.sin(-(x - x) * 2**64)) + np.sum(np.sin(-x))


def test_what_the_engine_loses_in_rounding() -> None:
    made = clearprop.source(absorbing, V)
    assert BY_GATES not in made.text
    np.testing.assert_allclose(made.function(V)[1], -np.cos(V))


def test_wrong_code_is_seen_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    right = NumPy.call

    def wrong(*args: Any) -> Any:
        values, gradients = right(*args)
        return values, [g * 1.01 for g in gradients]

    monkeypatch.setattr(NumPy, "call", wrong)
    with np.errstate(all="ignore"), pytest.raises(clearprop.GradientMismatch):
        clearprop.source(lambda x: np.sum(np.log1p(np.exp(x))), np.array([800.0, -800.0]))
    assert BY_GATES in clearprop.source(absorbing, V).text


@pytest.mark.parametrize("kind", ["rough", "corners"])
def test_differences_see_wrong_gradients(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the engine wrong as well, the differences would tell: short steps and nudges forgive nothing."""
    from clearprop.emit import verify

    monkeypatch.setattr(verify, "_compare", lambda *args, **options: 0.0)
    right = NumPy.call
    monkeypatch.setattr(
        NumPy, "call", lambda *args: (right(*args)[0], [g * 1.001 for g in right(*args)[1]])
    )
    for f, *args in KINDS[kind].values():
        with pytest.raises(clearprop.GradientMismatch, match="differs from finite differences"):
            clearprop.source(f, *args)


# ---- random programs

WRITTEN = [
    *filter(find_spec, TARGETS),
    "latex",
    *(["c"] if compiler() else []),
    *(["javascript"] if node() else []),
]


# PyTorch counts entries in and out, so it warns of variances of nothing that make nothing.
@pytest.mark.filterwarnings("ignore:(var|std)\\(\\). degrees of freedom is <= 0:UserWarning")
@settings(
    max_examples=max(settings().max_examples * 5 // 2 if settings().max_examples > 100 else 15, 1),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(programs(SMALL, length=8), st.sampled_from(WRITTEN))
def test_random_programs(program: Program, target: str) -> None:
    """None is refused for want of a rule: `source` verifies what it writes."""
    try:
        with np.errstate(all="ignore"):
            made = clearprop.source(program.function(), *program.arrays(), to=target)
    except clearprop.UnsupportedError:
        if target in ("c", "javascript"):  # which have no masks, Fourier transforms, empty arrays
            return
        raise
    assert BY_GATES not in made.text
