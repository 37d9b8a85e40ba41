"""Every primitive beside JAX, on the samples of its record: values and gradients, in float64.

JAX's function is found by the name of NumPy's or SciPy's. Those that it writes otherwise stand in `THEIRS`,
those that it does not have in `ALONE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.bundle import as_bundle
from clearprop.dispatch import find_answer
from clearprop.primitive import Primitive, Sample, numpy_table, primitives
from tests.contract import Case, is_complex, is_real, make_case

jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed (make test-all installs it)")
special = pytest.importorskip("scipy.special")
find_answer(special.erf)  # registers that family

PLACES = (jnp, jnp.linalg, jnp.fft, jax.scipy.special, jax.nn)

THEIRS: dict[str, Callable[..., Any]] = {}
ALONE: dict[str, str] = {}


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def counterpart(record: Primitive) -> Callable[..., Any] | None:
    if record.name in THEIRS:
        return THEIRS[record.name]
    names = [f.__name__ for f, answer in numpy_table.items() if answer is record]
    for name in (*names, record.name):
        for place in PLACES:
            if hasattr(place, name):
                return getattr(place, name)
    return None


RECORDS = [r for r in vars(primitives).values() if r.differentiable and r.samples]
PAIRS = [
    pytest.param(record, sample, id=f"{record.name}-{i}")
    for record in RECORDS
    if record.name not in ALONE
    for i, sample in enumerate(record.samples)
]


def test_every_record_has_a_counterpart_or_a_reason() -> None:
    missing = [r.name for r in RECORDS if r.name not in ALONE and counterpart(r) is None]
    assert missing == []


@pytest.mark.parametrize(("record", "sample"), PAIRS)
def test_record(record: Primitive, sample: Sample) -> None:
    theirs = counterpart(record)
    assert theirs
    case: Case = make_case(record, sample)
    rules = case.rules()
    places = [
        i
        for i, x in enumerate(case.inputs)
        if (is_real(x) or is_complex(x)) and rules[i] is not None
    ]

    def called(f: Callable[..., Any]) -> Callable[..., Any]:
        def on_floats(*xs: Any) -> Any:
            changed = dict(zip(places, xs, strict=True))
            out = f(*case.with_inputs(changed), **case.params)
            return tuple(out) if isinstance(out, tuple) or len(as_bundle(out)) > 1 else (out,)

        return on_floats

    xs = [case.inputs[i] for i in places]
    outs, pullback = clearprop.vjp(called(record), *xs)
    expected, their_pullback = jax.vjp(called(theirs), *map(jnp.asarray, xs))
    rng = np.random.default_rng(9)
    gs = []
    for mine, other in zip(outs, expected, strict=True):
        assert np.shape(mine) == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-12)
        g = np.asarray(rng.standard_normal(np.shape(mine)), mine.dtype)
        gs.append(g + 1j * rng.standard_normal(g.shape) if is_complex(g) else g)
    downstream = pullback(tuple(g[()] for g in gs))
    # JAX's gradient of a complex number is the conjugate of ours
    their_downstream = their_pullback(tuple(jnp.asarray(np.conj(g)) for g in gs))
    for mine, other in zip(downstream, their_downstream, strict=True):
        np.testing.assert_allclose(mine, np.conj(other), rtol=1e-9, atol=1e-10)
