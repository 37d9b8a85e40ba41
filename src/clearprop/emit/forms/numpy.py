"""NumPy's forms, where the function of the same name is not all that there is to say."""

from __future__ import annotations

from collections.abc import Mapping

from ...graph.graph import Node
from ..array_expressions import ATOM
from ..languages import Entry, Language, Written
from .entries import LIKE_NUMPY, factors

_SPHERICAL = "spherical_jn spherical_yn spherical_in spherical_kn"
_SEQUENCES = "pbdv_seq pbvv_seq pbdn_seq riccati_jn riccati_yn lmbda lqn lqmn"


def _sequence(language: Language, node: Node, operands: list[Written]) -> Written:
    texts = [*map(str, node.params["params"]), operands[0][0]]
    return f"scipy.special.{node.primitive.name}({', '.join(texts)})", ATOM


def _row_order(language: Language, node: Node, operands: list[Written]) -> Written | None:
    if node.inputs[0].spec.ndim > 1:
        return None
    return f"row_order({operands[0][0]}, {node.params['rows']})", ATOM


CALLS = {
    "absolute": "np.abs",
    "direction": "np.sign",
    "inv_or_nan": "np.linalg.inv",
    **{name: f"scipy.linalg.{name}" for name in ("expm", "logm", "cosm", "sinm", "lu_factor")},
}
ENTRIES: Mapping[str, Entry | str] = {
    **LIKE_NUMPY,
    "sliding_windows": "np.lib.stride_tricks.sliding_window_view({0}, {window}, {axis})",
    "round": "np.round({0}, {decimals})",
    "bessel_i": "scipy.special.iv({order}, {0})",
    "spherical_bessel": "scipy.special.spherical_jn({order}, {0})",
    "lstsq": "np.linalg.lstsq({0}, {1}, {rcond})",
    "column_order": factors('scipy.linalg.qr({0}, mode="r", pivoting=True)[1]'),
    "row_order": _row_order,
    "zeta": "scipy.special.zeta({0}, {1})",
    "lambertw": "scipy.special.lambertw({0}, {1}, {2})",
    "sph_harm_y": "scipy.special.sph_harm_y({all})",
    "sph_legendre_p": "scipy.special.sph_legendre_p({all})[0]",
    "assoc_legendre_p": (
        "scipy.special.assoc_legendre_p({all}, branch_cut={branch_cut}, norm={norm})[0]"
    ),
    **{name: f"scipy.special.{name}({{all}})" for name in _SPHERICAL.split()},
    **dict.fromkeys(_SEQUENCES.split(), _sequence),
    "sqrtm": factors("scipy.linalg.sqrtm({0})"),
    "solve_sylvester": factors("scipy.linalg.solve_sylvester({0}, {1}, {2})"),
    "solve_triangular": factors(
        "scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})"
    ),
}


def _put_along(node: Node) -> tuple[str, ...]:
    """Write a scatter as `put_along_axis` where places come once, as in an order of all entries."""
    if not node.params["once"]:
        return ()
    return ("{name} = np.zeros({shape}{dtype})", "np.put_along_axis({name}, {1}, {0}, {axis})")


LINES = {"put_along": _put_along}
