from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from clearprop.native.calls import (
    Argument,
    Entry,
    Result,
    Signature,
    kernel_caller,
    native_callable,
    write_entry,
)
from clearprop.native.calls.object_layout import probe
from clearprop.native.calls.results import STACK_BYTES
from clearprop.native.llvm_ir import F32, F64, I64, Builder, Type, module
from clearprop.native.machine import Code, assemble, vector_bits

Write = Callable[[Builder, list[str]], str | None]


class Fallback:
    """Remembers what it was called with."""

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *arguments: Any, **keywords: Any) -> str:
        self.seen.append((arguments, keywords))
        return "fallback"


def nothing(_b: Builder, _pointers: list[str]) -> None:
    pass


def object_code(signature: Signature, write: Write) -> tuple[bytes, Entry]:
    """What a kernel returns is what `write` does, or 0."""
    b = Builder()
    count = len(signature.arguments) + len(signature.results) + 1
    pointers = [b.pointer(f"load ptr, ptr {b.offset('%table', (8 * i, 1))}") for i in range(count)]
    b.do(f"ret i32 {write(b, pointers) or 0}")
    kernel = b.function("kernel", "ptr %table", returns="i32")
    entry = write_entry(signature)
    return assemble(module([kernel, entry.text], [b], width=vector_bits())), entry


def compiled(signature: Signature, write: Write = nothing) -> tuple[Code, Entry]:
    code, entry = object_code(signature, write)
    return Code(code, entry.symbols), entry


Make = Callable[..., Any]


@pytest.fixture(params=["generated", "ctypes"])
def make(request: pytest.FixtureRequest) -> Make:
    """Make a callable, either way."""

    def make(signature: Signature, write: Write = nothing, fallback: Any = None) -> Any:
        code, entry = compiled(signature, write)
        if fallback is None:
            fallback = Fallback()
        if request.param == "ctypes":
            return kernel_caller(code, signature, fallback, "double")
        return native_callable(code, entry, fallback, "double")

    return make


def doubling(count: int, type: Type = F32) -> Write:
    """Each output is twice the input of the same place."""

    def write(b: Builder, pointers: list[str]) -> None:
        half = len(pointers) // 2
        for source, target in zip(pointers[:half], pointers[half:-1], strict=True):
            with b.loop(0, count) as loop:
                x = b.load(type, b.offset(source, (loop.index, 1), size=type.dtype.itemsize))
                place = b.offset(target, (loop.index, 1), size=type.dtype.itemsize)
                b.store(x + x, place)

    return write


SHAPE = (3, 4)
ONE = Signature((Argument("f4", SHAPE),), (Result("f4", SHAPE),))
DONATED = Signature((Argument("f4", SHAPE, donated=True),), (Result("f4", SHAPE, donor=0),))


def numbers(shape: tuple[int, ...] = SHAPE, dtype: Any = "f4") -> Any:
    return np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)


def test_this_build_is_known():
    assert probe() is not None


