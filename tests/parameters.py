"""A call of every function that answers for Tensors, and its parameters with values to stand there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

import clearprop
import clearprop.numpy as numpy_here
import clearprop.scipy.linalg as linalg
import clearprop.scipy.special as special
from clearprop.engine.primitive import Primitive, numpy_table
from tests.registry import RECORDS

A = np.array([[4.13, 1.07, 0.57], [1.07, 3.21, 0.23], [0.57, 0.23, 2.31]])
B = np.array([[4.1, 1.0, 0.3], [1.2, 3.0, 0.2], [0.5, 0.7, 2.3]])
V = np.array([0.3, 1.7, 1.1])
W = np.array([0.2, 0.9, 1.4, 2.0])
PLACES = np.array([0, 2, 1])
MASK = np.array([True, False, True])
ENDS = np.array([np.nan, np.inf, -np.inf, 1.0])
POINTS = (np.array([-1.0, 0.5, 9.0]), np.array([0.0, 1.0, 2.0]), np.array([1.0, 4.0, 2.0]))

BY_NAME: dict[str, Any] = {
    **dict.fromkeys(("a", "x", "m", "arr", "ary", "array", "A", "element", "prototype"), A),
    **dict.fromkeys(("v", "ar", "b", "x1", "w", "weights", "aweights"), V),
    **dict.fromkeys(("p", "f", "filt", "a1"), W),
    "y": 2 * A,
    "z": A + 0j,
    "val": A + 0j,
    "x2": V + 1,
    "a2": V,
    **dict.fromkeys(("axis", "axis1", "axis2", "diff_n"), 0),
    **dict.fromkeys(("ddof", "correction", "k", "offset", "shift", "decimals", "deg", "kth"), 1),
    **dict.fromkeys(("keepdims", "where", "endpoint", "increasing", "rowvar", "copy"), True),
    **dict.fromkeys(("rtol", "atol", "tol"), 1e-3),
    "n": 2,
    "ord": 2,
    "N": 3,
    "num": 5,
    "bins": 4,
    "minlength": 5,
    "edge_order": 1,
    "m_": 1,
    "initial": 5.0,
    "period": 4.2,
    "left": 0.5,
    "right": 0.6,
    "discont": 3.3,
    "rcond": 1e-9,
    "dx": 0.5,
    "prepend": 1.0,
    "append": 2.0,
    "to_end": 1.0,
    "to_begin": 2.0,
    "base": 2.0,
    "nan": 1.0,
    "posinf": 2.0,
    "neginf": 3.0,
    "a_min": 0.4,
    "a_max": 2.5,
    "min": 0.4,
    "max": 2.5,
    "q": 0.4,
    "constant_values": 1.5,
    "end_values": 2.5,
    "default": 0.7,
    "stat_length": 2,
    "range": (0.0, 5.0),
    "shape": (2, 2),
}
"""What stands for an argument of this name where the table below does not say."""


def _of(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


ROWS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "reshape": _of(A, (9,)),
    "transpose": _of(A, axes=(1, 0)),
    "moveaxis": _of(A, 0, 1),
    "swapaxes": _of(A, 0, 1),
    "rollaxis": _of(A, 1, 0),
    "broadcast_to": _of(V, (3, 3)),
    "broadcast_arrays": _of(V, A),
    "squeeze": _of(A[None], 0),
    "take_along_axis": _of(V, PLACES, 0),
    "select": _of([A > 1, A > 2], [A, 2 * A], 0.7),
    "piecewise": _of(V, [V < 1, V >= 1], [0.5, lambda x: x * x]),
    "where": _of(A > 1, 0.3, 0.4),
    "clip": _of(A, a_min=0.4, a_max=2.5),
    "convolve": _of(V, W, "full"),
    "correlate": _of(V, W, "valid"),
    "getitem": _of(V, 1),
    "take": _of(V, PLACES, 0, mode="clip"),
    "compress": _of(MASK, V, 0),
    "extract": _of(MASK, V),
    "choose": _of(PLACES % 2, [V, W[:3]], mode="clip"),
    "delete": _of(V, 1, 0),
    "insert": _of(V, 1, 0.7, 0),
    "reduce": _of(A, axis=0, initial=5.0),
    "bincount": _of(PLACES, weights=V, minlength=5),
    "digitize": _of(V, np.arange(3.0), False),
    "histogram": _of(V, 4, (0.0, 5.0), weights=W[:3]),
    "histogram2d": _of(V, V, bins=3),
    "histogramdd": _of(B, bins=3),
    "solve": _of(A, V),
    "lstsq": _of(A, V, 1e-9),
    "tensorsolve": _of(A, V),
    "tensorinv": _of(A, 1),
    "matrix_power": _of(A, 2),
    "power": _of(A, 2.0),
    "diag": _of(V, 1),
    "diagflat": _of(V, 1),
    "gradient": _of(W, 0.7),
    "trapezoid": _of(W, dx=0.5, axis=0),
    "einsum": _of("ij,j->i", A, V),
    "fft2": _of(A, s=(2, 2)),
    "fftn": _of(A, s=(2, 2), axes=(0, 1)),
    "isclose": _of(A, 2 * A, rtol=1e-3, atol=1e-3),
    "allclose": _of(A, 2 * A, rtol=1e-3, atol=1e-3),
    "astype": _of(A, float),
    "interp": _of(*POINTS, left=0.5, right=0.6),
    "unwrap": _of(np.array([0.0, 2.0, 5.0, 9.0]), discont=3.3, period=4.2),
    **dict.fromkeys(("concatenate", "stack"), _of([V, V], 0)),
    **dict.fromkeys(("vstack", "row_stack", "dstack", "hstack", "column_stack"), _of([V, V])),
    "block": _of([[A, A]]),
    "append": _of(V, 0.7),
    **dict.fromkeys(("array_split", "split"), _of(W, 2, 0)),
    **dict.fromkeys(("vsplit", "hsplit"), _of(A, 3)),
    "dsplit": _of(A[:, :, None], 1),
    "unstack": _of(A, axis=0),
    "full_like": _of(A, 0.7),
    "pad": _of(V, 2, constant_values=1.5),
    "polyval": _of(W, V),
    "vander": _of(V, 3),
    "polyder": _of(W, 1),
    "polyint": _of(W, 1, k=0.4),
    "polydiv": _of(W, V),
    "roots": _of(W),
    "poly": _of(V),
    "polyfit": _of(V, V * V, 1, rcond=1e-9, w=V),
    "vecdot": _of(V, V),
    "matvec": _of(A, V),
    "vecmat": _of(V, A),
    "tensordot": _of(A, A, axes=1),
    "multi_dot": _of([A, A]),
    "cross": _of(V, V + 1),
    "repeat": _of(V, 2, 0),
    "tile": _of(V, 2),
    "resize": _of(V, 5),
    "rot90": _of(A, 1),
    "meshgrid": _of(V, W),
    "lexsort": _of([V, V]),
    "searchsorted": _of(V, 0.7),
    "linspace": _of(0.3, 1.2, 5),
    "logspace": _of(0.3, 1.2, 5, base=2.0),
    "geomspace": _of(0.3, 1.2, 5),
    "cond": _of(A, 2),
    "apply_along_axis": _of(lambda row: row * row, 0, A),
    "apply_over_axes": _of(np.sum, A, (0,)),
    "real_if_close": _of(V + 0j, 100.0),
    "sliding_window_view": _of(W, 2, 0),
    "isin": _of(V, W),
    "unique": _of(V),
    "nan_to_num": _of(ENDS, nan=1.0, posinf=2.0, neginf=3.0),
    "i0": _of(V),
    "corrcoef": _of(A),
    "cov": _of(A, ddof=1, aweights=V),
    "average": _of(A, 0, V),
    "norm": _of(A, 2),
    "vector_norm": _of(V, ord=3.0),
    "matrix_norm": _of(A, ord=2),
    **dict.fromkeys(("inner", "vdot", "kron", "outer"), _of(V, V)),
    **dict.fromkeys(("array_equal", "array_equiv"), _of(V, V + 1)),
    "dot": _of(A, V),
    "matmul": _of(A, A),
    **dict.fromkeys(("cumulative_sum", "cumulative_prod"), _of(V, axis=0)),
    "ediff1d": _of(V, 1.0, 2.0),
    "diff": _of(V, 1, prepend=1.0, append=2.0),
    "svdvals": _of(A),
    "svd": _of(A, False, True),
    "matrix_rank": _of(A, 1e-3),
    "pinv": _of(A, rcond=1e-9),
    "qr": _of(A, "reduced"),
    "trim_zeros": _of(W, "fb"),
    "conjugate": _of(A + 0j),
    "sort_complex": _of(V),
    **dict.fromkeys(("polyadd", "polysub", "polymul"), _of(W, V)),
    **dict.fromkeys(("partition", "argpartition"), _of(V, 1, 0)),
    "size": _of(A, 0),
}
"""Arguments by a NumPy function's name; of those that are missing, by the names of their arguments."""

