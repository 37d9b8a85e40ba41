"""SciPy's functions in JAX."""

from __future__ import annotations

from ....emit.array_expressions import ATOM
from ....emit.forms.entries import factors
from ....emit.forms.jax import CALLS, COMPLEX_NAMESAKES, ENTRIES, NAMESAKES, REAL
from ....emit.languages import Language, Written
from ....graph.graph import Node


def _sqrtm(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """Write a matrix square root; JAX's is complex always, and of one matrix."""
    if node.inputs[0].spec.ndim > 2 or not node.inputs[0].spec.size:
        return None
    real = "" if node.out.spec.dtype.kind == "c" else ".real"
    return f"jax.scipy.linalg.sqrtm({operands[0][0]}){real}", ATOM


_TRIANGULAR = "jax.scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})"

CALLS |= {
    **{name: f"jax.scipy.linalg.{name}" for name in ("expm", "solve_sylvester")},
    "special_i0": "jax.scipy.special.i0",
    **{name: f"jax.scipy.special.{name}" for name in ("gammasgn", "hyp1f1", "zeta")},
    "psi": "jax.scipy.special.digamma",
}
ENTRIES |= {
    "sqrtm": _sqrtm,
    "lu_factor": "jax.scipy.linalg.lu_factor({0})",
    "row_order": "jax.lax.linalg.lu_pivots_to_permutation({0}, {rows})",
    "solve_triangular": factors(_TRIANGULAR, _TRIANGULAR),
}
REAL |= {"hyp1f1", "zeta"}
NAMESAKES["scipy.special"] = "jax.scipy.special"
COMPLEX_NAMESAKES |= {"wofz", "loggamma"}
