"""Every primitive beside JAX, on samples of its record: values and gradients, in float64.

JAX's function is found by the name of NumPy's or SciPy's. Those that it writes otherwise stand in `THEIRS`,
those that it does not have in `ALONE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.bundle import Bundle
from clearprop.engine.numpy_dispatch import find_answer
from clearprop.engine.primitive import Primitive, Sample, numpy_table, primitives
from clearprop.ops.indexing import Slot
from clearprop.ops.sliding_windows import places
from tests.contract import Case, is_complex, is_real, make_case
from tests.effort import samples_of

jax = pytest.importorskip("jax", reason="JAX is not installed (make test-all installs it)")
jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed (make test-all installs it)")
special = pytest.importorskip("scipy.special")
pytest.importorskip("clearprop.scipy.linalg")
find_answer(special.erf)  # registers that family

PLACES = (jnp, jnp.linalg, jnp.fft, jax.scipy.special, jax.scipy.linalg, jax.nn)


def assigned(x: Any, value: Any, *arrays: Any, index: Any) -> Any:
    return jnp.asarray(x).at[place(index, arrays)].set(value)


def scattered(g: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    return jnp.zeros(shape, g.dtype).at[place(index, arrays)].add(g)


def place(index: Any, arrays: Any) -> Any:
    return tuple(arrays[part.number] if isinstance(part, Slot) else part for part in index)


def read(x: Any, *arrays: Any, index: Any) -> Any:
    return x[place(index, arrays)]


def nll_loss(x: Any, labels: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(x, labels[..., None], -1))


def series(x: Any, coefficients: Any) -> Any:
    return sum(c * x**k for k, c in enumerate(coefficients))


def back(f: Callable[..., Any]) -> Callable[..., Any]:
    """What takes a gradient back through the linear function `f` of its first input."""

    def run(g: Any, *rest: Any, shape: Any, **params: Any) -> Any:
        example = jax.ShapeDtypeStruct(shape, jnp.asarray(g).dtype)
        return jax.linear_transpose(lambda x: f(x, *rest, **params), example)(g)[0]

    return run


def take_along(x: Any, indices: Any, axis: int, once: bool) -> Any:
    return jnp.take_along_axis(x, jnp.asarray(indices), axis)


def vander(x: Any, n: int, increasing: bool) -> Any:
    return jnp.vander(x, n, increasing)


def from_either_end(f: Callable[..., Any]) -> Callable[..., Any]:
    """A running sum or product, from the first entry or from the last."""

    def run(x: Any, axis: int, reverse: bool) -> Any:
        return jnp.flip(f(jnp.flip(x, axis), axis), axis) if reverse else f(x, axis)

    return run


def recurrence(links: Any, x: Any, axis: int, reverse: bool) -> Any:
    if reverse:
        return jnp.flip(recurrence(jnp.flip(links, axis), jnp.flip(x, axis), axis, False), axis)
    rows = jnp.moveaxis(x, axis, 0)
    out = [rows[0]]
    for link, row in zip(jnp.moveaxis(links, axis, 0), rows[1:], strict=True):
        out.append(row + link * out[-1])
    return jnp.moveaxis(jnp.stack(out), 0, axis)


def norm(x: Any, axis: Any, keepdims: bool, ord: float = 2) -> Any:
    if x.ndim:
        return jnp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    return jnp.abs(x)


def lstsq(a: Any, b: Any, rcond: Any) -> Any:
    x, residuals, rank, values = jnp.linalg.lstsq(a, b, rcond)
    return x, residuals[: None if a.shape[0] > a.shape[1] else 0], rank, values


def cofactors(a: Any) -> Any:
    return jax.vjp(jnp.linalg.det, a)[1](jnp.ones(a.shape[:-2], a.dtype))[0]


THEIRS: dict[str, Callable[..., Any]] = {
    "mirror": lambda a, lower, conjugate: (a + (jnp.conj(a) if conjugate else a).mT) / 2,
    "inv_or_nan": jnp.linalg.inv,
    "cofactors": cofactors,
    "cofactor_slopes": lambda a, step: jax.jvp(cofactors, (a,), (step,))[1],
    "lstsq": lstsq,
    "slice": read,
    "gather": read,
    "scatter": scattered,
    "assign": assigned,
    "nll_loss": nll_loss,
    "series": series,
    "direction": lambda x: x / jnp.abs(x),
    "fft": jnp.fft.fftn,
    "ifft": jnp.fft.ifftn,
    "pad": lambda x, width, value: jnp.pad(x, width, constant_values=value),
    "vander": vander,
    "cumsum": from_either_end(jnp.cumsum),
    "cumprod": from_either_end(jnp.cumprod),
    "recurrence": recurrence,
    "norm": norm,
    "p_norm": norm,
    "take_along_axis": take_along,
    "sliding_windows": lambda x, window, axis: jnp.reshape(x, -1)[places(x.shape, window, axis)],
    "put_along": back(take_along),
    "put_diagonal": back(jnp.diagonal),
    "log_expit": jax.nn.log_sigmoid,
    "exp10": lambda x: 10.0**x,
    "exprel": lambda x: jnp.expm1(x) / x,
    "cosm1": lambda x: jnp.cos(x) - 1,
    "sindg": lambda x: jnp.sin(jnp.radians(x)),
    "cosdg": lambda x: jnp.cos(jnp.radians(x)),
    "tandg": lambda x: jnp.tan(jnp.radians(x)),
    "cotdg": lambda x: 1 / jnp.tan(jnp.radians(x)),
    "huber": lambda d, r: jnp.where(jnp.abs(r) <= d, r * r / 2, d * (jnp.abs(r) - d / 2)),
    "pseudo_huber": lambda d, r: d * d * (jnp.sqrt(1 + (r / d) ** 2) - 1),
    "psi": jax.scipy.special.digamma,
    "rgamma": lambda x: jax.scipy.special.gamma(1 - x) * jnp.sin(jnp.pi * x) / jnp.pi,
    "einsum": lambda *xs, subscripts: jnp.einsum(subscripts, *xs),
    "arccosh": lambda z: jnp.log(
        z + jnp.sqrt(z - 1) * jnp.sqrt(z + 1)
    ),  # JAX's is of the other sign on the left
    "concatenate": lambda *xs, axis: jnp.concatenate(xs, axis),
    "stack": lambda *xs, axis: jnp.stack(xs, axis),
    "astype": lambda x, dtype: jnp.astype(x, dtype),
}
"""Where the record and JAX's function differ in name or signature, or where JAX wants it written out."""

