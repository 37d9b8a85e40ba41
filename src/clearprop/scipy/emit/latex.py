"""SciPy's functions in equations: those that have a letter."""

from ...emit.latex.writer import FUNCTIONS

FUNCTIONS |= {
    "expit": "\\sigma",
    "gamma": "\\Gamma",
    "gammaln": "\\log \\Gamma",
    "ndtr": "\\Phi",
    "psi": "\\psi",
}
