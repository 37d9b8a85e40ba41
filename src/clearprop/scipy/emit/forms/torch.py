"""SciPy's functions in PyTorch."""

from __future__ import annotations

from ....emit.array_expressions import ATOM
from ....emit.forms.torch import CALLS, ENTRIES, NAMESAKES, REAL
from ....emit.languages import Language, Written, wrap
from ....graph.graph import Node


def _triangular(language: Language, node: Node, operands: list[Written]) -> Written:
    params = node.params
    a = wrap(operands[0]) + (".mT" if params["trans"] else "")
    upper = params["lower"] == bool(params["trans"])
    unit = ", unitriangular=True" if params["unit_diagonal"] else ""
    return f"torch.linalg.solve_triangular({a}, {operands[1][0]}, upper={upper}{unit})", ATOM


_RENAMED = "exp2 expm1 log1p round i0"
CALLS |= {
    **{name: f"torch.special.bessel_{name}" for name in ("j0", "j1", "y0", "y1")},
    **{f"special_{name}": f"torch.special.{name}" for name in _RENAMED.split()},
    **{name: f"torch.special.modified_bessel_{name}" for name in ("k0", "k1")},
    **{f"{name}e": f"torch.special.scaled_modified_bessel_{name}" for name in ("k0", "k1")},
    "zeta": "torch.special.zeta",
    "expm": "torch.linalg.matrix_exp",
}
ENTRIES |= {"special_cbrt": ENTRIES["cbrt"], "solve_triangular": _triangular}
REAL |= {"special_round", "zeta"}
NAMESAKES["scipy.special"] = "torch.special"