class TestResults:
    def test_one_stands_alone(self, make: Make):
        x = numbers()
        y = make(ONE, doubling(12))(x)
        np.testing.assert_array_equal(y, 2 * x)
        assert (type(y), y.dtype, y.shape) == (np.ndarray, x.dtype, SHAPE)
        assert y.flags.owndata
        assert y.flags.writeable
        assert y.flags.c_contiguous

    def test_several_are_a_tuple(self, make: Make):
        signature = Signature((Argument("f4", SHAPE),) * 2, (Result("f4", SHAPE),) * 2)
        given = numbers(), numbers() + 1
        got = make(signature, doubling(12))(*given)
        assert type(got) is tuple
        for x, y in zip(given, got, strict=True):
            np.testing.assert_array_equal(y, 2 * x)

    def test_none_is_none(self, make: Make):
        assert make(Signature((Argument("f4", SHAPE),), ()))(numbers()) is None

    def test_no_dimensions_is_a_scalar(self, make: Make):
        got = make(Signature((Argument("f8", ()),), (Result("f8", ()),)), doubling(1, F64))(1.5)
        assert type(got) is np.float64
        assert got == 3

    @pytest.mark.parametrize("shape", [(0,), (3, 0), (1,), (2, 3, 4, 5, 6)])
    def test_shapes(self, make: Make, shape: tuple[int, ...]):
        signature = Signature((Argument("i8", shape),), (Result("i8", shape),))
        x = numbers(shape, "i8")
        y = make(signature, doubling(x.size, I64) if x.size else nothing)(x)
        np.testing.assert_array_equal(y, 2 * x)

    @pytest.mark.parametrize("dtype", list("?bBhHiIlLqQefdFD"))
    def test_every_dtype_comes_and_goes(self, make: Make, dtype: str):
        size = np.dtype(dtype).itemsize

        def copy(b: Builder, pointers: list[str]) -> None:
            raw = Type(np.dtype("u1"), size)
            b.store(b.load(raw, pointers[0]), pointers[2])
            b.store(b.load(raw, pointers[1]), pointers[3])

        shapes = (1,), ()
        function = make(
            Signature(
                tuple(Argument(dtype, s) for s in shapes), tuple(Result(dtype, s) for s in shapes)
            ),
            copy,
        )
        x = np.array([1], dtype)
        array, scalar = function(x, x[0])
        assert array.dtype == x.dtype
        assert array == x
        assert type(scalar) is type(x[0])
        assert scalar == x[0]

    def test_donated_array_is_handed_back(self, make: Make):
        x = numbers()
        y = make(DONATED, doubling(12))(x)
        assert y is x
        np.testing.assert_array_equal(y, 2 * numbers())

    def test_stored_array_has_the_same_dtype(self, make: Make):
        x = pickle.loads(pickle.dumps(numbers()))
        assert x.dtype is not numbers().dtype
        np.testing.assert_array_equal(make(ONE, doubling(12))(x), 2 * x)

    def test_each_call_makes_its_own(self, make: Make):
        function, x = make(ONE, doubling(12)), numbers()
        first, second = function(x), function(x)
        assert not np.shares_memory(first, second)

    @pytest.mark.parametrize("size", [8, STACK_BYTES, STACK_BYTES + 8, 1 << 20])
    def test_arena_is_aligned_and_as_large_as_said(self, make: Make, size: int):
        def write(b: Builder, pointers: list[str]) -> None:
            b.store(b.constant(I64, -1), b.offset(pointers[1], (size - 8, 1)))
            b.store(b.constant(I64, 0), pointers[1])
            address = b.value(I64, f"ptrtoint ptr {pointers[1]} to i64")
            b.store(address & 63, pointers[0])

        function = make(Signature((), (Result("i8", ()),), arena_bytes=size), write)
        assert [function() for _ in range(3)] == [0, 0, 0]


class TestScalars:
    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    @pytest.mark.parametrize(
        "x",
        [
            *(2.1, 1e300, 3, True, False),
            *(np.float32(2.1), np.float64(2.1), np.array(2.1), np.array(2.1, "f4")),
        ],
    )
    def test_floats(self, make: Make, dtype: str, x: Any):
        fallback = Fallback()
        signature = Signature((Argument(dtype, ()),), (Result(dtype, ()),))
        got = make(signature, doubling(1, Type(np.dtype(dtype))), fallback)(x)
        if type(x) is not float and getattr(x, "dtype", None) != dtype:
            assert got == "fallback"
        else:
            with np.errstate(over="ignore"):
                assert got == 2 * np.asarray(x).astype(dtype)
            assert got.dtype == dtype

    @pytest.mark.parametrize("dtype", ["i4", "i8"])
    @pytest.mark.parametrize("x", [-3, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**80, True, 1.0])
    def test_whole_numbers_of_python_are_others(self, make: Make, dtype: str, x: Any):
        def copy(b: Builder, pointers: list[str]) -> None:
            b.store(b.load(Type(np.dtype(dtype)), pointers[0]), pointers[1])

        got = make(Signature((Argument(dtype, ()),), (Result(dtype, ()),)), copy)(x)
        assert got == "fallback"

    def test_floats_may_be_refused(self, make: Make):
        function = make(Signature((Argument("f4", (), takes_floats=False),), ()))
        assert function(1.0) == "fallback"
        assert function(np.float32(1)) is None

    def test_other_numbers_go_to_the_fallback(self, make: Make):
        function = make(Signature((Argument("f4", ()),), ()))
        others = (np.True_, 1j, "1", None, np.int32(1), np.float16(1), np.ones(1, "f4"), [1.0])
        for x in others:
            assert function(x) == "fallback"
        assert make(Signature((Argument("f4", (), donated=True),), (Result("f4", (), 0),)))(1.0)

    def test_scalar_is_no_array_of_one(self, make: Make):
        assert make(Signature((Argument("f4", (1,)),), ()))(1.0) == "fallback"