MORE: list[tuple[Callable[..., Any], tuple[tuple[Any, ...], dict[str, Any]]]] = [
    (np.interp, _of(*POINTS, period=4.2)),
    (np.pad, _of(V, 2, mode="linear_ramp", end_values=2.5)),
    (np.pad, _of(V, ((2, 1),), mode="mean", stat_length=2)),
    (np.clip, _of(A, min=0.4, max=2.5)),
    (np.trapezoid, _of(W, x=2 * W)),
    (np.gradient, _of(W, W, edge_order=2)),
    (np.var, _of(A, 0, ddof=0.5, where=A > 0.5)),
    (np.std, _of(A, 1, correction=0.5, mean=np.full((3, 1), 1.2))),
    (np.quantile, _of(A, np.array([0.4, 0.7]), 0)),
    (np.nanpercentile, _of(A, 40.0)),
    (np.percentile, _of(A, 40.0, 1, method="hazen")),
    (np.histogram, _of(V, np.array([0.0, 1.0, 1.5, 3.0]), density=True)),
    (np.histogram2d, _of(V, 2 * V, [3, 2], [[0.0, 4.0], [0.5, 5.0]])),
    (np.nansum, _of(A, 0, initial=5.0)),
    (np.prod, _of(A, 0, initial=0.5, where=A > 0.5)),
    (np.min, _of(A, 0, initial=0.7)),
    (np.linalg.norm, _of(V, 2.5)),
    (np.linalg.pinv, _of(A, rtol=1e-9)),
    (np.linalg.lstsq, _of(A, V)),
    (np.cov, _of(V, W[:3], fweights=np.array([1, 2, 1]))),
    (np.roll, _of(A, (1, 2), (0, 1))),
    (np.polyint, _of(W, 2, k=np.array([0.4, 0.2]))),
    (np.cross, _of(A, B, axis=0)),
]
"""Other ways to call some of them."""

