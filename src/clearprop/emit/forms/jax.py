"""JAX's forms."""

from __future__ import annotations

from collections.abc import Mapping

from ...graph.graph import Node
from ..array_expressions import ATOM
from ..languages import Entry, Language, Written
from .entries import BY_POSITION, LIKE_NUMPY, factors


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    return f"jnp.where({', '.join(text for text, _ in operands)})", ATOM


def _bessel(language: Language, node: Node, operands: list[Written]) -> Written | None:
    order = node.params["order"]
    return (f"jax.scipy.special.i1({operands[0][0]})", ATOM) if order == 1 else None


def _sqrtm(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Write a matrix square root; JAX's is complex always, and of one matrix."""
    if node.inputs[0].spec.ndim > 2 or not node.inputs[0].spec.size:
        return None
    real = "" if node.out.spec.dtype.kind == "c" else ".real"
    return f"jax.scipy.linalg.sqrtm({operands[0][0]}){real}", ATOM


_CALLED = "float_power remainder floor_divide"
"""What NumPy's code has operators for."""
CALLS = {
    **{name: f"jnp.{name}" for name in _CALLED.split()},
    **{name: f"jax.scipy.linalg.{name}" for name in ("expm", "solve_sylvester")},
    "special_i0": "jax.scipy.special.i0",
    **{name: f"jax.scipy.special.{name}" for name in ("gammasgn", "hyp1f1", "zeta")},
    "psi": "jax.scipy.special.digamma",
    "absolute": "jnp.abs",
    "inv_or_nan": "jnp.linalg.inv",
    "direction": "jnp.sign",
}
_NANS = "nanmax nanmin nanargmax nanargmin"
ENTRIES: Mapping[str, Entry | str] = {
    **LIKE_NUMPY,
    **BY_POSITION,
    **{n: f"jnp.{n}({{0}}, axis={{axis}}, keepdims={{keepdims}})" for n in _NANS.split()},
    "where": _where,
    "repeat": "jnp.repeat({0}, {repeats}, {axis})",
    "convolve": 'jnp.convolve({0}, {1}, mode="{mode}")',
    "cross": "jnp.cross({0}, {1})",
    "sort": "jnp.sort({0}, {axis})",
    "argsort": "jnp.argsort({0}, {axis})",
    "partition": "jnp.partition({0}, {kth[0]}, {axis})",
    "searchsorted": 'jnp.searchsorted({0}, {1}, side="{side}")',
    "isclose": "jnp.isclose({0}, {1}, rtol={rtol}, atol={atol}, equal_nan={equal_nan})",
    "interp": "jnp.interp({0}, {1}, {2}, left={left}, right={right})",
    "unwrap": "jnp.unwrap({0}, discont={discont}, axis={axis}, period={period})",
    "roots": "jnp.roots({0}, strip_zeros=False)",
    "polyval": "jnp.polyval({0}, {1})",
    "bessel_i": _bessel,
    "cholesky": "jnp.linalg.cholesky({0}, upper={upper}, symmetrize_input=False)",
    "eigh": 'jnp.linalg.eigh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "eigvalsh": 'jnp.linalg.eigvalsh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "qr": 'jnp.linalg.qr({0}, mode="{mode}")',
    "sqrtm": _sqrtm,
    "lu_factor": "jax.scipy.linalg.lu_factor({0})",
    "row_order": "jax.lax.linalg.lu_pivots_to_permutation({0}, {rows})",
    "solve_triangular": factors(
        "jax.scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})",
        "jax.scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})",
    ),
}
REAL = frozenset(["clip", "hyp1f1", "zeta"])
"""What JAX has for real numbers alone."""
COMPLEX_SPECIALS = frozenset(["wofz", "loggamma"])
LACKS = frozenset(["copy"])
"""Its arrays do not change, so there is nothing to copy."""
