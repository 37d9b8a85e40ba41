"""Functions of scipy.special of whole degrees and orders: on spheres, and all degrees at once.

They take what SciPy's take, but for `diff_n`, as derivatives are what `clearprop.grad` is for.
"""

from __future__ import annotations

import numpy as np
from scipy import special as sp

from ..engine.array_types import AnyArray, Array, ArrayLike
from ..engine.broadcasting import broadcast_shapes
from ..engine.tensor import Tensor
from ..engine.tensor_parameters import plain_parameters
from ..errors import UnsupportedError
from .primitives import spherical as records
from .primitives.all_degrees import sequences

__all__ = [
    "assoc_legendre_p",
    "assoc_legendre_p_all",
    "legendre_p",
    "legendre_p_all",
    "lmbda",
    "lqmn",
    "lqn",
    "obl_cv_seq",
    "pbdn_seq",
    "pbdv_seq",
    "pbvv_seq",
    "pro_cv_seq",
    "riccati_jn",
    "riccati_yn",
    "sph_harm_y",
    "sph_harm_y_all",
    "sph_legendre_p",
    "sph_legendre_p_all",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
]


# ---- spherical Bessel functions


def _spherical(name: str, n: ArrayLike, z: ArrayLike, derivative: bool) -> Array:
    if not isinstance(z, Tensor):
        return getattr(sp, name)(n, z, derivative)
    f, signs = records.spherical[name], records.BESSEL[name]
    n = np.asarray(n)[()]
    if not derivative:
        return f(n, z)
    slope = records.spherical_slope(f, *signs, n, z)
    dtype = f.spec(n, z).dtype
    return slope if slope.dtype == dtype else slope.astype(dtype)


@plain_parameters
def spherical_jn(n: ArrayLike, z: ArrayLike, derivative: bool = False) -> AnyArray:
    """Compute `scipy.special.spherical_jn`, of degrees `n` (ints) and `z` floating, in shapes that broadcast.

    >>> import clearprop
    >>> z = clearprop.tensor(2.0)
    >>> spherical_jn(0, z).backward()
    >>> print(np.isclose(z.grad, -sp.spherical_jn(1, 2.0)))
    True
    """
    return _spherical("spherical_jn", n, z, derivative)


@plain_parameters
def spherical_yn(n: ArrayLike, z: ArrayLike, derivative: bool = False) -> AnyArray:
    """Compute `scipy.special.spherical_yn`, of degrees `n` (ints) and `z` floating, in shapes that broadcast.

    >>> import clearprop
    >>> print(np.isclose(clearprop.grad(lambda z: spherical_yn(0, z))(2.0), -sp.spherical_yn(1, 2.0)))
    True
    """
    return _spherical("spherical_yn", n, z, derivative)


@plain_parameters
def spherical_in(n: ArrayLike, z: ArrayLike, derivative: bool = False) -> AnyArray:
    """Compute `scipy.special.spherical_in`, of degrees `n` (ints) and `z` floating, in shapes that broadcast.

    >>> import clearprop
    >>> print(np.isclose(clearprop.grad(lambda z: spherical_in(0, z))(2.0), sp.spherical_in(1, 2.0)))
    True
    """
    return _spherical("spherical_in", n, z, derivative)


@plain_parameters
def spherical_kn(n: ArrayLike, z: ArrayLike, derivative: bool = False) -> AnyArray:
    """Compute `scipy.special.spherical_kn`, of degrees `n` (ints) and `z` floating, in shapes that broadcast.

    >>> import clearprop
    >>> print(np.isclose(clearprop.grad(lambda z: spherical_kn(0, z))(2.0), -sp.spherical_kn(1, 2.0)))
    True
    """
    return _spherical("spherical_kn", n, z, derivative)


# ---- Legendre functions and spherical harmonics


def _no_derivatives(name: str, diff_n: int) -> None:
    if diff_n:
        raise UnsupportedError(
            f"{name} of a tensor takes no diff_n={diff_n}: leave it out, and take derivatives "
            f"with clearprop.grad"
        )


def _grid(n: int, m: int, *xs: ArrayLike) -> tuple[Array, Array]:
    """Return all degrees up to n, and orders as SciPy has them: 0, 1, ..., m, -m, ..., -1."""
    ones = (1,) * len(broadcast_shapes(*(np.shape(x) for x in xs)))
    orders = np.concatenate([np.arange(m + 1), np.arange(-m, 0)])
    return np.arange(n + 1).reshape((-1, 1, *ones)), orders.reshape((-1, *ones))


@plain_parameters
def legendre_p(n: ArrayLike, z: ArrayLike, *, diff_n: int = 0) -> AnyArray:
    """Compute `scipy.special.legendre_p`: Legendre polynomials of degrees `n` (ints), with a first
    axis of one.

    >>> import clearprop
    >>> print(clearprop.grad(lambda z: legendre_p(2, z)[0])(0.5))  # (3 z² - 1) / 2
    1.5
    """
    if not isinstance(z, Tensor):
        return sp.legendre_p(n, z, diff_n=diff_n)
    _no_derivatives("legendre_p", diff_n)
    return sp.eval_legendre(np.asarray(n)[()], z)[None]


