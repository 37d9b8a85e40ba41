"""SciPy's own functions, in NumPy's code."""

from __future__ import annotations

from ....emit.array_expressions import ATOM
from ....emit.forms.entries import factors
from ....emit.forms.helpers import HELPERS
from ....emit.forms.numpy import CALLS, ENTRIES
from ....emit.languages import Language, Written
from ....graph.graph import Node

_SPHERICAL = "spherical_jn spherical_yn spherical_in spherical_kn"
_SEQUENCES = "pbdv_seq pbvv_seq pbdn_seq riccati_jn riccati_yn lmbda lqn lqmn"


def _sequence(language: Language, node: Node, operands: list[Written]) -> Written:
    texts = [*map(str, node.params["params"]), operands[0][0]]
    return f"scipy.special.{node.primitive.name}({', '.join(texts)})", ATOM


def _row_order(language: Language, node: Node, operands: list[Written]) -> Written | None:
    if node.inputs[0].spec.ndim > 1:
        return None
    return f"row_order({operands[0][0]}, {node.params['rows']})", ATOM


HELPERS["row_order"] = '''def row_order(pivots, rows):
    """Which row comes where after these exchanges."""
    order = {m}.arange(rows)
    for i, j in enumerate(pivots):
        order[[i, j]] = order[[j, i]]
    return order'''
CALLS |= {name: f"scipy.linalg.{name}" for name in ("expm", "logm", "cosm", "sinm", "lu_factor")}
ENTRIES |= {
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