_ALONE = {
    "JAX has no gradients of such eigenvectors; they are in test_torch.py": "eig",
    "JAX has none; mpmath and differences must do": """
        airy hankel1 hankel1e hankel2 hankel2e iv ive jv jve k0 k0e k1 k1e kn kv kve y0 y1 yn yv yve j0 j1
        ellipe ellipk ellipkm1 erfcinv erfi lambertw ndtri_exp wrightomega shichi radian binom
        betaincc betaincinv betainccinv gammaincinv gammainccinv bessel_i spherical_bessel
        logm sinm cosm""",
    "the rest of scipy.special, of which JAX has none, either": """
        struve modstruve itstruve0 itmodstruve0 it2struve0 itj0y0 iti0k0 itairy it2j0y0 it2i0k0
        airye modfresnelp modfresnelm carlson elliprf elliprd elliprg elliprc elliprj
        mathieu_a_slope mathieu_a mathieu_b_slope mathieu_b pro_cv_slope pro_cv obl_cv_slope obl_cv
        pbdv pbvv pbwa mathieu_cem mathieu_sem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1
        mathieu_modsem2 pro_ang1 pro_ang1_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv obl_ang1
        obl_ang1_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv gamma_moment beta_moment chdtr chdtrc
        chdtri chdtriv gdtr gdtrc gdtria gdtrib gdtrix pdtr pdtrc pdtri pdtrik fdtr fdtrc fdtri
        fdtridfd stdtr stdtrit stdtridf bdtr bdtrc bdtri bdtrik bdtrin nbdtr nbdtrc nbdtri nbdtrik
        nbdtrin btdtria btdtrib nrdtrimn nrdtrisd agm hyp0f1 hyperu wright_bessel log_wright_bessel
        besselpoly ellipkinc ellipeinc ellipj ber bei ker kei berp beip kerp keip kelvin chndtr
        chndtrix chndtrinc ncfdtr ncfdtri ncfdtrinc nctdtr nctdtrit nctdtrinc eval_jacobi
        eval_legendre eval_sh_legendre eval_sh_jacobi eval_gegenbauer eval_chebyt eval_chebyu
        eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu eval_genlaguerre eval_laguerre
        eval_hermite eval_hermitenorm lpmv inv_boxcox inv_boxcox1p powm1 tklmbda voigt_profile
        kolmogorov kolmogi smirnov_slope smirnov smirnovi pbdv_seq pbvv_seq pbdn_seq riccati_jn
        riccati_yn lmbda lqn lqmn spherical_jn spherical_yn spherical_in spherical_kn sph_legendre_p
        assoc_legendre_p sph_harm_y""",
    "JAX's are wrong or refused on these samples": "hyp1f1 hyp2f1 boxcox boxcox1p",
    "JAX's gradient is NaN on these samples": "spence expn",
    "JAX has no gradient of it": "nextafter sqrtm solve_sylvester",
    "JAX may order what is left and right of the place otherwise": "partition",
}
ALONE = {name: why for why, names in _ALONE.items() for name in names.split()}


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def counterpart(record: Primitive) -> Callable[..., Any] | None:
    if record.name in THEIRS:
        return THEIRS[record.name]
    names = [f.__name__ for f, answer in numpy_table.items() if answer is record]
    for name in (*names, record.name):
        for place in PLACES:
            if hasattr(place, name):
                return getattr(place, name)
    return None