@plain_parameters
def legendre_p_all(n: int, z: ArrayLike, *, diff_n: int = 0) -> AnyArray:
    """Compute `scipy.special.legendre_p_all`: Legendre polynomials of all degrees up to `n`, ``(1, n +
    1, ...)``.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda z: legendre_p_all(2, z)[0])(0.5))
    [0.  1.  1.5]
    """
    if not isinstance(z, Tensor):
        return sp.legendre_p_all(n, z, diff_n=diff_n)
    result = legendre_p(np.arange(n + 1).reshape((-1,) + (1,) * z.ndim), z, diff_n=diff_n)
    return result.astype(z.dtype)


@plain_parameters
def assoc_legendre_p(
    n: ArrayLike,
    m: ArrayLike,
    z: ArrayLike,
    *,
    branch_cut: int = 2,
    norm: bool = False,
    diff_n: int = 0,
) -> AnyArray:
    """Compute `scipy.special.assoc_legendre_p` of degrees `n` and orders `m` (ints), with a first axis
    of one.

    >>> import clearprop
    >>> print(clearprop.grad(lambda z: assoc_legendre_p(2, 2, z)[0])(0.5))  # 3 (1 - z²)
    -3.0
    """
    if not isinstance(z, Tensor):
        return sp.assoc_legendre_p(n, m, z, branch_cut=branch_cut, norm=norm, diff_n=diff_n)
    _no_derivatives("assoc_legendre_p", diff_n)
    n, m = np.asarray(n)[()], np.asarray(m)[()]
    return records.assoc_legendre_p(n, m, z, branch_cut=branch_cut, norm=norm)[None]


@plain_parameters
def assoc_legendre_p_all(
    n: int, m: int, z: ArrayLike, *, branch_cut: int = 2, norm: bool = False, diff_n: int = 0
) -> AnyArray:
    """Compute `scipy.special.assoc_legendre_p_all`: all degrees and orders up to these, ``(1, n + 1, 2
    m + 1, ...)``.

    >>> import clearprop
    >>> print(assoc_legendre_p_all(1, 1, clearprop.tensor(0.0)).shape)
    (1, 2, 3)
    """
    if not isinstance(z, Tensor):
        return sp.assoc_legendre_p_all(n, m, z, branch_cut=branch_cut, norm=norm, diff_n=diff_n)
    degrees, orders = _grid(n, m, z)
    return assoc_legendre_p(degrees, orders, z, branch_cut=branch_cut, norm=norm, diff_n=diff_n)


@plain_parameters
def sph_legendre_p(n: ArrayLike, m: ArrayLike, theta: ArrayLike, *, diff_n: int = 0) -> AnyArray:
    """Compute `scipy.special.sph_legendre_p` of degrees `n` and orders `m` (ints), with a first axis of one.

    >>> import clearprop
    >>> g = clearprop.grad(lambda t: sph_legendre_p(1, 0, t)[0])(0.5)
    >>> print(np.isclose(g, -np.sqrt(3 / (4 * np.pi)) * np.sin(0.5)))
    True
    """
    if not isinstance(theta, Tensor):
        return sp.sph_legendre_p(n, m, theta, diff_n=diff_n)
    _no_derivatives("sph_legendre_p", diff_n)
    return records.sph_legendre_p(np.asarray(n)[()], np.asarray(m)[()], theta)[None]


@plain_parameters
def sph_legendre_p_all(n: int, m: int, theta: ArrayLike, *, diff_n: int = 0) -> AnyArray:
    """Compute `scipy.special.sph_legendre_p_all`: all degrees and orders up to these, ``(1, n + 1, 2 m
    + 1, ...)``.

    >>> import clearprop
    >>> print(sph_legendre_p_all(1, 1, clearprop.tensor(0.0)).shape)
    (1, 2, 3)
    """
    if not isinstance(theta, Tensor):
        return sp.sph_legendre_p_all(n, m, theta, diff_n=diff_n)
    return sph_legendre_p(*_grid(n, m, theta), theta, diff_n=diff_n).astype(theta.dtype)


@plain_parameters
def sph_harm_y(
    n: ArrayLike, m: ArrayLike, theta: ArrayLike, phi: ArrayLike, *, diff_n: int = 0
) -> AnyArray:
    """Compute `scipy.special.sph_harm_y`: spherical harmonics of degrees `n` and orders `m` (ints), complex.

    >>> import clearprop
    >>> phi = clearprop.tensor(0.5)
    >>> sph_harm_y(2, 1, 0.3, phi).real.backward()
    >>> print(np.isclose(phi.grad, -sp.sph_harm_y(2, 1, 0.3, 0.5).imag))
    True
    """
    if not isinstance(theta, Tensor) and not isinstance(phi, Tensor):
        return sp.sph_harm_y(n, m, theta, phi, diff_n=diff_n)
    _no_derivatives("sph_harm_y", diff_n)
    return records.sph_harm_y(np.asarray(n)[()], np.asarray(m)[()], theta, phi)


