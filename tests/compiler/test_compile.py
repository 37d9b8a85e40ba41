"""`clearprop.compile` as a user meets it."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import clearprop
from clearprop.errors import ClearpropError, TraceError, UnsupportedError

pytest.importorskip("llvmlite")


def loss(params: Any, x: Any, y: Any) -> Any:
    return np.mean((np.tanh(x @ params["w"] + params["b"]) - y) ** 2)


def example(rng: np.random.Generator, dtype: str = "float64") -> tuple[Any, Any, Any]:
    params = {"w": rng.normal(size=(5, 3)), "b": rng.normal(size=3)}
    params = {name: p.astype(dtype) for name, p in params.items()}
    return params, rng.normal(size=(8, 5)).astype(dtype), rng.normal(size=(8, 3)).astype(dtype)


def test_values_by_hand() -> None:
    f = clearprop.compile(lambda x, y, z: (x + y) * z)
    assert f(-2.0, 5.0, -4.0) == -12
    g = clearprop.compile(clearprop.grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2)))
    assert g(-2.0, 5.0, -4.0) == (-4, -4, 3)


def test_a_training_step(rng: np.random.Generator) -> None:
    def step(params: Any, x: Any, y: Any) -> Any:
        value, g = clearprop.value_and_grad(loss)(params, x, y)
        return value, {k: p - 0.1 * g[k] for k, p in params.items()}

    params, x, y = example(rng)
    compiled = clearprop.compile(step)
    value, new = compiled(params, x, y)
    expected, wanted = step(params, x, y)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    assert list(new) == ["w", "b"]
    for name in new:
        np.testing.assert_allclose(new[name], wanted[name], rtol=1e-13)


def test_donated_arrays_are_overwritten(rng: np.random.Generator) -> None:
    @clearprop.compile(donate="p")
    def update(p: Any, g: Any) -> Any:
        return p - 0.5 * g

    p, g = rng.normal(size=100), rng.normal(size=100)
    expected = p - 0.5 * g
    update(p.copy(), g)
    new = update(p, g)
    assert new is p
    np.testing.assert_array_equal(new, expected)


def test_donation_never_changes_the_result(rng: np.random.Generator) -> None:
    # w is read again, transposed, after its update could have been written
    def f(w: Any, x: Any) -> Any:
        return w - x @ w.T, w.T @ x

    w, x = rng.normal(size=(6, 6)), rng.normal(size=(6, 6))
    expected = f(w, x)
    found = clearprop.compile(f, donate="w")(w.copy(), x)
    for mine, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-12, atol=1e-13)


def test_a_donated_array_is_read_before_it_is_overwritten(rng: np.random.Generator) -> None:
    def f(p: Any, g: Any) -> Any:
        return g + 1, np.tanh(p) * 2, np.sum(p * g, 0)

    p, g = rng.normal(size=(5, 7)), rng.normal(size=(5, 7))
    expected = f(p, g)
    for found, wanted in zip(clearprop.compile(f, donate="p")(p, g), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_memory_is_handed_on(rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        a = x @ y
        b = np.exp(a - np.max(a, 0))
        return np.sum(b @ y * b, 0)

    x, y = rng.normal(size=(200, 50)), rng.normal(size=(50, 50)) / 10
    compiled = clearprop.compile(f)
    np.testing.assert_allclose(compiled(x, y), f(x, y), rtol=1e-12)
    # room for b, which takes the place of a, and for b @ y
    assert compiled.report().bytes < x.nbytes + y.nbytes + 3 * 200 * 50 * 8


def test_a_donated_array_becomes_a_result_of_its_shape() -> None:
    @clearprop.compile(donate="p")
    def update(p: Any) -> Any:
        return np.sum(p["rows"]) * 0 + 1, p["rows"] * 2  # a number, and an array of one number

    rows = np.array([3.0])
    number, new = update({"rows": rows})
    assert (number, np.shape(number)) == (1, ())
    assert (new.shape, new[0]) == ((1,), 6)


def test_donated_arrays_that_overlap_are_left_alone(rng: np.random.Generator) -> None:
    start = rng.normal(size=1003)

    def f(x: Any, y: Any) -> Any:
        return x + y, x - y

    for compiled in (clearprop.compile(f, donate=("x", "y")), clearprop.compile(f, donate="y")):
        for offset in (0, 1, 3):
            for _ in range(2):
                base = start.copy()
                x, y = base[:1000], base[offset : offset + 1000]
                expected, found = f(x.copy(), y.copy()), compiled(x, y)
                for mine, wanted in zip(found, expected, strict=True):
                    np.testing.assert_array_equal(mine, wanted)
                np.testing.assert_array_equal(base, start)


def test_a_donated_argument_must_exist() -> None:
    with pytest.raises(TypeError, match=r"donate='q'.* has no such argument"):
        clearprop.compile(lambda p: p + 1, donate="q")(1.0)


@dataclass
class Point:
    x: Any
    y: Any


def test_containers(rng: np.random.Generator) -> None:
    def f(points: Any, scale: Any = 2.0) -> Any:
        return [Point(p.x * scale, p.y + points[0].x) for p in points], {"n": np.sum(points[0].y)}

    points = [Point(rng.normal(size=3), rng.normal(size=3)) for _ in range(2)]
    found, expected = clearprop.compile(f)(points, scale=3.0), f(points, scale=3.0)
    for mine, wanted in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(mine.x, wanted.x)
        np.testing.assert_allclose(mine.y, wanted.y)
    np.testing.assert_allclose(found[1]["n"], expected[1]["n"])


def test_keywords(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 5))
    for f in (
        lambda x, y: x - y,
        lambda x, *, y: x - y,
        lambda x, **others: x - others["y"],
        lambda *xs, **others: xs[0] - others["y"],
    ):
        compiled = clearprop.compile(f)
        for _ in range(2):
            np.testing.assert_array_equal(compiled(x, y=y), x - y)
            np.testing.assert_array_equal(compiled(y, y=x), y - x)
    compiled = clearprop.compile(lambda x, y=1.0: x - y, donate="x")
    np.testing.assert_array_equal(compiled(y=y, x=x.copy()), x - y)
    np.testing.assert_array_equal(compiled(x=x.copy()), x - 1)
    np.testing.assert_array_equal(compiled(x.copy(), y), x - y)


def test_dicts_in_another_order(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 5))
    compiled = clearprop.compile(lambda d: {"first": next(iter(d.values())) + 0.0, **d})
    for _ in range(3):
        for d in ({"a": x, "b": y}, {"b": y, "a": x}, {"".join("b"): y, "".join("a"): x}):
            result = compiled(d)
            assert list(result) == ["first", *d]
            np.testing.assert_array_equal(result["first"], d[next(iter(d))])
            np.testing.assert_array_equal(result["b"], y)


def test_fixed_values_and_shapes_make_new_code() -> None:
    traced = []

    @clearprop.compile
    def f(x: Any, power: int, mode: str) -> Any:
        traced.append((np.shape(x), power, mode))
        y = x**power if mode == "up" else x / power
        return y.sum() if y.ndim else y

    x = np.array([1.0, 2.0])
    assert f(x, 2, "up") == 5
    assert f(x, 3, "up") == 9
    assert f(x, 2, "down") == 1.5
    assert f(x, 2, "up") == 5
    assert f(np.array([3.0]), 2, "up") == 9
    assert traced == [((2,), 2, "up"), ((2,), 3, "up"), ((2,), 2, "down"), ((1,), 2, "up")]


def test_too_many_combinations_are_warned_of() -> None:
    f = clearprop.compile(lambda x, n: x * n)
    for n in range(64):
        assert f(2.0, n) == 2 * n
    with pytest.warns(UserWarning, match="more than 64 combinations"):
        f(2.0, 64)


def test_python_floats_take_the_precision_of_the_arrays() -> None:
    f = clearprop.compile(lambda x, rate: x - rate * x)
    x = np.ones(4, np.float32)
    assert f(x, 0.1).dtype == np.float32
    np.testing.assert_array_equal(f(x, 0.25), np.full(4, 0.75, np.float32))
    assert f(2.0, 0.25) == 1.5


def test_numbers_are_what_they_are_after_any_other() -> None:
    """Whatever was compiled before: Python's numbers adapt to the arrays, and NumPy's do not."""
    numbers = [np.float32(0.1), 0.1, np.float64(0.1), np.array(0.1), 2, True, np.int64(3), 2.0]
    for x in (np.arange(3.0), np.arange(3, dtype="f4"), np.arange(3)):
        for first in numbers:
            compiled = clearprop.compile(lambda x, n: x * n)
            compiled(x, first)
            for n in numbers:
                found, expected = compiled(x, n), x * n
                assert found.dtype == expected.dtype, (first, n)
                np.testing.assert_array_equal(found, expected)


def test_strided_and_unaligned_inputs(rng: np.random.Generator) -> None:
    f = clearprop.compile(lambda x: np.exp(x).sum(0))
    x = rng.normal(size=(6, 10))
    raw = np.zeros(8 * 60 + 1, np.uint8)
    unaligned = raw[1:].view(np.float64).reshape(6, 10)
    unaligned[:] = x
    for given in (x, x[::2, ::-1], np.asfortranarray(x), x.T, unaligned, x.astype(">f8")):
        np.testing.assert_allclose(f(given), np.exp(np.asarray(given, float)).sum(0), rtol=1e-12)


def test_arrays_from_around_a_function(rng: np.random.Generator) -> None:
    data, weights = rng.normal(size=(70, 60)), rng.normal(size=(60, 50)).astype("f4")
    expected_data, expected_weights = data.copy(), weights.copy()

    def f(x: Any) -> Any:
        return np.tanh(data * x) @ weights, np.sort(data * x), x + 1.0

    g = clearprop.compile(clearprop.grad(lambda x: np.mean(np.tanh(data * x) @ weights)))
    compiled, x = clearprop.compile(f), rng.normal(size=60)
    first, slope = compiled(x), g(x)
    data += 1.0  # compiled as they were
    weights += 1.0
    for results in (first, compiled(x), compiled(x[::-1][::-1])):
        y = np.tanh(expected_data * x)
        np.testing.assert_allclose(results[0], y @ expected_weights, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(results[1], np.sort(expected_data * x), rtol=1e-12)
        np.testing.assert_allclose(results[2], x + 1.0)
    wanted = (expected_data * (1 - y**2) * expected_weights.astype(float).mean(1)).mean(0)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(g(x), slope)


def test_arrays_that_the_function_fills_again(rng: np.random.Generator) -> None:
    """A step vector, a mask, indices, a matrix: made once, and changed as the function goes."""

    def f(x: Any) -> Any:
        step, mask, index, matrix = np.zeros(4), np.zeros(4, bool), np.zeros(2, int), np.eye(4)
        total = np.sum(step * x)
        for i in range(3):
            step[:] = -0.0
            step[i], mask[i] = 0.1, True
            index += i
            matrix[i, i] += 2
            total = total + np.sum(np.sin(x + step)) + np.sum(np.where(mask, x**2, 0.0))
            total = total + np.sum(x[index] ** 3) + np.sum(np.linalg.solve(matrix, matrix @ x * x))
        return total, matrix

    x = rng.normal(size=4)
    found, expected = clearprop.compile(f)(x), f(x)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-13)
    np.testing.assert_array_equal(found[1], expected[1])
    slope = clearprop.compile(clearprop.grad(lambda x: f(x)[0]))(x)
    numeric = [(f(x + h)[0] - f(x - h)[0]) / 2e-6 for h in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["i1", "u1", "?", "f4"])
def test_arrays_of_other_dtypes_from_around_a_function(dtype: str) -> None:
    data, x = np.arange(5).astype(dtype), np.arange(5, dtype="i4")
    found, expected = clearprop.compile(lambda x: x * data + data)(x), x * data + data
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_inputs_are_not_changed(rng: np.random.Generator) -> None:
    params, x, y = example(rng)
    before = {k: p.copy() for k, p in params.items()}
    clearprop.compile(clearprop.grad(loss))(params, x, y)
    for name, p in params.items():
        np.testing.assert_array_equal(p, before[name])


def test_results_are_arrays_of_their_own(rng: np.random.Generator) -> None:
    f = clearprop.compile(lambda x: (x, x + 1, x.T, x[0]))
    x = rng.normal(size=(3, 3))
    results = f(x)
    for result, wanted in zip(results, (x, x + 1, x.T, x[0]), strict=True):
        np.testing.assert_array_equal(result, wanted)
        assert not np.shares_memory(result, x)
        result += 1
    assert f(x)[1][0, 0] == x[0, 0] + 1


def test_what_has_no_native_code_runs_in_numpy(rng: np.random.Generator) -> None:
    mask = np.array([True, False, False, True, True])

    def f(x: Any) -> Any:
        return np.sum(np.tanh(x)[mask] * 2, axis=0)

    x = rng.normal(size=(5, 3))
    compiled = clearprop.compile(f)
    np.testing.assert_allclose(compiled(x), f(x), rtol=1e-13)
    report = str(compiled.report())
    assert "3 stages, 1 of them left to NumPy" in report
    assert "2. NumPy: gather\n     because a mask picks places that are not known" in report
    assert 'class="stage numpy"' in compiled.report().svg()
    assert "numpy" in compiled.source("stages")


def test_reverse_over_compiled(rng: np.random.Generator) -> None:
    params, x, y = example(rng)
    compiled = clearprop.compile(loss)
    found = clearprop.grad(compiled)(params, x, y)
    expected = clearprop.grad(loss)(params, x, y)
    np.testing.assert_allclose(found["w"], expected["w"])


@pytest.mark.parametrize("transform", [clearprop.jacobian, clearprop.hessian])
def test_transforms_compile(transform: Any, rng: np.random.Generator) -> None:
    f = transform(lambda x: np.sum(np.sin(x) ** 2 * x[::-1]))
    x = rng.normal(size=6)
    np.testing.assert_allclose(clearprop.compile(f)(x), f(x), rtol=1e-11, atol=1e-12)


def test_index_assignment(rng: np.random.Generator) -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y[1:3] = x[0] ** 2
        y[-1] = 7.0
        return (y * y).sum()

    x = rng.normal(size=6)
    np.testing.assert_allclose(clearprop.compile(clearprop.grad(f))(x), clearprop.grad(f)(x))


def test_a_branch_on_a_value_says_the_way_out() -> None:
    @clearprop.compile
    def f(x: Any) -> Any:
        return x if x > 0 else -x

    with pytest.raises(TraceError, match=r"np\.where"):
        f(1.0)


@clearprop.compile
def doubled(x: Any) -> Any:
    return 2 * x


def halved(x: Any) -> Any:
    return x / 2


@dataclass
class Line:
    slope: Any

    @clearprop.compile
    def at(self, x: Any) -> Any:
        return self.slope * x


def test_copies_and_stored_functions() -> None:
    x, compiled = np.arange(3.0), clearprop.compile(halved)
    for _ in range(2):  # before a call, and after it
        for again in (pickle.loads(pickle.dumps(compiled)), copy.deepcopy(compiled)):
            np.testing.assert_array_equal(again(x), x / 2)
        np.testing.assert_array_equal(compiled(x), x / 2)
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    assert pickle.loads(pickle.dumps(Line.at)) is Line.at
    np.testing.assert_array_equal(doubled(x), 2 * x)
    assert copy.deepcopy({"f": doubled})["f"] is doubled


def test_methods() -> None:
    x, line = np.arange(3.0), Line(2.0)
    for slope in (2.0, 3.0, np.ones(3)):
        line.slope = slope
        np.testing.assert_array_equal(line.at(x), slope * x)
        np.testing.assert_array_equal(Line.at(line, x=x), slope * x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_value_computed_twice_is_the_same(dtype: str, rng: np.random.Generator) -> None:
    """A product that is added to is rounded alike everywhere: the entry that is largest is found again."""
    x = rng.normal(size=(100, 42)).astype(dtype)
    w, b = rng.normal(size=(2, 42)).astype(dtype)

    def twice(x: Any) -> Any:
        y = x * w
        return np.sum((y - y.max(1, keepdims=True)).max(1))

    def scaled(x: Any) -> Any:
        y = x * w
        return np.sum((y / np.max(np.abs(y - b), axis=1, keepdims=True)) ** 2)

    def shifted(x: Any) -> Any:
        y = x * w
        return np.sum(np.abs(y - y.max(1, keepdims=True) + b).max(1))

    for f in (twice, scaled, shifted):
        g = clearprop.grad(f)
        tolerance = 1e-12 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(clearprop.compile(g)(x), g(x), tolerance, tolerance)


def test_what_is_kept_for_a_later_round_over_a_row(rng: np.random.Generator) -> None:
    """It needs numbers of its row that nothing else needs in that round: the largest entry."""
    weights = rng.normal(size=(2, 3))

    def f(x: Any) -> Any:
        logits = x + np.log(np.sum(np.exp(x - x.max(1, keepdims=True)), axis=1, keepdims=True))
        y = np.where(logits > 0, logits * -1.5, logits)
        return np.sum(y / (1 + np.max(np.abs(x), axis=1, keepdims=True)) * weights)

    x, g = rng.normal(size=(2, 3)), clearprop.grad(f)
    np.testing.assert_allclose(clearprop.compile(g)(x), g(x), 1e-12)


def test_arrays_of_other_kinds() -> None:
    x = np.arange(3.0)
    double = clearprop.compile(lambda x, names=None: 2 * x)
    for names in (np.array(["a", "b"]), np.array(["2020-01-01"], "M8[D]")):
        np.testing.assert_array_equal(double(x, names), 2 * x)
    for other in (
        np.ma.masked_array(x, x > 1),
        np.ma.masked_array(x, x > 1)[None],
        x.view(np.matrix),
    ):
        with pytest.raises(UnsupportedError, match="arithmetic of its own"):
            double(other)
    np.testing.assert_array_equal(double(x), 2 * x)


def test_special_values() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308])

    def f(x: Any) -> Any:
        return np.maximum(x, 0), np.max(x), np.sum(x), x / x, -x, np.where(x > 0, x, -x), np.sqrt(x)

    with np.errstate(all="ignore"):
        for mine, wanted in zip(clearprop.compile(f)(x), f(x), strict=True):
            np.testing.assert_array_equal(mine, wanted)
            np.testing.assert_array_equal(
                np.signbit(mine)[mine == 0], np.signbit(wanted)[wanted == 0]
            )


def test_empty_arrays() -> None:
    f = clearprop.compile(lambda x: (np.tanh(x), x.sum(0), x.sum()))
    for mine, wanted in zip(f(np.ones((0, 3))), (np.ones((0, 3)), np.zeros(3), 0.0), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_labels_out_of_range_are_refused() -> None:
    f = clearprop.compile(clearprop.cross_entropy)
    logits = np.array([[0.0, 1.0, 2.0]])
    np.testing.assert_allclose(
        f(logits, np.array([-1])), clearprop.cross_entropy(logits, np.array([2]))
    )
    for label in (3, -4):
        with pytest.raises(
            IndexError, match=f"index {label} is out of bounds for axis 1 with size 3"
        ):
            f(logits, np.array([label]))


def test_many_threads(rng: np.random.Generator) -> None:
    f = clearprop.compile(lambda x: np.sum(np.tanh(x @ x.T)))
    xs = [rng.normal(size=(30, 20)) for _ in range(8)]
    expected = [np.sum(np.tanh(x @ x.T)) for x in xs]
    found: dict[int, list[Any]] = {}

    def work(i: int) -> None:
        found[i] = [f(xs[i]) for _ in range(50)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, results in found.items():
        np.testing.assert_allclose(results, expected[i], rtol=1e-12)


def test_report(rng: np.random.Generator) -> None:
    def step(w: Any, x: Any, y: Any) -> Any:
        loss, g = clearprop.value_and_grad(lambda w: np.mean((np.tanh(x @ w) - y) ** 2))(w)
        return loss, w - 0.1 * g

    compiled = clearprop.compile(step, donate="w")
    with pytest.raises(ClearpropError, match="has not been called"):
        compiled.report()
    compiled(rng.normal(size=(3, 2)), rng.normal(size=(500, 3)), rng.normal(size=(500, 2)))
    report = compiled.report()
    lines = str(report).splitlines()
    assert re.fullmatch(r"step: \d+ operations in \d stages, none of them left to NumPy", lines[0])
    assert re.fullmatch(
        r"  compiled in [\d.]+ ms: trace [\d.]+, stages [\d.]+, code [\d.]+, LLVM [\d.]+", lines[1]
    )
    assert lines[2].startswith("  memory: inputs 19.6 KiB, outputs 56 B, ")
    assert lines[3].endswith(" is written over w")
    assert lines[4].startswith("  1. product over 3, for i 500 × j 2")
    assert lines[5].startswith("     matmul, tanh, subtract")
    assert lines[6].startswith("     reads ")
    picture = ElementTree.fromstring(report.svg())
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}rect")) == int(lines[0].split()[4])
    names = [t.text for t in picture.findall(f"{space}text")]
    assert {"w", "x", "y"} <= set(names)
    assert report.svg() in report._repr_html_()
    assert repr(report) == str(report)


def test_source() -> None:
    f = clearprop.compile(lambda x: np.tanh(x).sum())
    f(np.ones(10))
    assert "tanh" in f.source("graph")
    assert "reduce add" in f.source("stages")
    assert "void @kernel" in f.source("llvm")
    assert f.source("asm")
    with pytest.raises(ValueError, match="'graph', 'stages', 'llvm' and 'asm'"):
        f.source("fortran")
    assert repr(f) == "<compiled <lambda>>"
