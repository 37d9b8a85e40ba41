"""JAX's forms."""

from __future__ import annotations

from collections.abc import Mapping

from ...graph import Node
from ..expressions import ATOM
from ..languages import SHARED, Entry, Language, Written, joining, method, reduction
from .entries import factors, fourier, norm, recurrence, without


def _where(language: Language, node: Node, operands: list[Written]) -> Written:
    return f"jnp.where({', '.join(text for text, _ in operands)})", ATOM


def _bessel(language: Language, node: Node, operands: list[Written]) -> Written | None:
    order = node.params["order"]
    return (f"jax.scipy.special.i1({operands[0][0]})", ATOM) if order == 1 else None


def _sqrtm(language: Language, node: Node, operands: list[Written]) -> Written | None:
    """JAX's is complex always, and of one matrix."""
    if node.inputs[0].spec.ndim > 2 or not node.inputs[0].spec.size:
        return None
    real = "" if node.out.spec.dtype.kind == "c" else ".real"
    return f"jax.scipy.linalg.sqrtm({operands[0][0]}){real}", ATOM


_SAME = (
    "exp log log1p expm1 sqrt sin cos tan tanh sinh cosh arcsin arccos arctan arctan2 arcsinh "
    "arccosh arctanh sign floor ceil rint square maximum minimum logaddexp outer logical_and "
    "logical_or logical_not logical_xor isfinite isnan isinf hypot exp2 log2 log10 cbrt angle "
    "copysign deg2rad rad2deg fmax fmin fmod heaviside ldexp logaddexp2 modf nextafter positive "
    "reciprocal signbit spacing trunc float_power remainder floor_divide sinc i0"
)
_REDUCTIONS = (
    "sum mean max min all any argmax argmin var std prod nanmax nanmin nanargmax nanargmin"
)
_METHODS = "sum mean max min all any argmax argmin var std prod"
_SPECIAL = (
    "beta betainc betaln boxcox boxcox1p dawsn entr erf erfc erfcx erfinv exp1 expi expit expn "
    "fresnel gamma gammainc gammaincc gammaln gammasgn hyp1f1 i0e i1 i1e kl_div log_ndtr "
    "loggamma logit ndtr ndtri owens_t poch rel_entr sici spence wofz xlog1py xlogy zeta"
)
_RENAMED = "cbrt exp2 expm1 log1p round"
_LINALG = "inv det solve slogdet svdvals eig"
_MATRICES = "expm solve_sylvester"
CALLS = {
    **{name: f"jnp.{name}" for name in _SAME.split()},
    **{name: f"jnp.linalg.{name}" for name in _LINALG.split()},
    **{name: f"jax.scipy.special.{name}" for name in _SPECIAL.split()},
    **{name: f"jax.scipy.linalg.{name}" for name in _MATRICES.split()},
    **{f"special_{name}": f"jnp.{name}" for name in _RENAMED.split()},
    "special_i0": "jax.scipy.special.i0",
    "psi": "jax.scipy.special.digamma",
    "absolute": "jnp.abs",
    "inv_or_nan": "jnp.linalg.inv",
    "direction": "jnp.sign",
}
ENTRIES: Mapping[str, Entry | str] = {
    **SHARED,
    **{name: reduction(name) for name in _METHODS.split()},
    **{name: fourier(name) for name in ("fft", "ifft", "rfft", "irfft")},
    "where": _where,
    "concatenate": joining("jnp.concatenate"),
    "stack": joining("jnp.stack"),
    "real": method("{}.real"),
    "imag": method("{}.imag"),
    "conj": method("{}.conj()"),
    "nanmax": "jnp.nanmax({0}, axis={axis}, keepdims={keepdims})",
    "nanmin": "jnp.nanmin({0}, axis={axis}, keepdims={keepdims})",
    "nanargmax": "jnp.nanargmax({0}, axis={axis}, keepdims={keepdims})",
    "nanargmin": "jnp.nanargmin({0}, axis={axis}, keepdims={keepdims})",
    "norm": norm,
    "p_norm": "jnp.linalg.vector_norm({0}, axis={axis}, keepdims={keepdims}, ord={ord})",
    "recurrence": recurrence,
    "roll": "jnp.roll({0}, {shift}, {axis})",
    "tile": "jnp.tile({0}, {reps})",
    "repeat": "jnp.repeat({0}, {repeats}, {axis})",
    "pad": "jnp.pad({0}, {width}, constant_values={value})",
    "convolve": 'jnp.convolve({0}, {1}, mode="{mode}")',
    "cross": "jnp.cross({0}, {1})",
    "diagonal": "{w0}.diagonal({offset}, {axis1}, {axis2})",
    "take_along_axis": "jnp.take_along_axis({0}, {1}, {axis})",
    "sort": "jnp.sort({0}, {axis})",
    "argsort": "jnp.argsort({0}, {axis})",
    "partition": "jnp.partition({0}, {kth[0]}, {axis})",
    "lexsort": "jnp.lexsort(({all}), axis={axis})",
    "searchsorted": 'jnp.searchsorted({0}, {1}, side="{side}")',
    "isclose": "jnp.isclose({0}, {1}, rtol={rtol}, atol={atol}, equal_nan={equal_nan})",
    "isin": "jnp.isin({0}, {1}, invert={invert})",
    "exponent": "jnp.frexp({0})[1]",
    "interp": "jnp.interp({0}, {1}, {2}, left={left}, right={right})",
    "unwrap": "jnp.unwrap({0}, discont={discont}, axis={axis}, period={period})",
    "roots": "jnp.roots({0}, strip_zeros=False)",
    "polyval": "jnp.polyval({0}, {1})",
    "vander": "jnp.vander({0}, {n}, increasing={increasing})",
    "bessel_i": _bessel,
    "cholesky": "jnp.linalg.cholesky({0}, upper={upper}, symmetrize_input=False)",
    "eigh": 'jnp.linalg.eigh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "eigvalsh": 'jnp.linalg.eigvalsh({0}, UPLO="{UPLO}", symmetrize_input=False)',
    "pinv": without("jnp.linalg.pinv({0})"),
    "matrix_rank": without("jnp.linalg.matrix_rank({0})"),
    "svd": "jnp.linalg.svd({0}, full_matrices={full_matrices})",
    "qr": 'jnp.linalg.qr({0}, mode="{mode}")',
    "sqrtm": _sqrtm,
    "lu_factor": "jax.scipy.linalg.lu_factor({0})",
    "row_order": "jax.lax.linalg.lu_pivots_to_permutation({0}, {rows})",
    "solve_triangular": factors(
        "jax.scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})",
        "jax.scipy.linalg.solve_triangular({0}, {1}, {trans}, {lower}, {unit_diagonal})",
    ),
}
REAL = frozenset(["clip", *_SPECIAL.split()]) - {"wofz", "loggamma"}
"""What JAX has for real numbers alone."""