@plain_parameters
def sph_harm_y_all(
    n: int, m: int, theta: ArrayLike, phi: ArrayLike, *, diff_n: int = 0
) -> AnyArray:
    """Compute `scipy.special.sph_harm_y_all`: all degrees and orders up to these, ``(n + 1, 2 m + 1, ...)``.

    >>> import clearprop
    >>> print(sph_harm_y_all(1, 1, clearprop.tensor(0.1), 0.2).shape)
    (2, 3)
    """
    if not isinstance(theta, Tensor) and not isinstance(phi, Tensor):
        return sp.sph_harm_y_all(n, m, theta, phi, diff_n=diff_n)
    return sph_harm_y(*_grid(n, m, theta, phi), theta, phi, diff_n=diff_n)


# ---- all degrees up to one, with their slopes


def _sequence(name: str, x: ArrayLike, *params: float) -> tuple[AnyArray, AnyArray]:
    """Return the highest degree is the last of `params`; functions and slopes, as in SciPy."""
    if not isinstance(x, Tensor):
        return getattr(sp, name)(*params, x)
    if params[-1] < 1:
        raise UnsupportedError(f"{name} of a tensor starts at degree 1, but this is {params[-1]}")
    y, slope = sequences[name](x, params=params)
    return y, slope


@plain_parameters
def pbdv_seq(v: float, x: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.pbdv_seq`: parabolic cylinder functions D of all orders up to `v`, and
    their slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda x: pbdv_seq(1, x)[0])(0.5) == sp.pbdv_seq(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("pbdv_seq", x, v)


@plain_parameters
def pbvv_seq(v: float, x: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.pbvv_seq`: parabolic cylinder functions V of all orders up to `v`, and
    their slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda x: pbvv_seq(1, x)[0])(0.5) == sp.pbvv_seq(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("pbvv_seq", x, v)


@plain_parameters
def pbdn_seq(n: int, z: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.pbdn_seq`: parabolic cylinder functions D of all degrees up to `n`, and
    their slopes.

    >>> import clearprop
    >>> z = clearprop.tensor(0.5)
    >>> pbdn_seq(1, z)[0][1].real.backward()
    >>> print(z.grad == sp.pbdn_seq(1, 0.5)[1][1].real)
    True
    """
    return _sequence("pbdn_seq", z, n)


@plain_parameters
def riccati_jn(n: int, x: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.riccati_jn`: Riccati-Bessel functions of all degrees up to `n`, and their
    slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda x: riccati_jn(1, x)[0])(0.5) == sp.riccati_jn(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("riccati_jn", x, n)


@plain_parameters
def riccati_yn(n: int, x: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.riccati_yn`: Riccati-Bessel functions of all degrees up to `n`, and their
    slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda x: riccati_yn(1, x)[0])(0.5) == sp.riccati_yn(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("riccati_yn", x, n)


@plain_parameters
def lmbda(v: float, x: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.lmbda`: Jahnke and Emden's functions of all orders up to `v`, and their slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda x: lmbda(1, x)[0])(0.5) == sp.lmbda(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("lmbda", x, v)


@plain_parameters
def lqn(n: int, z: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.lqn`: Legendre functions Q of all degrees up to `n`, and their slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda z: lqn(1, z)[0])(0.5) == sp.lqn(1, 0.5)[1])
    [ True  True]
    """
    return _sequence("lqn", z, n)


@plain_parameters
def lqmn(m: int, n: int, z: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Compute `scipy.special.lqmn`: associated Legendre functions Q of orders to `m`, degrees to `n`,
    and slopes.

    >>> import clearprop
    >>> print(clearprop.jacobian(lambda z: lqmn(1, 1, z)[0])(0.5) == sp.lqmn(1, 1, 0.5)[1])
    [[ True  True]
     [ True  True]]
    """
    return _sequence("lqmn", z, m, n)


@plain_parameters
def pro_cv_seq(m: int, n: int, c: ArrayLike) -> AnyArray:
    """Compute `scipy.special.pro_cv_seq`: prolate characteristic values of all degrees from `m` to `n`.

    >>> import clearprop
    >>> print(pro_cv_seq(0, 2, clearprop.tensor(1.0)).shape)
    (3,)
    """
    return sp.pro_cv(m, np.arange(m, n + 1), c) if isinstance(c, Tensor) else sp.pro_cv_seq(m, n, c)


@plain_parameters
def obl_cv_seq(m: int, n: int, c: ArrayLike) -> AnyArray:
    """Compute `scipy.special.obl_cv_seq`: oblate characteristic values of all degrees from `m` to `n`.

    >>> import clearprop
    >>> print(obl_cv_seq(0, 2, clearprop.tensor(1.0)).shape)
    (3,)
    """
    return sp.obl_cv(m, np.arange(m, n + 1), c) if isinstance(c, Tensor) else sp.obl_cv_seq(m, n, c)
