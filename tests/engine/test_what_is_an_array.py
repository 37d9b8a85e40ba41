"""What is taken for an array, and what is refused by name: kinds of objects × the ways in."""

from __future__ import annotations

import array
import collections
import decimal
import fractions
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import clearprop
from clearprop.errors import ClearpropError, DtypeError, LostGradientError, UnsupportedError

X = np.array([1.0, 2.0, 4.0])


class OnlyConverts:
    """What NumPy can read; it says another dtype than it gives."""

    dtype, shape = np.dtype("float32"), (7,)

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numbers


class Interface:
    """As images of Pillow offer their numbers."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)
        self.__array_interface__ = self.numbers.__array_interface__


class Tagged(np.ndarray):
    """An array with a note on it, and no arithmetic of its own."""

    note = "measured on Monday"


def unaligned(numbers: Any) -> Any:
    numbers = np.asarray(numbers)
    return np.frombuffer(b"." + numbers.tobytes(), numbers.dtype, offset=1)


TAKEN: dict[str, Callable[[Any], Any]] = {
    "array": np.array,
    "converts": OnlyConverts,
    "interface": Interface,
    "subclass with a note": lambda x: np.array(x).view(Tagged),
    "record array of numbers": lambda x: np.array(x).view(np.recarray),
    "big-endian": lambda x: np.array(x, ">f8"),
    "unaligned": unaligned,
    "memoryview": lambda x: memoryview(np.array(x)),
    "array.array": lambda x: array.array("d", x),
    "read-only": lambda x: np.broadcast_to(np.array(x), (3,)),
    "backwards": lambda x: np.array(x)[::-1].copy()[::-1],
}


class Metres(np.ndarray):
    """An array with units: it must not be computed with as if it were plain."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("metres and seconds do not add")


class Doubling(np.ndarray):
    """The old way: an operator overridden."""

    def __mul__(self, other: Any) -> Any:
        return 2 * np.asarray(self) * other


class OtherMean(np.ndarray):
    def mean(self, *args: Any, **kwargs: Any) -> Any:
        return -1.0


class Series:
    """As a library with labels has it: NumPy's arithmetic, and a deviation of its own."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)
        self.dtype, self.shape = self.numbers.dtype, self.numbers.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.numbers, dtype)

    def __mul__(self, other: Any) -> Any:
        return Series(self.numbers * np.asarray(other))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return Series(self.numbers - np.asarray(other))

    def std(self) -> Any:
        return self.numbers.std(ddof=1)


class Elsewhere:
    """Numbers that NumPy cannot read where they are, with the attributes of an array."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)
        self.dtype, self.shape, self.ndim = self.numbers.dtype, self.numbers.shape, 1


class OnADevice(Elsewhere):
    @property
    def __cuda_array_interface__(self) -> Any:
        return {"shape": self.shape, "typestr": "<f8", "data": (0, False), "version": 3}

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def get(self) -> Any:
        return self.numbers


class Exchanged(Elsewhere):
    def __dlpack__(self, **options: Any) -> Any:
        return self.numbers.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.numbers.__dlpack_device__()


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "units": (lambda x: np.array(x).view(Metres), "a Metres, which has an arithmetic of its own"),
    "operator": (lambda x: np.array(x).view(Doubling), "a Doubling, which has an arithmetic"),
    "method": (lambda x: np.array(x).view(OtherMean), "a OtherMean, which has an arithmetic"),
    "labels": (Series, "a Series, which has an arithmetic of its own"),
    "matrix": (lambda x: np.array(x).view(np.matrix), "a matrix, which has an arithmetic"),
    "masked": (
        lambda x: np.ma.masked_array(x, [0, 1, 0]),
        "a MaskedArray, which has an arithmetic",
    ),
    "sparse": (lambda x: scipy.sparse.csr_array(np.array(x)), "a csr_array, which has an"),
    "operator of SciPy": (
        lambda x: scipy.sparse.linalg.aslinearoperator(np.array([x])),
        "LinearOperator, which has an arithmetic",
    ),
    "elsewhere": (Elsewhere, "a Elsewhere, which NumPy cannot read as an array"),
    "device": (OnADevice, "a OnADevice, which NumPy cannot read as an array"),
    "exchanged": (Exchanged, "a Exchanged, which NumPy cannot read as an array"),
}
ADVISED = sorted(set(REFUSED) - {"elsewhere", "operator of SciPy"})
"""Of the others nobody can say how to come by the numbers."""


