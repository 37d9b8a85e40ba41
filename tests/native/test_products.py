"""Generated matrix products against float64, in memory that ends where the arrays end."""

from __future__ import annotations

import ctypes
import itertools
import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from clearprop.native import machine
from clearprop.native.llvm_ir import Builder, Value, module
from clearprop.native.products import Index, Operand, product, workspace_size
from clearprop.native.types import I64

Finish = Callable[[Builder, Value, Index, Index, int, int], None]
PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)


class Fenced:
    """An array between two pages that nobody may touch: it ends (or starts) where one of them does."""

    def __init__(self, array: np.ndarray, *, at_start: bool = False, aligned: int = 1) -> None:
        size = max(array.nbytes, 1)
        pages = -(-size // PAGE)
        self._memory = mmap.mmap(-1, (pages + 2) * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        offset = PAGE + (0 if at_start else (pages * PAGE - size) // aligned * aligned)
        self.address = start + offset
        self.array = np.frombuffer(self._memory, array.dtype, array.size, offset)
        self.array = self.array.reshape(array.shape)
        self.array[...] = array
        for fence in (start, start + (pages + 1) * PAGE):
            if LIBC.mprotect(ctypes.c_void_p(fence), PAGE, 0):
                pytest.skip("memory cannot be protected here")


def strides(x: np.ndarray) -> tuple[int, int]:
    row, column = (s // x.itemsize for s in x.strides)
    return row, column


def store(b: Builder, sums: Value, i: Index, j: Index, lanes: int, n: int) -> None:
    size = sums.type.dtype.itemsize
    b.store(sums, b.offset("%c", (i, n), (j, 1), size=size), lanes)


def compiled(
    dtype: Any,
    sizes: tuple[int, int, int],
    left: tuple[int, int],
    right: tuple[int, int],
    finish: Finish = store,
    rows: int | None = None,
) -> tuple[Any, machine.Code, int]:
    """The product as a function of addresses: a, b, c, x (for the epilogue), workspace; first row."""
    b = Builder()
    m, k, n = sizes

    def epilogue(b: Builder, sums: Value, i: Index, j: Index, lanes: int) -> None:
        assert 0 < lanes <= sums.type.width
        finish(b, sums, i, j, lanes, n)

    part = None if rows is None else (Value(b, "%first", I64), rows)
    product(b, dtype, m, k, n, Operand("%a", *left), Operand("%b", *right), epilogue, "%w", part)
    b.do("ret void")
    arguments = "ptr %a, ptr %b, ptr %c, ptr %x, ptr %w, i64 %first"
    text = module([b.function("f", arguments)], [b], width=machine.vector_bits())
    code = machine.Code(machine.assemble(text, 1), ("f",))
    types = [ctypes.c_void_p] * 5 + [ctypes.c_int64]
    size = workspace_size(dtype, m if rows is None else rows, k, n, left, right)
    return ctypes.CFUNCTYPE(None, *types)(code.addresses["f"]), code, size


def run(
    a: np.ndarray,
    b: np.ndarray,
    finish: Finish = store,
    x: np.ndarray | None = None,
    result: np.ndarray | None = None,
    a_memory: np.ndarray | None = None,
    b_memory: np.ndarray | None = None,
) -> np.ndarray:
    """a @ b by generated code; the memories are the arrays that a and b are views of, from the start."""
    (m, k), n = a.shape, b.shape[1]
    function, code, size = compiled(a.dtype, (m, k, n), strides(a), strides(b), finish)
    assert size % 64 == 0
    places = []
    for view, memory in ((a, a_memory), (b, b_memory)):
        memory = view if memory is None else memory
        flat = np.ascontiguousarray(memory.T if strides(view)[0] == 1 else memory)
        places.append(Fenced(flat))
    out = Fenced(np.full((m, n), 7, a.dtype) if result is None else result)
    before = Fenced(out.array.copy(), at_start=True)  # the same again: nothing is written before it
    extra = Fenced(np.zeros(1, a.dtype) if x is None else x)
    scratch = Fenced(np.full(size, 255, np.uint8), aligned=64)  # NaN everywhere
    for place in (before, out):
        function(*(p.address for p in places), place.address, extra.address, scratch.address, 0)
    np.testing.assert_array_equal(before.array, out.array)
    del code
    return out.array.copy()


def random(rng: np.random.Generator, shape: tuple[int, int], dtype: str, turned: bool) -> Any:
    x = rng.standard_normal(shape[::-1] if turned else shape).astype(dtype)
    return x.T if turned else x


def assert_product(found: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    k = a.shape[1]
    assert (np.abs(found - exact) <= 4 * k * np.finfo(a.dtype).eps * bound).all()


SMALL = [
    *itertools.product((1, 7, 33), (1, 18), (1, 5, 37)),
    (70, 33, 65),
    (13, 70, 10),
    (6, 64, 3),
    (40, 65, 2),
    (3, 129, 40),
    (1, 200, 150),
    (150, 200, 1),
    (1, 1000, 1),
    (64, 8, 64),
]
LARGE = [(130, 300, 90), (301, 129, 67), (40, 2100, 70), (9, 4500, 300), (260, 1030, 260)]


@pytest.fixture(params=[512, 256, 128])
def bits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Vectors of this size, and shorter than this machine's."""
    if request.param > machine.vector_bits():
        pytest.skip("this machine has shorter vectors")
    monkeypatch.setattr(machine, "vector_bits", lambda: request.param)
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", list(itertools.product((False, True), repeat=2)))
def test_products_of_all_transpositions(dtype: str, turned: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(0)
    for m, k, n in SMALL + LARGE:
        a = random(rng, (m, k), dtype, turned[0])
        b = random(rng, (k, n), dtype, turned[1])
        assert_product(run(a, b), a, b)


def test_vectors_of_every_size(bits: int) -> None:
    rng = np.random.default_rng(bits)
    shapes = [(7, 18, 5), (33, 3, 37), (70, 33, 65), (3, 129, 40), (150, 90, 1), (40, 65, 2)]
    for (m, k, n), dtype in itertools.product(shapes, ("float32", "float64")):
        for left, right in itertools.product((False, True), repeat=2):
            a, b = random(rng, (m, k), dtype, left), random(rng, (k, n), dtype, right)
            assert_product(run(a, b), a, b)


@pytest.mark.parametrize("step", [(2, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("sizes", [(5, 9, 7), (70, 130, 90), (1, 40, 3), (33, 200, 2)])
def test_strided_factors(step: tuple[int, int], sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    rng = np.random.default_rng(1)
    rows, columns = step
    # The last element of the memory is the last one of the view.
    memory_a = rng.standard_normal((rows * (m - 1) + 1, columns * (k - 1) + 1)).astype("f4")
    memory_b = rng.standard_normal((rows * (k - 1) + 1, columns * (n - 1) + 1)).astype("f4")
    a, b = memory_a[::rows, ::columns], memory_b[::rows, ::columns]
    if 1 not in (m, n):
        assert_product(run(a, b, a_memory=memory_a, b_memory=memory_b), a, b)
    contiguous = np.ascontiguousarray(a)
    assert_product(run(contiguous, b, b_memory=memory_b), contiguous, b)


@pytest.mark.parametrize("sizes", [(5, 9, 7), (70, 130, 90), (33, 200, 2), (2, 100, 40)])
def test_factors_that_repeat_a_row_or_a_column(sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    rng = np.random.default_rng(2)
    full_a, full_b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    repeated = [
        (np.broadcast_to(full_a[:1], (m, k)), full_a[:1]),
        (np.broadcast_to(full_a[:, :1].copy(), (m, k)), full_a[:, :1].copy()),
        (np.broadcast_to(full_a[0, 0], (m, k)), full_a[:1, :1].copy()),
    ]
    for a, memory in repeated:
        assert_product(run(a, full_b, a_memory=memory), a, full_b)
    for x, memory in repeated:
        b = x.T
        a = np.ascontiguousarray(full_b.T)
        assert_product(run(a, b, b_memory=memory.T), a, b)


def test_rows_in_reverse() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((9, 20)), rng.standard_normal((20, 30))
    function, code, size = compiled("f8", (9, 20, 30), (-20, 1), (-30, -1))
    c, w = np.zeros((9, 30)), np.zeros(size + 64, "u1")
    last = b.ctypes.data + (b.size - 1) * 8
    place = w.ctypes.data + -w.ctypes.data % 64
    function(a[-1:].ctypes.data, last, c.ctypes.data, 0, place, 0)
    assert_product(c, a[::-1], b[::-1, ::-1])
    del code


def bias_and_relu(b: Builder, sums: Value, i: Index, j: Index, lanes: int, n: int) -> None:
    bias = b.load(sums.type, b.offset("%x", (j, 1), size=sums.type.dtype.itemsize), lanes)
    shifted = sums + bias
    store(b, b.select(b.compare("<", shifted, 0), 0, shifted), i, j, lanes, n)


def descent(b: Builder, sums: Value, i: Index, j: Index, lanes: int, n: int) -> None:
    place = b.offset("%c", (i, n), (j, 1), size=sums.type.dtype.itemsize)
    b.store(b.load(sums.type, place, lanes) - sums * 0.125, place, lanes)


SHAPES = [(32, 30, 64), (50, 7, 27), (19, 300, 2), (2, 300, 19), (12, 2500, 70), (40, 600, 9)]


@pytest.mark.parametrize("turned", list(itertools.product((False, True), repeat=2)))
@pytest.mark.parametrize("sizes", SHAPES)
def test_epilogues_see_each_sum_once(
    sizes: tuple[int, int, int], turned: tuple[bool, bool]
) -> None:
    m, k, n = sizes
    rng = np.random.default_rng(4)
    a = random(rng, (m, k), "float64", turned[0])
    b = random(rng, (k, n), "float64", turned[1])
    bias, start = rng.standard_normal(n), rng.standard_normal((m, n))
    close = {"rtol": 1e-10, "atol": 1e-10}
    found = run(a, b, bias_and_relu, x=bias)
    np.testing.assert_allclose(found, np.maximum(a @ b + bias, 0), **close)
    found = run(a, b, descent, result=start)
    np.testing.assert_allclose(found, start - 0.125 * (a @ b), **close)


@pytest.mark.parametrize("sizes", [(7, 20, 18), (40, 300, 2), (2, 300, 40), (30, 3, 5)])
def test_zeros_do_not_hide_nan_and_infinity(sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    for special in (np.nan, np.inf):
        a, b = np.zeros((m, k), "f4"), np.ones((k, n), "f4")
        b[k // 2, n - 1] = special
        found = run(a, b)
        assert np.isnan(found[:, -1]).all()
        assert (found[:, :-1] == 0).all()
        a[m - 1] = 1
        np.testing.assert_array_equal(run(a, b)[-1, -1], special)


def test_no_terms_give_zeros_and_no_rows_nothing() -> None:
    empty = np.zeros((5, 0), "f4"), np.zeros((0, 19), "f4")
    np.testing.assert_array_equal(run(*empty), np.zeros((5, 19)))
    for m, n in ((0, 4), (4, 0), (0, 0)):
        assert workspace_size("f4", m, 3, n, (3, 1), (n, 1)) == 0
        assert run(np.ones((m, 3), "f4"), np.ones((3, n), "f4")).shape == (m, n)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("sizes", [(40, 30, 21), (40, 300, 1), (40, 5, 100)])
def test_some_of_the_rows(sizes: tuple[int, int, int], turned: bool) -> None:
    m, k, n = sizes
    rng = np.random.default_rng(5)
    a, b = random(rng, (m, k), "float32", turned), random(rng, (k, n), "float32", False)
    function, code, size = compiled("f4", sizes, strides(a), strides(b), rows=13)
    c, w = np.full((14, n), 7, "f4"), np.zeros(size + 64, "u1")
    place = w.ctypes.data + -w.ctypes.data % 64
    function(a.ctypes.data, b.ctypes.data, c.ctypes.data, 0, place, 11)
    assert_product(c[:13], a[11:24], b)
    assert (c[13] == 7).all()
    del code


def test_nothing_is_packed_for_small_products() -> None:
    assert workspace_size("f4", 32, 30, 64, (30, 1), (64, 1)) == 0
    assert workspace_size("f4", 32, 30, 64, (30, 1), (1, 30)) > 0
