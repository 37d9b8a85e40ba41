"""Fourier transforms: NumPy's values and dtypes for every way of calling, central differences, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.array_expressions import expression
from clearprop.errors import DtypeError, ShapeError
from tests.calls import Shapes, check_call, draw

F = np.fft
NORMS = ("backward", "ortho", "forward")
SINGLE = (F.fft, F.ifft, F.rfft, F.irfft, F.hfft, F.ihfft)
SEVERAL = (F.fftn, F.ifftn, F.rfftn, F.irfftn, F.fft2, F.ifft2, F.rfft2, F.irfft2)
REAL_ONLY = {"rfft", "ihfft", "rfftn", "rfft2"}


def kinds_for(f: Callable[..., Any]) -> str:
    return "r" if f.__name__ in REAL_ONLY else "rc"


CASES: dict[str, tuple[Callable[..., Any], Shapes, str]] = {}
for _f in SINGLE:
    for _kind in kinds_for(_f):
        for _norm in NORMS:
            for _size in (4, 5):
                CASES[f"{_f.__name__} {_kind} {_norm} of {_size}"] = (
                    lambda x, f=_f, norm=_norm: f(x, norm=norm),
                    ((2, _size),),
                    _kind,
                )
        for _n in (1, 2, 3, 6, 7):
            CASES[f"{_f.__name__} {_kind} to {_n}"] = (
                lambda x, f=_f, n=_n: f(x, n, 0, "ortho"),
                ((4, 2),),
                _kind,
            )
for _f in SEVERAL:
    for _kind in kinds_for(_f):
        CASES |= {
            f"{_f.__name__} {_kind}": (lambda x, f=_f: f(x), ((2, 3, 4),), _kind),
            f"{_f.__name__} {_kind} ortho": (
                lambda x, f=_f: f(x, axes=(0, -1), norm="ortho"),
                ((2, 3, 4),),
                _kind,
            ),
            f"{_f.__name__} {_kind} resized": (
                lambda x, f=_f: f(x, (2, 5), (2, 0), "forward"),
                ((3, 1, 4),),
                _kind,
            ),
            f"{_f.__name__} {_kind} partly": (
                lambda x, f=_f: f(x, (-1, 3), (0, 1)),
                ((3, 4),),
                _kind,
            ),
            f"{_f.__name__} {_kind} of one axis": (
                lambda x, f=_f: f(x, axes=(1,)),
                ((3, 4),),
                _kind,
            ),
        }
for _kind in "rc":
    CASES |= {
        f"fftn twice along an axis {_kind}": (lambda x: F.fftn(x, axes=(0, 0)), ((3, 2),), _kind),
        f"fftn resized along one axis twice {_kind}": (
            lambda x: F.fftn(x, (2, 4), (0, 0)),
            ((3, 2),),
            _kind,
        ),
        f"fftshift {_kind}": (F.fftshift, ((3, 4),), _kind),
        f"ifftshift {_kind}": (F.ifftshift, ((3, 4),), _kind),
        f"fftshift of one axis {_kind}": (lambda x: F.fftshift(x, 0), ((3, 4),), _kind),
        f"ifftshift of axes {_kind}": (lambda x: F.ifftshift(x, axes=(0, -1)), ((1, 5),), _kind),
        f"there and back {_kind}": (lambda x: F.ifft(F.fft(x)), ((5,),), _kind),
        f"a filter {_kind}": (
            lambda x, h: F.ifft(F.fft(x) * F.fft(h, x.shape[-1])),
            ((2, 6), (3,)),
            _kind,
        ),
    }


@pytest.mark.parametrize("name", CASES)
def test_as_in_numpy(name: str) -> None:
    f, shapes, kinds = CASES[name]
    check_call(f, draw(shapes, kinds))


def test_frequencies_are_plain_arrays() -> None:
    x = clearprop.tensor([1.0, 2.0, 3.0, 4.0])
    spectrum = np.fft.rfft(x) * np.fft.rfftfreq(x.size)
    np.abs(spectrum[1]).backward()
    assert x.grad.shape == (4,)


def test_power_of_all_frequencies_is_power_of_the_entries() -> None:
    """Parseval: with norm="ortho" the sums of squares agree, so the gradient is 2 x."""
    x = np.array([1.0, -2.0, 0.5])
    g = clearprop.grad(lambda x: np.sum(np.abs(np.fft.fft(x, norm="ortho")) ** 2))(x)
    np.testing.assert_allclose(g, 2 * x, 1e-14)


def test_convolution_theorem() -> None:
    x, h = np.arange(6.0), np.array([1.0, -1.0, 2.0])

    def by_transforms(x: Any, h: Any) -> Any:
        return np.sum(np.fft.irfft(np.fft.rfft(x, 8) * np.fft.rfft(h, 8), 8) ** 3)

    one = clearprop.grad(by_transforms, (0, 1))(x, h)
    other = clearprop.grad(lambda x, h: np.sum(np.convolve(x, h) ** 3), (0, 1))(x, h)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, 1e-11, 1e-9)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float16", "complex64"), ("float32", "complex64"), ("int64", "complex128")],
)
def test_dtypes(dtype: str, expected: str) -> None:
    x = clearprop.tensor(np.arange(4).astype(dtype))
    for f in (np.fft.fft, np.fft.rfft):
        assert f(x).dtype == expected == f(x.value).dtype
    out = np.fft.irfft(x)
    assert out.dtype == np.fft.irfft(x.value).dtype
    if x.requires_grad:
        np.fft.rfft(x).backward(np.ones(3))
        assert x.grad.dtype == dtype


def test_written_as_people_write() -> None:
    x = np.ones((2, 4))
    for f, text in (
        (lambda x: np.fft.fft(x + 1), "fft(x + 1)"),
        (lambda x: np.fft.ifft(x, axis=0), "ifft(x, axis=-2)"),
        (lambda x: np.fft.fft2(x, norm="ortho"), "fft2(x, norm='ortho')"),
        (lambda x: np.fft.fftn(x, axes=(1, 0)), "fftn(x, axes=(-1, -2))"),
        (lambda x: np.fft.rfft(x), "rfft(x)"),
        (lambda x: np.fft.irfft(x, axis=0), "irfft(x, n=2, axis=-2)"),
    ):
        graph = clearprop.trace(f, x)
        assert expression(graph, graph.outputs[0]) == text


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.fft.fft(x, axis=2), "out of range"),
        (lambda x: np.fft.fft(x, 0), "at least one number is needed along axis -1"),
        (lambda x: np.fft.fft(x[:, :0]), "at least one number"),
        (lambda x: np.fft.irfft(x[:, :1]), "at least one number"),
        (lambda x: np.fft.fft(x[0, 0]), "a number has no axis"),
        (lambda x: np.fft.fftn(x, (2,), (0, 1)), "1 sizes for 2 axes"),
    ],
)
def test_messages(f: Callable[..., Any], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        f(clearprop.tensor(np.ones((2, 4))))


def test_complex_numbers_for_a_real_transform() -> None:
    z = clearprop.tensor([1 + 1j])
    with pytest.raises(DtypeError, match=r"use np\.fft\.fft, or take the \.real part"):
        np.fft.rfft(z)


def test_unknown_norm() -> None:
    x = clearprop.tensor([1.0, 2.0])
    for f in (np.fft.fft, np.fft.hfft, np.fft.rfftn):
        with pytest.raises(ValueError, match="'backward', 'ortho' or 'forward', not 'best'"):
            f(x, norm="best")  # type: ignore[operator]