def squares(x: Any) -> Any:
    return np.sum(x * x)


@clearprop.block
def cubes(x: Any) -> Any:
    return x * x * x


@cubes.gradient
def cubes_gradient(g: Any, out: Any, x: Any) -> Any:
    return 3 * g * x**2


def by_tensor(x: Any) -> Any:
    t = clearprop.tensor(x)
    squares(t).backward()
    return t.grad


def by_source(x: Any) -> Any:
    return clearprop.source(squares, x).function(np.array(X))[1]


WAYS: dict[str, Callable[[Any], Any]] = {
    "grad": clearprop.grad(squares),
    "value_and_grad": lambda x: clearprop.value_and_grad(squares)(x)[1],
    "vjp": lambda x: clearprop.vjp(squares, x)[1](1.0)[0],
    "jvp": lambda x: clearprop.jvp(lambda y: y * y, x, np.ones(3))[1],
    "jacobian": clearprop.jacobian(squares),
    "hvp": lambda x: X * clearprop.hvp(squares, x, np.ones(3)),
    "in a container": lambda x: clearprop.grad(lambda p: squares(p["x"]))({"x": x})["x"],
    "grad of grad": clearprop.grad(lambda x: np.sum(clearprop.grad(lambda y: np.sum(y**3))(x)) / 3),
    "tensor": by_tensor,
    "trace": lambda x: clearprop.trace(clearprop.grad(squares), x).evaluate(X),
    "evaluate": lambda x: clearprop.trace(clearprop.grad(squares), X).evaluate(x),
    "compile": clearprop.compile(clearprop.grad(squares)),
    "compile, by name": lambda x: clearprop.compile(clearprop.grad(squares))(x=x),
    "explain": lambda x: clearprop.explain(squares, x).gradients["x"],
    "source": by_source,
    "a gradient given": lambda x: 2 * clearprop.vjp(lambda y: y, np.ones(3))[1](x)[0],
}


def test_the_ways_agree_on_plain_arrays() -> None:
    for name, way in WAYS.items():
        np.testing.assert_allclose(way(X), 2 * X, err_msg=name)


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("way", WAYS)
def test_an_argument_is_read_as_numpy_reads_it(kind: str, way: str) -> None:
    np.testing.assert_allclose(WAYS[way](TAKEN[kind](X)), 2 * X)


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("way", WAYS)
def test_an_argument_that_computes_in_its_own_way_is_refused(kind: str, way: str) -> None:
    make, words = REFUSED[kind]
    if way in ("tensor", "a gradient given"):  # conversions that were asked for
        if kind == "labels":
            np.testing.assert_allclose(WAYS[way](make(X)), 2 * X)
            return
        words = words.split(", which")[0]
    with pytest.raises(UnsupportedError, match=re.escape(words)):
        WAYS[way](make(X))


def advice(error: BaseException) -> str:
    """The expression that a message recommends first."""
    found = re.search(r"Use (\S*\(.*?\)|\S+?)(,| or |\.( |$|\n))", str(error))
    assert found, str(error)
    return found[1]


@pytest.mark.parametrize("kind", ADVISED)
def test_the_advice_works_when_followed(kind: str) -> None:
    x = REFUSED[kind][0](X)
    with pytest.raises(UnsupportedError) as caught:
        clearprop.grad(squares)(x)
    instead = eval(advice(caught.value), {"x": x, "np": np})
    np.testing.assert_allclose(clearprop.grad(squares)(instead).reshape(3), 2 * X)


