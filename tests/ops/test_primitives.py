"""One suite for every primitive: NumPy, central differences and the contract, on its samples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import clearprop
from clearprop.engine.bundle import as_bundle
from clearprop.engine.primitive import ROLES, Primitive, Sample, numpy_table, primitives
from clearprop.errors import UnsupportedError
from clearprop.ops.indexing import Slot
from tests.contract import (
    ALWAYS,
    WITH_GRADIENT,
    Case,
    as_real,
    check_dtypes,
    check_gradients,
    check_on_tensors,
    check_second_order,
    check_steps,
    check_traits,
    make_case,
    variants,
)
from tests.effort import in_modes
from tests.numeric import slopes
from tests.registry import RECORDS
from tests.special_references import ENDS, ONCE, ROUGH, SPECIAL

REGISTRY: list[Primitive] = [p for p in RECORDS if p is not primitives.element]
"""All but what hands out the results of those that have several, and is tested with them."""

PAIRS = [
    pytest.param(record, sample, id=f"{record.name}-{i}")
    for record in REGISTRY
    for i, sample in enumerate((*record.samples, *variants(record)))
]


def _is_differentiable(pair: Any) -> bool:
    return bool(pair.values[0].differentiable) and pair.values[0].name not in ENDS


def _is_rounded(pair: Any) -> bool:
    """Whether the result is in single precision, where differences are mostly rounding."""
    return pair.values[1].params.get("dtype") in (np.float32, np.complex64)


SMOOTH = [pair for pair in PAIRS if _is_differentiable(pair)]
FLAT = [pair for pair in PAIRS if not pair.values[0].differentiable]
DTYPES = ("float64", "float32")


# ---- plain NumPy and SciPy for what is no NumPy function of the same name and signature


def _place(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(arrays[part.number] if isinstance(part, Slot) else part for part in index)


def _read(x: Any, *arrays: Any, index: Any) -> Any:
    return x[_place(index, arrays)]


def _scatter(g: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    numbers = np.arange(np.prod(shape)).reshape(shape)[_place(index, arrays)]
    out = np.zeros(np.prod(shape), g.dtype)
    for number, entry in zip(numbers.ravel(), g.ravel(), strict=True):
        out[number] += entry
    return out.reshape(shape)


def _assign(x: Any, value: Any, *arrays: Any, index: Any) -> Any:
    out = x.copy()
    out[_place(index, arrays)] = value
    return out


def _last_writer(*arrays: Any, index: Any, shape: Any) -> Any:
    numbers = np.arange(np.prod(shape)).reshape(shape)[_place(index, arrays)].ravel().tolist()
    return np.array([n not in numbers[i + 1 :] for i, n in enumerate(numbers)])


def _put_along(g: Any, indices: Any, axis: int, shape: Any, once: bool) -> Any:
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(indices.shape):
        out[*place[:axis], indices[place], *place[axis + 1 :]] += g[place]
    return out


def _put_diagonal(g: Any, offset: int, axis1: int, axis2: int, shape: Any) -> Any:
    out = np.zeros(shape, g.dtype)
    for i, entries in enumerate(np.moveaxis(g, -1, 0)):
        place: list[Any] = [slice(None)] * len(shape)
        place[axis1], place[axis2] = i - min(offset, 0), i + max(offset, 0)
        out[tuple(place)] = entries
    return out


def _record_holder(x: Any, axis: int, largest: bool) -> Any:
    best = np.argmax if largest else np.argmin
    parts = [
        best(x[(slice(None),) * axis + (slice(n),)], axis) for n in range(1, x.shape[axis] + 1)
    ]
    return np.stack(parts, axis)


def _from_either_end(function: Callable[..., Any]) -> Callable[..., Any]:
    def running(x: Any, axis: int, reverse: bool) -> Any:
        return np.flip(function(np.flip(x, axis), axis), axis) if reverse else function(x, axis)

    return running


def _recurrence(links: Any, x: Any, axis: int, reverse: bool) -> Any:
    """Entry j reaches entry i through the product of the links between them."""
    links, x = np.moveaxis(links, axis, -1), np.moveaxis(x, axis, -1)
    out = np.zeros_like(x)
    for i, j in np.ndindex(x.shape[-1], x.shape[-1]):
        if j >= i if reverse else j <= i:
            out[..., i] += x[..., j] * np.prod(links[..., min(i, j) : max(i, j)], -1)
    return np.moveaxis(out, -1, axis)


def _cofactors(a: Any) -> Any:
    """The determinants of what is left, one by one."""
    out = np.empty_like(a)
    for *batch, i, j in np.ndindex(a.shape):
        rest = np.delete(np.delete(a[tuple(batch)], i, 0), j, 1)
        out[*batch, i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return out


def _cofactor_slopes(a: Any, step: Any) -> Any:
    """Each entry of `step` times the determinant of what is left without its row and column, too."""
    out = np.zeros_like(a)
    for *batch, i, j in np.ndindex(a.shape):
        rest, by = (np.delete(np.delete(x[tuple(batch)], i, 0), j, 1) for x in (a, step))
        out[*batch, i, j] = (-1) ** (i + j) * np.sum(_cofactors(rest) * by)
    return out


def _exchanged(order: Any, i: int, j: int) -> Any:
    return np.where(order == order[i], order[j], np.where(order == order[j], order[i], order))


def _stacked_orders(a: Any) -> Any:
    return np.stack([scipy.linalg.qr(x, pivoting=True)[2] for x in a])


REFERENCES: dict[str, Callable[..., Any]] = {
    **SPECIAL,
    "sigmoid": lambda x: scipy.special.expit(x) if x.dtype.kind == "f" else 1 / (1 + np.exp(-x)),
    "relu": lambda x: x * (x > 0),
    "logsumexp": lambda x, axis, keepdims: (
        scipy.special.logsumexp(x, axis, keepdims=keepdims) if axis else x
    ),
    "softmax": scipy.special.softmax,
    "log_softmax": scipy.special.log_softmax,
    "nll_loss": lambda x, labels: (
        -np.mean(np.take_along_axis(x, labels[..., None], -1)).astype(x.dtype)
    ),
    "one_hot": lambda labels, classes, dtype: (labels[..., None] == np.arange(classes)).astype(
        dtype
    ),
    "norm": lambda x, **params: np.linalg.vector_norm(x, **params) if x.ndim else abs(x),
    "p_norm": np.linalg.vector_norm,
    "cumsum": _from_either_end(np.cumsum),
    "cumprod": _from_either_end(np.cumprod),
    "recurrence": _recurrence,
    "conj": np.conj,
    **{
        f.__name__: lambda a, f=f: (
            f(a.astype(np.result_type(a, float))).astype(a.dtype) if a.size else a
        )
        for f in map(scipy.linalg.__getattribute__, ("expm", "logm", "sinm", "cosm"))
    },
    "sqrtm": lambda a, to_complex: (
        scipy.linalg.sqrtm(a) + np.zeros((), np.complex64 if to_complex else a.dtype)
    ),
    "solve_triangular": scipy.linalg.solve_triangular,
    "solve_sylvester": scipy.linalg.solve_sylvester,
    "lu_factor": lambda a: tuple(scipy.linalg.lu_factor(a)),
    "row_order": lambda pivots, rows: functools.reduce(
        lambda order, pair: _exchanged(order, *pair), enumerate(pivots), np.arange(rows)
    ),
    "column_order": lambda a: (
        scipy.linalg.qr(a, pivoting=True)[2] if a.ndim == 2 else _stacked_orders(a)
    ),
    "mirror": lambda a, lower, conjugate: a,
    "cofactors": _cofactors,
    "cofactor_slopes": _cofactor_slopes,
    "inv_or_nan": np.linalg.inv,
    "eig": lambda a: tuple(x.astype(np.result_type(x, np.complex64)) for x in np.linalg.eig(a)),
    "series": lambda x, coefficients: np.polynomial.Polynomial(coefficients)(x).astype(x.dtype),
    "direction": np.sign,
    "fft": lambda x, axes, norm: np.fft.fftn(x, None, axes, norm),
    "ifft": lambda x, axes, norm: np.fft.ifftn(x, None, axes, norm),
    "rfft": np.fft.rfft,
    "irfft": np.fft.irfft,
    "vander": lambda x, n, increasing: np.vander(x, n, increasing),
    "roots": lambda p: np.roots(p) + np.zeros((), np.complex64),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
    "sliding_windows": lambda x, window, axis: np.lib.stride_tricks.sliding_window_view(
        x, window, axis
    ),
    "stop_gradient": np.array,
    "bessel_i": lambda x, order: scipy.special.iv(order, x),
    "spherical_bessel": lambda x, order: scipy.special.spherical_jn(order, x).astype(x.dtype),
    "exponent": lambda x: np.frexp(x)[1],
    "record_holder": _record_holder,
    "astype": lambda x, dtype: np.array(x, dtype),
    "as_integer": lambda x, dtype: np.trunc(x).astype(dtype),
    "slice": _read,
    "gather": _read,
    "scatter": _scatter,
    "assign": _assign,
    "last_writer": _last_writer,
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "pad": lambda x, width, value: np.pad(x, width, constant_values=value),
    "take_along_axis": lambda x, indices, axis, once: np.take_along_axis(x, indices, axis),
    "put_along": _put_along,
    "put_diagonal": _put_diagonal,
    "lexsort": lambda *keys, axis: np.lexsort(keys, axis),
}


def _reference(record: Primitive) -> Callable[..., Any] | None:
    if record.name in REFERENCES:
        return REFERENCES[record.name]
    for function, answer in numpy_table.items():
        if answer is record or getattr(function, "__name__", None) == record.name:
            return function
    return None


# ---- the suite


@pytest.mark.parametrize("record", REGISTRY, ids=lambda record: record.name)
def test_record_is_complete(record: Primitive) -> None:
    assert record.samples, f"{record.name} has no samples, so nothing tests it"
    assert record.role in ROLES
    assert record.why.endswith("."), "one plain sentence"
    assert getattr(primitives, record.name) is record


@pytest.mark.parametrize(("record", "sample", "dtype"), in_modes(PAIRS, DTYPES))
def test_forward_equals_numpy(record: Primitive, sample: Sample, dtype: str) -> None:
    reference = _reference(record)
    assert reference, f"{record.name} answers no NumPy function: give it a line in REFERENCES"
    case = make_case(record, sample, dtype)
    result, wanted = case(*case.inputs), reference(*case.inputs, **case.params)
    several = wanted if isinstance(wanted, tuple) else (wanted,)
    for actual, expected in zip(
        map(np.asarray, as_bundle(result)), map(np.asarray, several), strict=True
    ):
        assert actual.shape == expected.shape
        assert actual.dtype == expected.dtype
        # another order of summation costs a few units in the last place
        rtol = 1e-14 if dtype == "float64" else 3e-6
        if record.name in ENDS:  # compared with differences
            rtol = max(rtol, 1e-8)
        if (
            record.name == "cofactor_slopes"
        ):  # by singular values, which each BLAS rounds in its way
            rtol = max(rtol, 1e-13)
        np.testing.assert_allclose(actual, expected, rtol, rtol / 10)


@pytest.mark.parametrize(("record", "sample", "check"), in_modes(PAIRS, ALWAYS))
def test_keeps_its_promises(
    record: Primitive, sample: Sample, check: Callable[[Case], None]
) -> None:
    if record.name in ENDS and check is check_on_tensors:
        with pytest.raises(UnsupportedError, match="more than"):
            check(make_case(record, sample))
        return
    check(as_real(make_case(record, sample)))
    check(as_real(make_case(record, sample, "float32")))


@pytest.mark.parametrize(
    "record", [r for r in REGISTRY if r.traits], ids=lambda record: record.name
)
def test_traits(record: Primitive) -> None:
    for sample in record.samples:
        with np.errstate(all="ignore"):
            check_traits(Case(record, sample.draw(1), dict(sample.params)))


@pytest.mark.parametrize(
    ("record", "sample", "check"),
    in_modes([pair for pair in SMOOTH if not _is_rounded(pair)], WITH_GRADIENT),
)
def test_gradient(record: Primitive, sample: Sample, check: Callable[[Case], None]) -> None:
    case = as_real(make_case(record, sample))
    assert case.smooth, "the sample differentiates nothing"
    if record.name in ONCE and check is check_second_order:
        with pytest.raises(UnsupportedError, match="no gradient with respect to"):
            check(case)
    elif record.name not in ROUGH or check not in (check_gradients, check_second_order):
        check(case)


@pytest.mark.parametrize(("record", "sample", "check"), in_modes(SMOOTH, [check_dtypes]))
def test_gradient_has_the_dtype_of_its_input(
    record: Primitive, sample: Sample, check: Callable[[Primitive, Sample], None]
) -> None:
    check(record, sample)


@pytest.mark.parametrize(("record", "sample", "check"), in_modes(FLAT, [check_steps]))
def test_no_gradient_because_flat(
    record: Primitive, sample: Sample, check: Callable[[Case], None]
) -> None:
    check(make_case(record, sample))


def test_conversion_hands_the_gradient_on_in_the_dtype_of_its_input() -> None:
    x = clearprop.tensor([1.0, 2.0])
    g = np.array([0.25, -3.0], np.float32)
    x.astype(np.float32).backward(g)
    assert x.grad.dtype == np.float64
    assert x.grad.tolist() == [0.25, -3.0]


# ---- NumPy's own signatures, as users write them

CALLS: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "sum": (lambda x: np.sum(x), ((3, 4),)),
    "sum of one axis, by position": (lambda x: np.sum(x, 0), ((3, 4),)),
    "sum of the last axis": (lambda x: np.sum(x, axis=-1, keepdims=True), ((2, 3, 4),)),
    "sum of two axes": (lambda x: np.sum(x, axis=(0, -1)), ((2, 3, 4),)),
    "add.reduce": (lambda x: np.add.reduce(x), ((3, 4),)),
    "mean method": (lambda x: x.mean(1, keepdims=True), ((3, 4),)),
    "var method": (lambda x: x.var(0, ddof=1), ((3, 4),)),
    "std": (lambda x: np.std(x, axis=(0, 1), ddof=1), ((3, 4),)),
    "max method": (lambda x: x.max(1, keepdims=True), ((3, 4),)),
    "min": (lambda x: np.min(x, -1), ((3, 4),)),
    "clip to arrays": (lambda x, low: np.clip(x, low, 0.75), ((3, 4), (4,))),
    "clip by keyword": (lambda x: np.clip(x, min=-0.5, max=0.5), ((3, 4),)),
    "clip method": (lambda x: x.clip(-0.5, None), ((3, 4),)),
    "where a condition on the values": (lambda x, y: np.where(x > y, x, 2 * y), ((3, 4), (4,))),
    "dot of vectors": (np.dot, ((3,), (3,))),
    "dot of matrices": (lambda x, y: x.dot(y), ((2, 3), (3, 4))),
    "dot with a number": (np.dot, ((), (3,))),
    "dot of many axes": (np.dot, ((2, 3), (4, 3, 2))),
    "dot of a vector and many axes": (np.dot, ((3,), (2, 3, 4))),
    "outer flattens": (np.outer, ((2, 2), (3,))),
    "matmul": (np.matmul, ((2, 3), (5, 3, 4))),
    "T": (lambda x: x.T, ((2, 3, 4),)),
    "mT": (lambda x: x.mT, ((2, 3, 4),)),
    "transpose with negative axes": (lambda x: x.transpose(-1, 0, 1), ((2, 3, 4),)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), ((2, 3, 4),)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), ((2, 3, 4),)),
    "moveaxis of two": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), ((2, 3, 4),)),
    "reshape with an unknown size": (lambda x: x.reshape(-1, 2), ((3, 4),)),
    "reshape of nothing": (lambda x: np.reshape(x, (0, 5)), ((0, 2),)),
    "ravel": (lambda x: np.ravel(x), ((3, 4),)),
    "flatten": (lambda x: x.flatten(), ((3, 4),)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)), ((3, 1),)),
    "broadcast_to a length": (lambda x: np.broadcast_to(x, 3), ((),)),
    "expand_dims": (lambda x: np.expand_dims(x, -1), ((3,),)),
    "expand_dims twice": (lambda x: np.expand_dims(x, (0, -1)), ((3,),)),
    "squeeze": (lambda x: np.squeeze(x), ((1, 3, 1),)),
    "squeeze the last axis": (lambda x: x.squeeze(-1), ((1, 3, 1),)),
    "concatenate": (lambda x, y: np.concatenate([x, y], axis=-1), ((2, 1), (2, 3))),
    "concatenate, flattened": (lambda x, y: np.concatenate((x, y), axis=None), ((2, 1), (3,))),
    "concatenate a tensor twice": (lambda x: np.concatenate([x, x]), ((2, 3),)),
    "stack along a new last axis": (lambda x, y: np.stack([x, y], -1), ((2, 3), (2, 3))),
    "take": (lambda x: np.take(x, [2, 0, 2], axis=1), ((2, 3),)),
    "take from the flattened": (lambda x: np.take(x, [[5, 0], [1, 5]]), ((2, 3),)),
    "square root of a square": (lambda x: np.sqrt(x * x + 1), ((3, 4),)),
    "abs": (lambda x: abs(x) + np.abs(x), ((3, 4),)),
    "right operators": (lambda x: (1 - x) * (2 + x) / (4 + x) + 3 * x + 2**x, ((3, 4),)),
    "plus and minus": (lambda x: +x - (-x), ((3, 4),)),
    "power to a number": (lambda x: (x**2) ** 1.5, ((3, 4),)),
    "ones_like and zeros_like": (lambda x: np.ones_like(x) * x + np.zeros_like(x), ((3, 4),)),
    "sizes": (lambda x: x * np.size(x) + np.ndim(x) * np.shape(x)[1] + len(x), ((3, 4),)),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpy_code_as_users_write_it(name: str, rng: np.random.Generator) -> None:
    f, shapes = CALLS[name]
    arrays = [rng.uniform(-1, 1, shape) for shape in shapes]
    expected = np.asarray(f(*arrays))
    tensors = [clearprop.tensor(x) for x in arrays]
    result = f(*tensors)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(result.value), expected, 1e-14, 1e-15)
    g = rng.standard_normal(expected.shape)[()]
    result.backward(g)
    for i, t in enumerate(tensors):

        def weighed(x: Any, i: int = i) -> Any:
            return np.sum(g * f(*(x if i == j else y for j, y in enumerate(arrays))))

        np.testing.assert_allclose(t.grad, slopes(weighed, arrays[i]), 1e-7, 1e-8)