WITHOUT = {
    *("setitem", "put_along_axis", "put", "putmask", "place", "copyto", "fill_diagonal"),
    *(
        "einsum_path",
        "result_type",
        "can_cast",
        "common_type",
        "shape",
        "ndim",
        "ix_",
        "unravel_index",
    ),
    *("iscomplexobj", "isrealobj", "tril_indices_from", "triu_indices_from", "diag_indices_from"),
    *("save", "savez", "savez_compressed", "savetxt", "array2string", "array_repr", "array_str"),
}
"""They change an array in place, write it, take whole numbers, or are about shapes and dtypes."""

OTHERS: list[tuple[Callable[..., Any], tuple[tuple[Any, ...], dict[str, Any]]]] = [
    (clearprop.softmax, _of(A, 0)),
    (clearprop.log_softmax, _of(A, 0)),
    (clearprop.logsumexp, _of(A, 0, keepdims=True)),
    (clearprop.cross_entropy, _of(A, PLACES)),
    (numpy_here.full, _of((3,), 0.7)),
    (numpy_here.full_like, _of(A, 0.7)),
    (numpy_here.array, _of(V, float, ndmin=2)),
    (numpy_here.zeros_like, _of(A)),
    (special.comb, _of(5.5, 2.5, exact=False, repetition=False)),
    (special.diric, _of(V, 3)),
    (special.factorial, _of(3.5, False, "zero")),
    (special.lmbda, _of(1.5, 0.7)),
    (special.lqmn, _of(1, 2, 0.3)),
    (special.lqn, _of(2, 0.3)),
    (special.obl_cv_seq, _of(1, 3, 0.7)),
    (special.pbdn_seq, _of(2, 0.7)),
    (special.pbdv_seq, _of(1.5, 0.7)),
    (special.pbvv_seq, _of(1.5, 0.7)),
    (special.perm, _of(5.5, 2.5, False)),
    (special.polygamma, _of(1, V)),
    (special.pro_cv_seq, _of(1, 3, 0.7)),
    (special.riccati_jn, _of(2, 0.7)),
    (special.riccati_yn, _of(2, 0.7)),
    (special.assoc_legendre_p, _of(2, 1, 0.4, branch_cut=2, norm=False, diff_n=0)),
    (special.assoc_legendre_p_all, _of(2, 1, 0.4, branch_cut=2, norm=False, diff_n=0)),
    (special.legendre_p, _of(2, 0.4, diff_n=0)),
    (special.legendre_p_all, _of(2, 0.4, diff_n=0)),
    (special.sph_harm_y, _of(2, 1, 0.4, 0.5, diff_n=0)),
    (special.sph_harm_y_all, _of(2, 1, 0.4, 0.5, diff_n=0)),
    (special.sph_legendre_p, _of(2, 1, 0.4, diff_n=0)),
    (special.sph_legendre_p_all, _of(2, 1, 0.4, diff_n=0)),
    (special.logsumexp, _of(V, 0, W[:3], keepdims=False, return_sign=False)),
    (special.softmax, _of(A, 0)),
    (special.log_softmax, _of(A, 0)),
    (special.multigammaln, _of(5.3, 2)),
    (special.spherical_jn, _of(2, 0.4, False)),
    (special.spherical_yn, _of(2, 0.4, False)),
    (special.spherical_in, _of(2, 0.4, False)),
    (special.spherical_kn, _of(2, 0.4, False)),
    (linalg.block_diag, _of(A, 0.7)),
    (linalg.cho_factor, _of(A, False)),
    (linalg.cho_solve, _of((np.linalg.cholesky(A), True), V)),
    (linalg.cholesky, _of(A, False)),
    (linalg.cosm, _of(A)),
    (linalg.det, _of(A)),
    (linalg.eig, _of(A)),
    (linalg.eigh, _of(A, type=1, subset_by_value=(0.0, 9.0))),
    (linalg.eigh, _of(A, subset_by_index=(0, 1))),
    (linalg.eigvals, _of(A)),
    (linalg.eigvalsh, _of(A)),
    (linalg.expm, _of(A / 9)),
    (linalg.inv, _of(A)),
    (linalg.logm, _of(A)),
    (linalg.lu, _of(A)),
    (linalg.lu_factor, _of(A)),
    (linalg.lu_solve, _of(scipy.linalg.lu_factor(A), V, 0)),
    (linalg.norm, _of(A, 2)),
    (linalg.pinv, _of(A, atol=1e-3, rtol=1e-3)),
    (linalg.qr, _of(A)),
    (linalg.sinm, _of(A)),
    (linalg.solve, _of(A, V)),
    (linalg.solve_continuous_lyapunov, _of(A, A)),
    (linalg.solve_sylvester, _of(A, A, A)),
    (linalg.solve_triangular, _of(A, V, 0)),
    (linalg.sqrtm, _of(A)),
    (linalg.svd, _of(A)),
    (linalg.svdvals, _of(A)),
    (linalg.toeplitz, _of(V)),
]
"""Functions that are no answers to NumPy's: Clearprop's own."""