def by_backward(f: Callable[[Any], Any]) -> Any:
    t = clearprop.tensor(np.ones(3))
    f(t).backward()
    return t.grad


RUNS: dict[str, Callable[[Callable[[Any], Any]], Any]] = {
    "backward": by_backward,
    "grad": lambda f: clearprop.grad(f)(np.ones(3)),
    "jacobian": lambda f: clearprop.jacobian(f)(np.ones(3)),
    "trace": lambda f: clearprop.trace(clearprop.grad(f), np.ones(3)).evaluate(np.ones(3)),
    "compile": lambda f: clearprop.compile(clearprop.grad(f))(np.ones(3)),
    "explain": lambda f: clearprop.explain(f, np.ones(3)).gradients["t"],
    "source": lambda f: clearprop.source(f, np.ones(3)).function(np.ones(3))[1],
}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    # of a tensor and the object; each is the sum of products
    "t * x": lambda t, x: np.sum(t * x),
    "np.multiply(t, x)": lambda t, x: np.sum(np.multiply(t, x)),
    "np.multiply(x, t)": lambda t, x: np.sum(np.multiply(x, t)),
    "t @ x": lambda t, x: t @ x,
    "in place": lambda t, x: np.sum(times(t, x)),
}
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "np.dot": lambda t, x: np.dot(x, t),
    "np.stack": lambda t, x: np.sum(np.prod(np.stack([t, x]), axis=0)),
    "np.where": lambda t, x: np.sum(np.where(np.array([True] * 3), t * X, x)),
    "np.einsum": lambda t, x: np.einsum("i,i->", x, t),
    "assignment": lambda t, x: np.sum(written(t, x) * t),
}


def times(t: Any, x: Any) -> Any:
    y = t + 0.0
    y *= x
    return y


def written(t: Any, x: Any) -> Any:
    y = 0.0 * t
    y[:] = x
    return y


QUICK = ["backward", "grad", "trace", "explain"]
SLOW = ["jacobian", "compile", "source"]


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *((kind, how) for kind in TAKEN for how in QUICK),
        *((kind, how) for kind in ("converts", "unaligned", "big-endian") for how in SLOW),
    ],
)
def test_an_operand_is_read_as_numpy_reads_it(kind: str, how: str) -> None:
    x = TAKEN[kind](X)
    for name, f in {**OPERATIONS, **FUNCTIONS}.items():

        def loss(t: Any, f: Any = f) -> Any:
            return f(t, x)

        if (how, name) == ("source", "in place"):
            continue  # has no form in a target
        np.testing.assert_allclose(RUNS[how](loss), X, err_msg=name)


@pytest.mark.parametrize(
    "kind", sorted(set(REFUSED) - {"operator of SciPy"})
)  # which asks to be asked
@pytest.mark.parametrize("how", QUICK)
def test_an_operand_that_computes_in_its_own_way_is_refused(kind: str, how: str) -> None:
    make, words = REFUSED[kind]
    x = make(X)
    for name, f in OPERATIONS.items():
        if name == "np.multiply(x, t)" and isinstance(x, np.ndarray):
            continue  # NumPy asks the subclass first
        if name == "in place" and kind == "labels":
            continue  # the result is an array, whatever the operand is
        with pytest.raises(UnsupportedError, match=re.escape(words.split(", which")[0])):
            RUNS[how](lambda t, f=f: f(t, x))


@pytest.mark.parametrize("how", RUNS)
def test_functions_read_objects_with_labels_for_their_numbers(how: str) -> None:
    x = Series(X)
    for name, f in FUNCTIONS.items():
        np.testing.assert_allclose(RUNS[how](lambda t, f=f: f(t, x)), X, err_msg=name)


