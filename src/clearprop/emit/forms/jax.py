"""JAX's forms."""

from __future__ import annotations

from ...engine.wings import open_rooms
from ...graph.graph import Node
from ..array_expressions import ATOM
from ..languages import Entry, Language, Written
from .entries import BY_POSITION, LIKE_NUMPY, of_order


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    return f"jnp.where({', '.join(text for text, _ in operands)})", ATOM


_CALLED = "float_power remainder floor_divide"
"""What NumPy's code has operators for."""
CALLS = {
    **{name: f"jnp.{name}" for name in _CALLED.split()},
    "absolute": "jnp.abs",
    "inv_or_nan": "jnp.linalg.inv",
    "direction": "jnp.sign",
}
_NANS = "nanmax nanmin nanargmax nanargmin"
ENTRIES: dict[str, Entry | str] = {
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
    "bessel_i": of_order(1, "jax.scipy.special.i1"),
    "cholesky": "jnp.linalg.cholesky({0}, upper={upper}, symmetrize_input=False)",
    "eigh": 'jnp.linalg.eigh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "eigvalsh": 'jnp.linalg.eigvalsh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "qr": 'jnp.linalg.qr({0}, mode="{mode}")',
}
REAL = {"clip"}
"""What JAX has for real numbers alone."""
NAMESAKES: dict[str, str] = {}
"""See `Language.namesakes`; wings say where theirs are."""
COMPLEX_NAMESAKES: set[str] = set()
LACKS = frozenset(["copy"])
"""Its arrays do not change, so there is nothing to copy."""

open_rooms(__name__)