class Subclass(np.ndarray):
    pass


class Text(str):
    pass


def unaligned() -> Any:
    return np.zeros(49, "u1")[1:].view("f4").reshape(SHAPE)


MISFITS = {
    "not an array": lambda: 1.0,
    "nothing": lambda: None,
    "a list": lambda: [[0.0] * 4] * 3,
    "a subclass": lambda: numbers().view(Subclass),
    "dtype": lambda: numbers(dtype="f8"),
    "same size, other kind": lambda: numbers(dtype="i4"),
    "byte order": lambda: numbers(dtype=">f4"),
    "fewer dimensions": lambda: numbers((12,)),
    "more dimensions": lambda: numbers((1, 3, 4)),
    "no dimensions": lambda: np.array(1, "f4"),
    "first size": lambda: numbers((4, 4)),
    "last size": lambda: numbers((3, 5)),
    "transposed": lambda: numbers((4, 3)).T,
    "order": lambda: np.asfortranarray(numbers()),
    "strided": lambda: numbers((3, 8))[:, ::2],
    "reversed": lambda: numbers()[::-1],
    "broadcast": lambda: np.broadcast_to(np.float32(1), SHAPE),
    "unaligned": unaligned,
}


class TestFallback:
    @pytest.mark.parametrize("place", [0, 1])
    @pytest.mark.parametrize("misfit", MISFITS)
    def test_misfit(self, make: Make, misfit: str, place: int):
        fallback = Fallback()
        signature = Signature((Argument("f4", SHAPE),) * 2, (Result("f4", SHAPE),) * 2)
        function = make(signature, doubling(12), fallback)
        given = [numbers(), numbers()]
        given[place] = MISFITS[misfit]()
        arrays = [x for x in given if isinstance(x, np.ndarray)]
        counts = [sys.getrefcount(x) for x in arrays]
        assert function(*given) == "fallback"
        [(arguments, keywords)] = fallback.seen
        assert all(a is b for a, b in zip(arguments, given, strict=True))
        assert not keywords
        del arguments
        fallback.seen.clear()
        assert [sys.getrefcount(x) for x in arrays] == counts

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_number_of_arguments(self, make: Make, count: int):
        fallback = Fallback()
        function = make(Signature((Argument("f4", SHAPE),) * 2, ()), fallback=fallback)
        assert function(*[numbers()] * count) == "fallback"
        assert len(fallback.seen[0][0]) == count

    def test_keywords_are_passed_on(self, make: Make):
        fallback = Fallback()
        function, x, y = make(ONE, doubling(12), fallback), numbers(), numbers()
        assert function(x, scale=y) == function(x=x) == "fallback"
        assert fallback.seen[0][0][0] is x
        assert fallback.seen[0][1] == {"scale": y}
        assert fallback.seen[1][1]["x"] is x

    def test_exception_is_passed_on(self, make: Make):
        def refuse(x: Any) -> None:
            raise LookupError(f"no code for {x}")

        with pytest.raises(LookupError, match="no code for 1"):
            make(ONE, doubling(12), refuse)(1)

    @pytest.mark.parametrize("release_gil", [False, True])
    @pytest.mark.parametrize("results", [0, 1, 3])
    def test_kernel_that_stops(self, make: Make, results: int, release_gil: bool):
        """The fallback gets what was given, and nothing that was made is left."""

        def stop_if_first_is_negative(b: Builder, pointers: list[str]) -> str:
            negative = b.compare("<", b.load(F32, pointers[0]), 0)
            return b.value(Type(np.dtype("i4")), f"zext i1 {negative.ref} to i32").ref

        signature = Signature(
            (Argument("f4", SHAPE),),
            (Result("f4", (1000,)),) * results,
            arena_bytes=1 << 16,
            release_gil=release_gil,
            may_stop=True,
            inputs=(("list", (("leaf", 0),)),),
        )
        fallback = Fallback()
        function = make(signature, stop_if_first_is_negative, fallback)
        given = [numbers() - 1]
        array = given[0]
        assert function([numbers()]) is None or results
        assert function(given) == "fallback"
        assert fallback.seen[0][0][0] is given
        fallback.seen.clear()
        counts = sys.getrefcount(given), sys.getrefcount(array)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            assert function(given) == "fallback"
            fallback.seen.clear()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (sys.getrefcount(given), sys.getrefcount(array)) == counts
        assert after - before < 10_000

    def test_read_only_is_enough_unless_donated(self, make: Make):
        x = numbers()
        x.flags.writeable = False
        assert make(ONE, doubling(12))(x) is not None
        assert make(DONATED, doubling(12))(x) == "fallback"
        np.testing.assert_array_equal(x, numbers())

    @pytest.mark.parametrize("others", [1, 7, 8, 20])
    def test_donated_memory_is_used_once(self, make: Make, others: int):
        arguments = [Argument("f4", SHAPE)] * others
        arguments.insert(others // 2, Argument("f4", SHAPE, donated=True))
        function = make(Signature(tuple(arguments), (Result("f4", SHAPE, others // 2),)))
        block = numbers((5, 4))
        apart = [numbers() for _ in range(others)]
        for place in {0, others // 2, others - 1}:
            for start, overlaps in ((0, True), (1, True), (2, True)):
                rest = list(apart)
                rest[place] = block[start : start + 3]
                given = [*rest[: others // 2], block[1:4], *rest[others // 2 :]]
                assert (type(function(*given)) is str) is overlaps
        tight = numbers((6, 4))
        for low, high in ((tight[:3], tight[3:]), (tight[3:], tight[:3])):
            rest = [low, *apart[1:]]
            assert function(*rest[: others // 2], high, *rest[others // 2 :]) is high

    def test_two_donated_are_different(self, make: Make):
        signature = Signature(
            (Argument("f4", SHAPE, True),) * 2, (Result("f4", SHAPE, 1), Result("f4", SHAPE, 0))
        )
        x, y = numbers(), numbers()
        got = make(signature)(x, y)
        assert got[0] is y
        assert got[1] is x
        assert make(signature)(x, x) == "fallback"

    def test_no_memory_for_a_result(self, make: Make):
        signature = Signature(
            (Argument("f4", SHAPE),), (Result("f4", (1 << 20,)), Result("f8", (1 << 58,)))
        )
        function, x = make(signature), numbers()
        tracemalloc.start()
        for _ in range(10):
            with pytest.raises(MemoryError):
                function(x)
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert left % (1 << 61) < 1 << 20  # NumPy counts a block that it did not get

    def test_no_memory_for_the_arena(self, make: Make):
        signature = Signature((), (Result("f4", SHAPE),), arena_bytes=1 << 62)
        with pytest.raises(MemoryError):
            make(signature)()


class TestTrees:
    KEYS = ("weight", "bias", 3)
    TREE = ("dict", KEYS, (("leaf", 0), ("tuple", (("leaf", 1), ("leaf", 2))), ("constant", None)))
    SIGNATURE = Signature(
        (Argument("f4", SHAPE),) * 3 + (Argument("f4", ()),),
        (Result("f4", SHAPE),) * 3 + (Result("f4", ()),),
        inputs=(TREE, ("list", (("leaf", 3), ("list", ()), ("dict", (), ()), ("tuple", ())))),
        output=(
            "tuple",
            (
                ("list", (("leaf", 2), ("constant", None))),
                ("dict", ("a", ("b", 1)), (("leaf", 0), ("tuple", (("leaf", 1),)))),
                ("dict", ("s",), (("leaf", 3),)),
                ("tuple", ()),
                ("list", ()),
            ),
        ),
    )

    @staticmethod
    def double(b: Builder, pointers: list[str]) -> None:
        for k, count in enumerate((12, 12, 12, 1)):
            doubling(count)(b, [pointers[k], pointers[4 + k], ""])

    @staticmethod
    def given() -> tuple[Any, ...]:
        a, b, c = numbers(), numbers() + 1, numbers() + 2
        return {"weight": a, "bias": (b, c), 3: None}, [1.5, [], {}, ()]

    @pytest.mark.parametrize("release_gil", [False, True])
    def test_in_and_out(self, make: Make, release_gil: bool):
        function = make(replace(self.SIGNATURE, release_gil=release_gil), self.double)
        given = self.given()
        a, (b, c) = given[0]["weight"], given[0]["bias"]
        counts = [sys.getrefcount(x) for x in (a, b, c, *given)]
        for _ in range(100):
            [last, none], first, scalar, *empty = function(*given)
            assert none is None
            assert empty == [(), []]
            assert list(first) == ["a", ("b", 1)]
            np.testing.assert_array_equal(last, 2 * c)
            np.testing.assert_array_equal(first["a"], 2 * a)
            np.testing.assert_array_equal(first["b", 1][0], 2 * b)
            assert scalar == {"s": 3}
            one = first.pop("a")
            assert sys.getrefcount(last) == sys.getrefcount(one) == 2
        assert [sys.getrefcount(x) for x in (a, b, c, *given)] == counts

    def test_misfits(self, make: Make):
        function = make(self.SIGNATURE, self.double)
        (d, rest), x = self.given(), numbers()

        class Dictionary(dict):  # type: ignore[type-arg]
            pass

        others = [
            (list(d), rest),
            (Dictionary(d), rest),
            ({**d, "more": x}, rest),
            ({"weight": x, "bias": (x, x)}, rest),
            ({"weight": x, "bios": (x, x), 3: None}, rest),
            ({**d, 3: 0}, rest),
            ({**d, "bias": (x,)}, rest),
            ({**d, "bias": (x, x, x)}, rest),
            ({**d, "bias": [x, x]}, rest),
            ({**d, "bias": (x, x.T)}, rest),
            (d, tuple(rest)),
            (d, rest[:3]),
            (d, [*rest, 1]),
            (d, [1.5, [1], {}, ()]),
            (None, rest),
        ]
        for given in others:
            assert function(*given) == "fallback"
        assert function(d, rest) != "fallback"

    def test_equal_keys_need_not_be_the_same(self, make: Make):
        tree = ("dict", ("weight",), (("leaf", 0),))
        function = make(Signature((Argument("f4", SHAPE),), (), inputs=(tree,)))
        assert function({"".join(["wei", "ght"]): numbers()}) is None

    @pytest.mark.parametrize(
        ("known", "other", "is_same"),
        [
            (10**20, int("1" + "0" * 20), True),
            (10**20, 10**20 + 1, False),
            (1, True, False),
            (1, 1.0, False),
            ("a", Text("a"), False),
            (Text("a"), "a", False),
            ((Text("a"), 1), (Text("a"), 1), False),  # whose parts may run anybody's code
        ],
    )
    def test_keys_are_the_same_in_type_and_value(
        self, make: Make, known: Any, other: Any, is_same: bool
    ):
        tree = ("dict", ("first", known), (("leaf", 0), ("leaf", 1)))
        function = make(Signature((Argument("f4", SHAPE),) * 2, (), inputs=(tree,)))
        assert function({"first": numbers(), known: numbers()}) is None
        got = function({"first": numbers(), other: numbers()})
        assert got == (None if is_same else "fallback")

    def test_order_of_keys_matters(self, make: Make):
        tree = ("dict", tuple("abc"), (("leaf", 1), ("leaf", 0), ("leaf", 2)))
        signature = Signature(
            tuple(Argument("f4", (n,)) for n in (1, 2, 3)), (), inputs=(tree, ("dict", (), ()))
        )
        function, (x, y, z) = make(signature), map(np.float32, map(np.zeros, (1, 2, 3)))
        assert function({"a": y, "b": x, "c": z}, {}) is None
        assert function({"a": y, "c": z, "b": x}, {}) == "fallback"
        assert function({"c": z, "b": x, "a": y}, {}) == "fallback"
        assert function({"a": x, "b": y, "c": z}, {}) == "fallback"
        removed = {"": 0, "a": y, "b": x, "c": z}
        del removed[""]
        assert function(removed, {}) is None

    def test_no_code_of_keys_runs(self, make: Make):
        class Key:
            def __hash__(self) -> int:
                return hash("weight")

            def __eq__(self, other: object) -> bool:
                raise AssertionError("compared")

        for known in ("weight", Key()):
            tree = ("dict", (known,), (("leaf", 0),))
            function = make(Signature((Argument("f4", SHAPE),), (), inputs=(tree,)))
            assert function({Key(): numbers()}) == "fallback"
            assert function({known: numbers()}) is None

    def test_donated_in_a_dict(self, make: Make):
        tree = ("dict", ("w", "b"), (("leaf", 0), ("leaf", 1)))
        signature = Signature(
            (Argument("f4", SHAPE, True),) * 2,
            (Result("f4", SHAPE, 0), Result("f4", SHAPE, 1)),
            inputs=(tree,),
            output=tree,
        )
        given = {"w": numbers(), "b": numbers()}
        got = make(signature, doubling(12))(given)
        assert got is not given
        assert got["w"] is given["w"]
        assert got["b"] is given["b"]


class TestLife:
    def test_references(self, make: Make):
        signature = Signature(
            (Argument("f4", SHAPE), Argument("f4", SHAPE, True), Argument("f4", ())),
            (Result("f4", SHAPE), Result("f4", SHAPE, 1), Result("f4", ())),
            arena_bytes=1 << 16,
        )
        fallback = Fallback()
        function = make(signature, fallback=fallback)
        x, y, z = numbers(), numbers(), np.float32(1)
        watched = (x, y, z, x.dtype, np.ndarray, np.float32, fallback, None, function)
        function(x, y, z)
        counts = [sys.getrefcount(w) for w in watched]
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(2_000 if isinstance(function, FunctionType) else 100_000):
            function(x, y, z)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [sys.getrefcount(w) for w in watched] == pytest.approx(counts, abs=3)
        assert after - before < 10_000

    def test_no_leak_by_the_fallback(self):
        code, entry = compiled(ONE)
        seen = []
        function = native_callable(code, entry, lambda *_, **__: seen.append(1) or seen)
        x = numbers((2, 2))
        before = sys.getrefcount(x), sys.getrefcount(seen)
        for _ in range(1000):
            function(x)
            function(x=x)
        assert (sys.getrefcount(x), sys.getrefcount(seen)) == before

    def test_callable_keeps_what_it_needs(self):
        code, entry = compiled(ONE, doubling(12))
        kept = weakref.ref(code)
        function = native_callable(code, entry, Fallback())
        del code, entry
        gc.collect()
        np.testing.assert_array_equal(function(numbers()), 2 * numbers())
        del function
        gc.collect()
        assert kept() is None

    def test_arena_is_freed_with_the_callable(self):
        signature = Signature((), (), arena_bytes=1 << 22)
        tracemalloc.start()
        code, entry = compiled(signature)
        function = native_callable(code, entry, Fallback())
        function()
        function()
        with_arena, _ = tracemalloc.get_traced_memory()
        del function, code, entry
        gc.collect()
        without, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert 1 << 22 <= with_arena - without < 2 << 22

    def test_says_what_it_is(self):
        code, entry = compiled(ONE, doubling(12))
        function = native_callable(code, entry, Fallback(), "double")
        assert "double" in repr(function)
        assert function.__name__ == "double"
        assert function.__doc__ == "Native code: (float32[3,4]) -> (float32[3,4])"

    def test_unknown_build(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("clearprop.native.calls.python_entry.probe", lambda: None)
        code, entry = compiled(ONE, doubling(12))
        assert entry.text == ""
        function = native_callable(code, entry, Fallback(), "double")
        np.testing.assert_array_equal(function(numbers()), 2 * numbers())
        assert function(1) == "fallback"

    def test_object_code_is_good_in_another_process(self):
        stored = pickle.dumps(object_code(TestTrees.SIGNATURE, TestTrees.double))
        script = (
            "import sys, pickle, numpy as np\n"
            "from clearprop.native.calls import native_callable\n"
            "from clearprop.native.machine import Code\n"
            "code, entry = pickle.load(sys.stdin.buffer)\n"
            "f = native_callable(Code(code, entry.symbols), entry, print)\n"
            "x = np.ones((3, 4), 'f4')\n"
            "got = f({'weight': x, 'bias': (x, x), 3: None}, [1.5, [], {}, ()])\n"
            "print(got[2]['s'], got[0][0].dtype is x.dtype)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script], input=stored, capture_output=True)
        assert ran.stdout == b"3.0 True\n", ran.stderr.decode()


class TestThreads:
    def test_gil_is_released(self, make: Make):
        def wait(b: Builder, pointers: list[str]) -> None:
            """Until another thread says so, but not for ever."""
            b.do("br label %again")
            b.label("again")
            b.do("%n = phi i64 [0, %entry], [%m, %again]")
            b.do(f"%said = load atomic i64, ptr {pointers[0]} monotonic, align 8")
            b.do("%m = add i64 %n, 1")
            b.do("%late = icmp eq i64 %n, 5000000000")
            b.do("%seen = icmp ne i64 %said, 0")
            b.do("%stop = or i1 %late, %seen")
            b.do("br i1 %stop, label %done, label %again")
            b.label("done")
            b.do(f"store i64 %said, ptr {pointers[1]}")

        signature = Signature((Argument("i8", (1,)),), (Result("i8", ()),), release_gil=True)
        function, flag = make(signature, wait), np.zeros(1, "i8")

        def say() -> None:
            flag[0] = 7

        timer = threading.Timer(0.02, say)
        timer.start()
        assert function(flag) == 7
        timer.join()

    def test_eight_threads_have_an_arena_each(self, make: Make):
        count = 1 << 13

        def through_arena(b: Builder, pointers: list[str]) -> None:
            doubling(count)(b, [pointers[0], pointers[2], ""])
            doubling(count)(b, [pointers[2], pointers[1], ""])

        signature = Signature(
            (Argument("f4", (count,)),),
            (Result("f4", (count,)),),
            arena_bytes=4 * count,
            release_gil=True,
        )
        assert 4 * count > STACK_BYTES
        function = make(signature, through_arena)
        wrong = []

        def run(k: int) -> None:
            x = np.full(count, k, "f4")
            for _ in range(200):
                if not (function(x) == 4 * k).all():
                    wrong.append(k)

        threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong

    def test_arrays_live_while_the_kernel_runs(self):
        """Another thread empties the list that the kernel's array came from."""

        def wait(b: Builder, pointers: list[str]) -> None:
            b.do("br label %again")
            b.label("again")
            b.do(f"%said = load atomic i64, ptr {pointers[1]} monotonic, align 8")
            b.do("%seen = icmp ne i64 %said, 0")
            b.do("br i1 %seen, label %done, label %again")
            b.label("done")
            b.store(b.load(I64, pointers[0]), pointers[2])

        signature = Signature(
            (Argument("i8", (1,)), Argument("i8", (1,))),
            (Result("i8", ()),),
            release_gil=True,
            inputs=(("list", (("leaf", 0),)), ("leaf", 1)),
        )
        code, entry = compiled(signature, wait)
        function, flag = native_callable(code, entry, Fallback()), np.zeros(1, "i8")
        items = [np.array([42])]
        gone = weakref.ref(items[0])

        def drop() -> None:
            items.clear()
            alive.append(gone() is not None)
            flag[0] = 1

        alive: list[bool] = []
        timer = threading.Timer(0.02, drop)
        timer.start()
        assert function(items, flag) == 42
        timer.join()
        assert alive == [True]
        assert gone() is None


class TestMany:
    def test_arrays(self, make: Make):
        """More than ctypes takes as arguments; the last one is found in the kernel's table."""
        count = 1100
        tree = ("list", tuple(("leaf", k) for k in range(count)))

        def last(b: Builder, pointers: list[str]) -> None:
            b.store(b.load(F32, pointers[count - 1]), pointers[count])

        signature = Signature((Argument("f4", (1,)),) * count, (Result("f4", ()),), inputs=(tree,))
        function = make(signature, last)
        given = [np.full(1, k, "f4") for k in range(count)]
        assert function(given) == count - 1
        assert function([*given[:-1], np.ones(2, "f4")]) == "fallback"


class TestSignature:
    @pytest.mark.parametrize("dtype", [">f4", "O", "U3", "M8[s]", [("a", "f4")]])
    def test_dtypes(self, dtype: Any):
        with pytest.raises(ValueError, match="no native code"):
            Argument(dtype, ())

    @pytest.mark.parametrize(
        ("arguments", "results"),
        [
            ([Argument("f4", SHAPE)], [Result("f4", SHAPE, donor=0)]),
            ([Argument("f4", SHAPE, donated=True)], [Result("f4", SHAPE)]),
            ([Argument("f4", SHAPE, donated=True)], [Result("f4", SHAPE, donor=0)] * 2),
            ([Argument("f4", SHAPE, donated=True)], [Result("f8", SHAPE, donor=0)]),
            ([Argument("f4", SHAPE, donated=True)], [Result("f4", (12,), donor=0)]),
        ],
    )
    def test_donations_match(self, arguments: list[Argument], results: list[Result]):
        with pytest.raises(ValueError, match=r"donated|become"):
            Signature(tuple(arguments), tuple(results))

    def test_trees_name_everything_once(self):
        with pytest.raises(ValueError, match="argument belongs"):
            Signature((Argument("f4", SHAPE),), (), inputs=())
        with pytest.raises(ValueError, match="result belongs"):
            Signature((), (Result("f4", SHAPE),), output=("tuple", (("leaf", 0), ("leaf", 0))))
