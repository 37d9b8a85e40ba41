"""SciPy's functions in loops."""

from ..stages.lowerings import ELEMENTWISE, LIBRARY, arithmetic
from ..stages.matrices import OPERATIONS as MATRICES
from ..stages.operations import COSTS, ELEMENTARY, FURTHER

ELEMENTARY["erf"] = 30
FURTHER |= {"erfc": 30, "lgamma": 50, "tgamma": 50, "digamma": 60}
COSTS |= ELEMENTARY | FURTHER
ELEMENTWISE["erf"] = arithmetic("erf", "f")

_OPERATIONS = {
    "erfc": "erfc",
    "gammaln": "lgamma",
    "gamma": "tgamma",
    "psi": "digamma",
}
_SAME = {
    **{f"special_{name}": name for name in ("cbrt", "exp2", "expm1", "log1p")},
    "special_round": "rint",
}
LIBRARY |= {name: arithmetic(operation, "f") for name, operation in _OPERATIONS.items()}
ELEMENTWISE |= {name: arithmetic(operation, "f") for name, operation in _SAME.items()}
MATRICES["solve_triangular"] = True