def test_python_numbers_of_other_classes() -> None:
    def by(x: Any) -> Any:
        return clearprop.grad(lambda t: np.sum(t * x))(np.ones(2)).tolist()

    assert by(collections.deque([2.0, 3.0])) == [2, 3]
    for number in (fractions.Fraction(1, 2), decimal.Decimal("0.5")):
        with pytest.raises(UnsupportedError, match=r"arithmetic of its own\. Use float\(x\)"):
            by(number)
    with pytest.raises(UnsupportedError, match="multiply got a NoneType"):
        by(None)
    with pytest.raises(UnsupportedError, match="multiply got a object"):
        by(object())
    assert (clearprop.tensor([1.0, 2.0]) == None).tolist() == [False, False]  # noqa: E711


def test_classes_with_operators_of_their_own_may_ask_to_be_asked() -> None:
    class Polynomial:
        __array_ufunc__ = None

        def __rmul__(self, other: Any) -> Any:
            return other * other

    t = clearprop.tensor(3.0)
    (t * Polynomial()).backward()
    assert t.grad == 6
    with pytest.raises(TypeError, match="unsupported operand"):
        t - Polynomial()


NOT_NUMBERS: dict[str, tuple[Any, str]] = {
    "dates": (np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]"), "x.astype(float)"),
    "durations": (np.array([1, 2, 3], "m8[s]"), "x.astype(float)"),
    "text": (np.array(["1", "2", "3"]), "x.astype(float)"),
    "records": (np.array([(1.0,), (2.0,), (3.0,)], [("a", float)]), "x['a']"),
    "an array of Python objects": (np.array([1, 2.5, 3], object), "x.astype(float)"),
}


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_what_is_no_number_is_refused_by_name(kind: str) -> None:
    x, instead = NOT_NUMBERS[kind]
    runs: list[Callable[[Any], Any]] = [
        clearprop.grad(squares),
        lambda x: clearprop.vjp(squares, x),
        clearprop.tensor,
        lambda x: clearprop.vjp(lambda y: y, np.ones(3))[1](x),
        lambda x: np.stack([clearprop.tensor(np.ones(3)), x]),
        lambda x: clearprop.vjp(lambda y: x, np.ones(3)),
    ]
    for way in QUICK:
        for f in OPERATIONS.values():
            runs.append(lambda x, way=way, f=f: RUNS[way](lambda t: f(t, x)))
    for run in runs:
        with pytest.raises(DtypeError, match=kind) as caught:
            run(x)
        assert instead in str(caught.value)
    clearprop.grad(squares)(eval(instead, {"x": x}))


def test_numbers_of_numpy_that_are_dates() -> None:
    for date in (np.timedelta64(3, "s"), np.datetime64("2020-01-01")):
        with pytest.raises(DtypeError, match=r"x\.astype\(float\)"):
            clearprop.tensor(1.0) * date
        with pytest.raises(DtypeError, match="f returned"):
            clearprop.grad(returns(date))(1.0)


def returns(value: Any) -> Any:
    def f(x: Any) -> Any:
        return value

    return f


# ---- results


class Labelled:
    """A number with a name: an object that holds a Tensor, with the attributes of an array."""

    dtype, shape, ndim = np.dtype(float), (), 0

    def __init__(self, value: Any) -> None:
        self.value = value

    def __float__(self) -> float:
        return 1.0


class Converted(Labelled):
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.value)


class Scaled(Labelled):
    """The number is twice its `data`."""

    @property
    def data(self) -> Any:
        return self.value


@pytest.mark.parametrize("wrap", [Labelled, Converted, Scaled])
def test_a_result_that_holds_a_tensor_is_never_zeros(wrap: Any) -> None:
    def f(x: Any) -> Any:
        return wrap(np.sum(x))

    for run in (
        lambda: clearprop.grad(f)(X),
        lambda: clearprop.value_and_grad(f)(X),
        lambda: clearprop.vjp(f, X),
        lambda: clearprop.jvp(f, X, X),
        lambda: clearprop.jacobian(lambda x: [f(x), x])(X),
        lambda: clearprop.trace(f, X),
        lambda: clearprop.compile(f)(X),
        lambda: clearprop.explain(f, X),
        lambda: clearprop.source(f, X),
    ):
        with pytest.raises(ClearpropError):
            run()
    error = LostGradientError if wrap is Converted else UnsupportedError
    with pytest.raises(
        error, match=r"a conversion to a plain array|f returned a (Labelled|Scaled)"
    ):
        clearprop.grad(f)(X)