RECORDS = [r for r in vars(primitives).values() if r.differentiable and r.samples]
PAIRS = [
    pytest.param(record, sample, id=f"{record.name}-{i}")
    for record in RECORDS
    if record.name not in ALONE
    for i, sample in enumerate(samples_of(record)[:3])  # each compiles for a while
]


def test_every_record_has_a_counterpart_or_a_reason() -> None:
    missing = [r.name for r in RECORDS if r.name not in ALONE and counterpart(r) is None]
    assert missing == []


@pytest.mark.parametrize(("record", "sample"), PAIRS)
def test_record(record: Primitive, sample: Sample) -> None:
    theirs = counterpart(record)
    assert theirs
    case: Case = make_case(record, sample)
    rules = case.rules()
    places = [
        i
        for i, x in enumerate(case.inputs)
        if (is_real(x) or is_complex(x)) and rules[i] is not None
    ]

    def called(f: Callable[..., Any]) -> Callable[..., Any]:
        def on_floats(*xs: Any) -> Any:
            changed = dict(zip(places, xs, strict=True))
            out = f(*case.with_inputs(changed), **case.params)
            return tuple(out) if isinstance(out, tuple) or out.shape == Bundle.shape else (out,)

        return on_floats

    xs = [case.inputs[i] for i in places]
    outs, pullback = clearprop.vjp(called(record), *xs)
    try:
        expected, their_pullback = jax.vjp(called(theirs), *map(jnp.asarray, xs))
    except (TypeError, ValueError, NotImplementedError):
        if any(map(is_complex, xs)):
            pytest.skip("JAX takes real numbers alone here")
        raise
    rng = np.random.default_rng(9)
    gs = []
    for mine, other in zip(outs, expected, strict=True):
        assert np.shape(mine) == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-12)
        g = np.asarray(rng.standard_normal(np.shape(mine)), mine.dtype)
        gs.append((g + 1j * rng.standard_normal(g.shape)).astype(g.dtype) if is_complex(g) else g)
    downstream = pullback(tuple(g[()] for g in gs))
    # JAX's gradient of a complex number is the conjugate of ours
    their_downstream = their_pullback(tuple(jnp.asarray(np.conj(g)) for g in gs))
    for mine, other in zip(downstream, their_downstream, strict=True):
        np.testing.assert_allclose(mine, np.conj(other), rtol=1e-9, atol=1e-10)