@dataclass(frozen=True)
class Call:
    """A function with arguments; `answer` has the signature that is supported."""

    label: str
    function: Callable[..., Any]
    answer: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def parameters(self) -> Iterator[Parameter]:
        left = iter(range(len(self.args)))
        known = inspect.signature(self.answer).parameters
        for p in known.values():
            if p.kind is p.VAR_POSITIONAL:
                for i in left:
                    yield Parameter(self, f"{p.name}[{i}]", i, self.args[i])
            elif p.kind is p.VAR_KEYWORD:
                for name in set(self.kwargs).difference(known):
                    yield Parameter(self, name, None, self.kwargs[name])
            elif p.kind is not p.KEYWORD_ONLY and (place := next(left, None)) is not None:
                yield Parameter(self, p.name, place, self.args[place])
            elif p.kind is not p.POSITIONAL_ONLY:
                value = self.kwargs.get(p.name, BY_NAME.get(p.name, 1.0))
                yield Parameter(self, p.name, None, value)


@dataclass(frozen=True)
class Parameter:
    """One of a call's parameters: its place, if it is passed by position, and a value that fits."""

    call: Call
    name: str
    place: int | None
    value: Any

    def __str__(self) -> str:
        return f"{self.call.label.removesuffix(', once more')}({self.name})"

    def call_with(self, value: Any, *, beside_tensor: bool) -> Any:
        """The result for a value there, perhaps with the first array as a constant Tensor."""
        args, kwargs = list(self.call.args), dict(self.call.kwargs)
        if self.place is None:
            kwargs[self.name] = value
        else:
            args[self.place] = value
        args = [x.copy() if isinstance(x, np.ndarray) else x for x in args]  # some overwrite theirs
        for i, x in enumerate(self.call.args[:2]):
            if beside_tensor and i != self.place and isinstance(x, np.ndarray):
                args[i] = clearprop.tensor(x, requires_grad=False)
                break
        return self.call.function(*args, **kwargs)


def calls() -> list[Call]:
    assert RECORDS  # the answers to SciPy's functions are there, too
    found = {}
    for function, answer in numpy_table.items():
        name = getattr(function, "__name__", "")
        if isinstance(answer, Primitive) or isinstance(function, np.ufunc) or name in WITHOUT:
            continue
        label = f"{getattr(function, '__module__', None) or 'ufunc'}.{name}"
        args, kwargs = ROWS.get(name) or (_by_name(answer), {})
        found[label] = Call(label, function, answer, args, kwargs)
    for function, (args, kwargs) in MORE:
        label = f"numpy.{function.__name__}, once more"
        found[f"{label}{len(found)}"] = Call(label, function, numpy_table[function], args, kwargs)
    others = [Call(f"{f.__module__}.{f.__name__}", f, f, *given) for f, given in OTHERS]
    return [*found.values(), *others]


def _by_name(answer: Callable[..., Any]) -> tuple[Any, ...]:
    needed = inspect.signature(answer).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(
        BY_NAME["a" if p.kind in kinds else p.name]
        for p in needed
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    )
