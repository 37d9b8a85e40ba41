"""scipy.special: the policy at its edges, what is refused, SciPy's Python functions, and how it loads.

The suite in `test_primitives.py` runs all of these functions at ordinary places.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special as sp

import clearprop
import clearprop.scipy.primitives
from clearprop import grad, tensor
from clearprop.errors import LostGradientError, ShapeError, TraceError, UnsupportedError
from clearprop.scipy import special as ours
from tests.messages import message
from tests.numeric import slopes

INF = np.inf


# ---- the policy at the edges


def gradients(f: Callable[..., Any], *xs: float) -> list[float]:
    return [float(g) for g in grad(f, tuple(range(len(xs))))(*map(float, xs))]


def test_nothing_from_impossible_events() -> None:
    # x log x at 0, as in JAX: the relative entropies take no part, entr keeps its infinite slope
    assert gradients(sp.rel_entr, 0, 2) == [0, 0]
    assert gradients(sp.rel_entr, 0, 0) == [0, 0]
    assert gradients(sp.rel_entr, 1, 2) == pytest.approx([1 - np.log(2), -0.5], rel=1e-15)
    assert gradients(sp.kl_div, 0, 2) == [-1, 1]  # the terms -x + y that it has besides
    assert gradients(sp.kl_div, 2, 2) == [0, 0]
    with np.errstate(divide="ignore"):
        assert gradients(sp.entr, 0) == [INF]
    assert gradients(sp.entr, 1) == [-1]


def test_zero_times_a_logarithm() -> None:
    # 0 log y is 0 whatever y is, so y gets nothing; a step of x would get log y
    with np.errstate(divide="ignore"):
        assert gradients(sp.xlogy, 0, 0) == [-INF, 0]
        assert gradients(sp.xlog1py, 0, -1) == [-INF, 0]
    assert gradients(sp.xlogy, 0, 2) == [np.log(2), 0]
    assert gradients(sp.xlogy, 3, 2) == [np.log(2), 1.5]
    assert gradients(sp.xlog1py, 3, 1) == [np.log(2), 1.5]


def test_logit_is_vertical_at_its_ends() -> None:
    with np.errstate(divide="ignore"):
        assert gradients(sp.logit, 0) == gradients(sp.logit, 1) == [INF]


def test_quantiles_are_vertical_at_their_ends() -> None:
    for f, low, high in ((sp.ndtri, 0, 1), (sp.erfinv, -1, 1)):
        assert gradients(f, low) == gradients(f, high) == [INF]


def test_huber_at_its_kink() -> None:
    # at |r| = delta both formulas give the same slope for r; delta starts to matter beyond
    assert gradients(sp.huber, 1, 1) == [0, 1]
    assert gradients(sp.huber, 1, -3) == [2, -1]
    assert gradients(sp.huber, 1, 0.5) == [0, 0.5]


def test_scaled_bessel_functions_at_zero() -> None:
    assert gradients(sp.i0e, 0) == [0]  # a peak, as of -|x|
    assert gradients(sp.i1e, 0) == [0.5]


def test_binom_beyond_its_triangle() -> None:
    # 2! / (G(k + 1) G(3 - k)) near k = 3: 1/G(y) is y near 0, so it falls by 2!/3! for each step
    assert gradients(sp.binom, 2, 3) == pytest.approx([1 / 3, -1 / 3], rel=1e-14)


@pytest.mark.parametrize(
    ("f", "places"),
    [
        (sp.erfcx, [-30.0, INF]),
        (sp.log_ndtr, [-1e300, 1e300, INF, -INF]),
        (sp.expit, [-1e300, 1e300, INF, -INF]),
        (sp.log_expit, [-1e300, 1e300, INF]),
        (sp.ndtr, [-1e300, INF]),
        (sp.gammaln, [1e300, INF]),
        (sp.dawsn, [-1e300, 1e300, INF]),
        (sp.i0e, [1e300, INF]),
        (sp.k0e, [1e300, INF]),
    ],
)
def test_no_nan_far_out(f: Callable[..., Any], places: list[float]) -> None:
    with np.errstate(over="ignore", divide="ignore"):
        for x in places:
            assert not np.isnan(grad(f)(x)), x


# ---- complex numbers


@pytest.mark.parametrize("f", [sp.gamma, sp.loggamma, sp.rgamma])
def test_complex_gamma_to_first_order(f: Callable[..., Any]) -> None:
    z = np.array([0.5 + 1j, -1.5 - 0.3j, 3 + 0.2j])

    def along(direction: complex) -> Any:
        return slopes(lambda t: np.sum((f(z + direction * t) * (2 - 1j)).real), 0.0)

    g = grad(lambda z: np.sum((f(z) * (2 - 1j)).real))(z)
    assert g.sum().real == pytest.approx(along(1), rel=1e-9)
    assert g.sum().imag == pytest.approx(along(1j), rel=1e-9)


def test_complex_digamma_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="digamma has a gradient for real inputs alone"):
        grad(lambda z: sp.digamma(z).real)(1 + 1j)


@pytest.mark.parametrize("f", [sp.ive, sp.jve, sp.yve])
def test_scaled_bessel_functions_of_complex_numbers_are_refused(f: Any) -> None:
    with pytest.raises(UnsupportedError, match="no complex derivative"):
        grad(lambda z: f(1, z).real)(1 + 1j)


# ---- what has no gradient says so


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: sp.jv(x, 2.0), "scipy.special.jv has no gradient with respect to its order v"),
        (lambda x: sp.kv(x, 2.0), "scipy.special.kv has no gradient with respect to its order v"),
        (lambda x: sp.expn(x + 0.5, 2.0), "scipy.special.expn has no gradient .* its order n"),
        (lambda x: sp.hyp1f1(2.0, x, 0.5), "hyp1f1 has no gradient .* its parameter b.*b.detach"),
        (lambda x: sp.chndtr(2.0, x, 0.5), "chndtr has no gradient .* its parameter df"),
        (lambda x: sp.eval_legendre(x, 0.5), "eval_legendre has no gradient .* its degree n"),
        (lambda x: sp.mathieu_cem(2, x, 30.0)[0], "mathieu_cem has no gradient .* its parameter q"),
        (lambda x: sp.zeta(x, 2.0), "scipy.special.zeta has no gradient .* the exponent x"),
        (lambda x: sp.zeta(x), "scipy.special.zeta has no gradient .* the exponent x"),
        (
            lambda x: sp.zetac(x),
            "scipy.special.zetac has no gradient in Clearprop",
        ),
    ],
)
def test_refusals(f: Callable[..., Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        grad(f)(1.5)


def test_an_order_that_wants_no_gradient_is_taken() -> None:
    v, z = tensor(0.5), tensor(2.0)
    sp.jv(v.detach(), z).backward()
    assert z.grad == pytest.approx(sp.jvp(0.5, 2.0), rel=1e-14)
    assert sp.jv(v, z).item() == sp.jv(0.5, 2.0)


def test_one_of_several_results() -> None:
    assert grad(lambda x: sp.airy(x)[2])(0.5) == sp.airy(0.5)[3]


def test_keywords_are_refused_by_name() -> None:
    with pytest.raises(
        UnsupportedError, match=r"scipy.special.erf of a tensor does not take where="
    ):
        sp.erf(tensor([1.0]), where=[True])


def test_a_slip_of_the_pen_finds_its_neighbours() -> None:
    with pytest.raises(UnsupportedError, match=r"Near it: .*scipy\.special\.chndtr"):
        sp.chndtridf(tensor(0.3), 0.5, 0.5)


@pytest.mark.parametrize("traced", [False, True])
def test_a_function_that_wants_arrays_points_to_ours(traced: bool) -> None:
    def f() -> Any:
        if traced:
            return clearprop.trace(lambda x: sp.softmax(x), np.ones(2))
        return sp.softmax(tensor([1.0, 2.0]))  # here

    if traced:
        with pytest.raises(TraceError, match=r"Use clearprop\.scipy\.special\.softmax"):
            f()
    else:
        message(LostGradientError, f, "softmax takes x=", "Use clearprop.scipy.special.softmax")


def test_a_node_within_scipys_functions_names_the_users_line() -> None:
    graph = clearprop.trace(lambda x: sp.kvp(1.5, x), 2.0)
    assert all("test_special.py" in str(node.line) for node in graph.nodes)


# ---- SciPy's Python functions


@pytest.mark.parametrize(
    "f",
    [
        lambda s, x: s.softmax(x),
        lambda s, x: s.softmax(x, axis=0),
        lambda s, x: s.log_softmax(x),
        lambda s, x: s.log_softmax(x, axis=(0, 1)),
        lambda s, x: s.logsumexp(x),
        lambda s, x: s.logsumexp(x, 1, keepdims=True),
        lambda s, x: s.logsumexp(x, 0, b=np.array([[1.0], [0.0], [3.0]])),
        lambda s, x: s.logsumexp(x, b=2.0),
        lambda s, x: s.logsumexp(1.0, 0, b=x + 3),
        lambda s, x: s.logsumexp(x, 1, x - 3, False, True)[0],
        lambda s, x: s.logsumexp(x, 1, x - 3, return_sign=True)[1] * 1.0,
        lambda s, x: s.polygamma(0, x + 3),
        lambda s, x: s.polygamma(2, x + 3),
        lambda s, x: s.polygamma(np.array([0, 1, 2, 5]), x + 3),
        lambda s, x: s.multigammaln(x + 5, 3),
        lambda s, x: s.multigammaln(x + 5, 1),
        lambda s, x: s.comb(x + 5, 2.5),
        lambda s, x: s.comb(5, x + 1),
        lambda s, x: s.comb(x + 5, 3, repetition=True),
        lambda s, x: s.perm(x + 5, 2.5),
        lambda s, x: s.factorial(x + 3.5),
        lambda s, x: s.diric(x, 5),
        lambda s, x: s.diric(x, 4),
        lambda s, x: s.diric(x + 6, 1),
        lambda s, x: s.spherical_jn(2, x + 3),
        lambda s, x: s.spherical_jn(np.array([0, 1, 2, 5]), x + 3, derivative=True),
        lambda s, x: s.spherical_yn(1, x + 3, True),
        lambda s, x: s.spherical_in(0, x + 3),
        lambda s, x: s.spherical_in(1, x + 3, True),
        lambda s, x: s.spherical_kn(3, x + 3),
        lambda s, x: s.spherical_kn(3, x + 3, True),
        lambda s, x: s.legendre_p(3, x),
        lambda s, x: s.legendre_p_all(3, x),
        lambda s, x: s.assoc_legendre_p(3, 2, x * 0.9),
        lambda s, x: s.assoc_legendre_p_all(2, 1, x * 0.9, norm=True),
        lambda s, x: s.sph_legendre_p(3, -2, x + 1.5),
        lambda s, x: s.sph_legendre_p_all(2, 2, x + 1.5),
        lambda s, x: s.sph_harm_y(3, -2, x + 1.5, 2 * x).imag,
        lambda s, x: s.sph_harm_y_all(2, 3, 0.7, x).real,
        lambda s, x: s.lqn(3, x * 0.8)[0],
        lambda s, x: s.lqmn(2, 3, x * 0.5)[1],
        lambda s, x: s.pbdv_seq(2.5, x[0, 0])[1],
        lambda s, x: s.pbvv_seq(2.5, x[0, 0] + 2)[0],
        lambda s, x: s.pbdn_seq(3, x[0, 0])[1].real,
        lambda s, x: s.riccati_jn(3, x[0, 0] + np.float64(2))[1],
        lambda s, x: s.riccati_yn(3, x[0, 0] + np.float64(2))[0],
        lambda s, x: s.lmbda(2.5, x[0, 0] + 2)[1],
        lambda s, x: s.pro_cv_seq(0, 3, x[0, 0] + 2),
        lambda s, x: s.obl_cv_seq(1, 3, x[0, 0] + 2),
        lambda s, x: s.erf(x),
        # these are SciPy's own, written with ufuncs that are answered
        lambda s, x: s.kvp(1.5, x + 3, 2),
        lambda s, x: s.lambertw(x + 3, -1).imag,
        lambda s, x: s.zeta(2.5, x + 3),
        lambda s, x: s.assoc_laguerre(x, 3, 0.5),
        lambda s, x: s.jvp(1.5, x + 3),
        lambda s, x: s.yvp(1.5, x + 3, 2),
        lambda s, x: s.ivp(1.5, x + 3),
        lambda s, x: s.h1vp(1.5, x + 3).real,
        lambda s, x: s.h2vp(1.5, x + 3).imag,
        lambda s, x: s.softplus(x),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_python_functions(f: Callable[..., Any], dtype: str, rng: np.random.Generator) -> None:
    x = rng.uniform(-1, 1, (3, 4)).astype(dtype)
    t = tensor(x)
    result, expected = f(ours, t), f(sp, x)
    assert (result.shape, result.dtype) == (np.shape(expected), expected.dtype)
    double = dtype == "float64"
    np.testing.assert_allclose(result.value, expected, 1e-13 if double else 1e-5, 1e-6)
    assert f(ours, x).tolist() == expected.tolist()
    g = rng.standard_normal(result.shape)[()]
    if result.requires_grad:
        result.backward(g)
    slope = slopes(lambda x: np.sum(g * f(sp, x)), x.astype(float))
    found = np.zeros_like(x) if t.grad is None else t.grad
    assert found.dtype == dtype
    np.testing.assert_allclose(found, slope, *((1e-7, 1e-8) if double else (1e-4, 1e-5)))


def test_logsumexp_with_a_huge_entry_that_does_not_count() -> None:
    a, b = np.array([1000.0, 0.0, 0.0]), np.array([0.0, 1.0, 3.0])
    value, g = clearprop.value_and_grad(lambda a: ours.logsumexp(a, b=b))(a)
    assert value == sp.logsumexp(a, b=b) == np.log(4)
    assert g.tolist() == [0, 0.25, 0.75]


def test_multigammaln_out_of_range() -> None:
    assert np.isnan(ours.multigammaln(tensor(0.4), 2).item())
    with pytest.raises(ShapeError, match=r"d a positive integer, not 2.5"):
        ours.multigammaln(tensor(3.0), 2.5)  # type: ignore[arg-type]


def test_the_module_shows_all_of_scipy_special() -> None:
    assert ours.erf is sp.erf
    assert set(sp.__all__) == {*dir(ours)}
    assert set(ours.__all__) == set(sp.__all__)


# ---- loading


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_family_loads_when_one_of_its_functions_meets_a_tensor() -> None:
    code = (
        "import sys, clearprop\n"
        "assert 'scipy' not in sys.modules\n"
        "x = clearprop.tensor(0.0)\n"
        "import scipy.special\n"
        "assert 'clearprop.scipy.primitives' not in sys.modules\n"
        "scipy.special.expit(x).backward()\n"
        "assert 'clearprop.scipy.primitives' in sys.modules\n"
        "print(x.grad)"
    )
    assert python(code) == "0.25\n"


def test_an_unknown_function_does_not_import_scipy() -> None:
    code = (
        "import sys, clearprop, numpy as np\n"
        "try: np.isnat(clearprop.tensor(1.0))\n"
        "except clearprop.UnsupportedError as error: print(str(error)[:30])\n"
        "assert 'scipy' not in sys.modules"
    )
    assert python(code) == "np.isnat has no gradient in Cl\n"


# ---- traced and compiled


def test_traced_and_explained() -> None:
    graph = clearprop.trace(lambda x: sp.erf(x) * 2, np.ones(3))
    assert "erf(x)" in str(graph)
    assert graph.evaluate(np.ones(3)).tolist() == (sp.erf(np.ones(3)) * 2).tolist()
    slope = clearprop.trace(grad(grad(sp.gammaln)), 2.0)
    assert slope.evaluate(3.0) == pytest.approx(float(sp.polygamma(1, 3.0)), rel=1e-14)


def test_compiled_with_two_results() -> None:
    pytest.importorskip("llvmlite")

    def f(x: Any) -> Any:
        si, ci = sp.sici(x)
        return np.sum(si * ci)

    x = np.array([0.2, 1.0, 3.0])
    np.testing.assert_allclose(clearprop.compile(grad(f))(x), grad(f)(x), rtol=1e-14)