@pytest.mark.parametrize("kind", ["units", "labels", "masked", "sparse", "elsewhere"])
def test_constants_of_other_classes_as_results_are_refused(kind: str) -> None:
    make, words = REFUSED[kind]
    with pytest.raises(UnsupportedError, match=f"f returned {words}"):
        clearprop.vjp(returns(make(X)), X)


def test_the_block_of_an_opaque_library_returns_arrays() -> None:
    @clearprop.block
    def double(x: Any) -> Any:
        return Series(2 * x)

    @double.gradient
    def double_gradient(g: Any, out: Any, x: Any) -> Any:
        return OnlyConverts(2 * np.asarray(g))

    with pytest.raises(UnsupportedError, match="block double returned a Series"):
        clearprop.grad(lambda x: np.sum(double(x)))(X)
    double.function = None
    doubled = clearprop.block(lambda x: OnlyConverts(2 * x))
    doubled.gradient(double_gradient)
    assert clearprop.grad(lambda x: np.sum(doubled(x)))(X).tolist() == [2, 2, 2]


# ---- indices


INDICES: dict[str, tuple[Any, Any]] = {
    # an object, and what NumPy reads in it
    "mask": (Series([True, False, True]), [True, False, True]),
    "whole numbers": (OnlyConverts([2, 2]), [2, 2]),
    "big-endian": (np.array([2, 0], ">i4"), [2, 0]),
    "memoryview": (memoryview(np.array([1, 1])), [1, 1]),
    "matrix": (np.array([[0, 2]]).view(np.matrix), [[0, 2]]),
    "masked array": (np.ma.masked_array([0, 1], [1, 0]), [0, 1]),
    "a number": (np.array(1), 1),
    "range": (range(2), [0, 1]),
}


@pytest.mark.parametrize("kind", INDICES)
@pytest.mark.parametrize("how", QUICK)
def test_an_index_is_read_as_numpy_reads_it(kind: str, how: str) -> None:
    index, same = INDICES[kind]
    expected = np.zeros(3)
    np.add.at(expected, np.array(same), np.ones(3)[np.array(same)])

    def wrote(t: Any) -> Any:
        y = 0.0 * t
        y[index] = t[index]
        return np.sum(y * t)

    np.testing.assert_allclose(RUNS[how](lambda t: np.sum(t[index])), expected)
    np.testing.assert_allclose(RUNS[how](wrote), 2 * (expected > 0))


def test_an_index_that_is_none() -> None:
    t = clearprop.tensor(X)
    for index in (Series([0.0]), OnlyConverts(["a"]), Elsewhere([0]), "a", 1.0, {0}):
        with pytest.raises(IndexError, match="index"):
            t[index]


# ---- the numbers that are differentiated


CHANGES: dict[str, Callable[[Any, Callable[[], None]], Any]] = {
    # what computes a gradient of x[0]**2 + ..., and changes the array while it does
    "pullback": lambda x, change: pulled(x, change),
    "grad": lambda x, change: clearprop.grad(changing(change))(x),
    "value_and_grad": lambda x, change: clearprop.value_and_grad(changing(change))(x)[1],
    "jacobian": lambda x, change: clearprop.jacobian(changing(change))(x),
    "jvp": lambda x, change: clearprop.jvp(changing(change, lambda y: y * y), x, np.ones(3))[1],
    "hvp": lambda x, change: (
        X * clearprop.hvp(changing(change, lambda y: np.sum(y**3) / 3), x, 1 / X)
    ),
    "container": lambda x, change: clearprop.grad(lambda p: changing(change)(p[0]))([x])[0],
    "explain": lambda x, change: clearprop.explain(changing(change), x).gradients["x"],
    "traced": lambda x, change: clearprop.trace(
        lambda y: y + clearprop.grad(changing(change))(x), np.zeros(3)
    ).evaluate(np.zeros(3)),
}


def changing(change: Callable[[], None], f: Callable[[Any], Any] = squares) -> Any:
    def loss(x: Any) -> Any:
        y = f(x)
        change()
        return y

    return loss


def pulled(x: Any, change: Callable[[], None]) -> Any:
    _, pullback = clearprop.vjp(squares, x)
    change()
    return pullback(1.0)[0]


@pytest.mark.parametrize("of", ["array", "view", "read-only view", "converted", "Fortran order"])
@pytest.mark.parametrize("name", CHANGES)
def test_changing_an_array_does_not_change_its_gradient(name: str, of: str) -> None:
    base = np.stack([X, X]).copy("F" if of == "Fortran order" else "C")
    x: Any = X.copy() if of == "array" else base[1]
    if of == "read-only view":
        x.flags.writeable = False
    if of == "converted":
        x = OnlyConverts(X)

    def change() -> None:
        base[:] = 50
        if of == "array":
            x[:] = 50
        if of == "converted":
            x.numbers[:] = 50

    np.testing.assert_allclose(CHANGES[name](x, change), 2 * X)


def test_an_array_that_nobody_can_change_is_not_copied() -> None:
    x = np.ones(3)
    x.flags.writeable = False
    seen = []
    clearprop.grad(lambda t: (seen.append(t.value), np.sum(t))[1])(x)
    assert seen[0] is x


def test_what_vjp_returns_is_not_the_users_array() -> None:
    x = X.copy()
    y, _ = clearprop.vjp(lambda x: x, x)
    assert not np.shares_memory(x, y)


# ---- other things among the arguments


def test_classes_modules_and_functions_are_no_arrays() -> None:
    def f(x: Any, module: Any, dtype: Any, how: Any) -> Any:
        return how(module.sum(x).astype(dtype))

    fixed = (np, np.float32, np.exp)
    assert clearprop.trace(f, X, *fixed).inputs[0].name == "x"
    assert len(clearprop.trace(f, X, *fixed).inputs) == 1
    assert clearprop.compile(f)(X, *fixed) == f(X, *fixed)


def test_specs_are_for_traces() -> None:
    spec = clearprop.ArraySpec((3,), float)
    assert clearprop.trace(squares, spec).evaluate(X) == 21
    for run in (
        clearprop.compile(squares),
        clearprop.grad(squares),
        lambda x: clearprop.explain(squares, x),
        lambda x: clearprop.source(squares, x),
    ):
        with pytest.raises(UnsupportedError, match="an ArraySpec, which has no numbers"):
            run(spec)


def test_compiled_code_sees_what_changed_in_an_object() -> None:
    x = OnlyConverts(X)
    compiled = clearprop.compile(squares)
    assert compiled(x) == 21
    x.numbers[0] = 2.0
    assert compiled(x) == 24
    x.numbers = np.array([1.0, 1.0])
    assert compiled(x) == 2


def test_memory_mapped(tmp_path: Path) -> None:
    kept = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(3,))
    kept[:] = X
    for name, way in WAYS.items():
        np.testing.assert_allclose(way(kept), 2 * X, err_msg=name)


def test_only_one_place_asks_for_attributes() -> None:
    source = Path(clearprop.__file__).parent
    asking = [
        str(path.relative_to(source))
        for path in sorted(source.rglob("*.py"))
        if re.search(
            r'hasattr\([^()]*, "(dtype|shape|ndim|requires_grad)"\)', path.read_text("utf-8")
        )
    ]
    assert asking == ["engine/spec.py"], "what a value is, arrays.py says"
