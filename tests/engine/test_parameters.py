"""A Tensor as any parameter of any function: its gradient, or a refusal that names the parameter.

Every parameter of every function gets a Tensor, alone and beside one as the array. Central differences of
NumPy's own answers say what is right; what has lost its gradient, or is a constant in a graph, fails.
"""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import clearprop
from clearprop.errors import (
    ClearpropError,
    GraphError,
    LostGradientError,
    TraceError,
    UnsupportedError,
)
from clearprop.graph.tracing import graph_at
from tests.numeric import slopes
from tests.parameters import Call, Parameter, calls, linalg, special

CALLS = calls()
TIME_AND_MEMORY = {
    *(
        "copy",
        "order",
        "casting",
        "kind",
        "optimize",
        "overwrite_input",
        "overwrite_a",
        "overwrite_b",
    ),
    *("check_finite", "driver", "lapack_driver", "lwork"),
}
"""Of these nothing depends on; they are ignored, whatever they are."""
OTHERWISE = {
    "numpy.take(indices)": "an index is a whole number, says the IndexError",
    "numpy.gradient(edge_order)": "1 or 2, says the ValueError",
    "numpy.piecewise(condlist)": "is a list of masks; NumPy takes a number for the only one",
    "numpy.resize(new_shape)": "is iterated over, as for an array without axes in NumPy",
    "numpy.histogram_bin_edges(weights)": "are not looked at",
    "numpy.array(ndmax)": "has no meaning for tensors",
    "numpy.array(like)": "has no meaning for tensors",
    "numpy.full(device)": "has no meaning for tensors",
    "numpy.full(like)": "has no meaning for tensors",
    "numpy.full_like(subok)": "has no meaning for tensors",
    "numpy.full_like(device)": "has no meaning for tensors",
    "numpy.pad(reflect_type)": "is for other modes",
    "numpy.pad(stat_length)": "is for other modes",
}
"""What is refused in other words, and what has no bearing."""


def number(result: Any) -> Any:
    """One number that every entry of a result has a part in."""
    if isinstance(result, tuple | list):
        return sum((number(part) for part in result), 0.0)
    if not hasattr(result, "dtype"):
        return float(result or 0)
    if result.dtype.kind == "c":
        result = np.real(result) + np.imag(result)
    weights = 1 + 0.3 * np.arange(result.size).reshape(result.shape)
    return np.sum(result * weights)


def by_grad(f: Callable[[Any], Any], x: Any) -> Any:
    return clearprop.grad(f)(x)


def by_backward(f: Callable[[Any], Any], x: Any) -> Any:
    t = clearprop.tensor(x)
    (f(t) + np.sum(t) * 0.0).backward()
    return t.grad


def elsewhere(x: Any) -> Any:
    return np.asarray(x * 1.01)[()]


def by_trace(f: Callable[[Any], Any], x: Any) -> Any:
    graph = clearprop.trace(f, x)
    graph.verify()
    return graph.evaluate(elsewhere(x))


def by_explanation(f: Callable[[Any], Any], x: Any) -> Any:
    return graph_at(f, [x], {}).evaluate(elsewhere(x))


GRADIENTS = (by_grad, by_backward)
VALUES = (by_trace, by_explanation)


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    try:
        return f(*args)
    except Exception as error:
        return error


def filled(parameter: Parameter, beside_tensor: bool, x: Any) -> Any:
    """One number of the result where `x` stands for a parameter, or for the first entry of a tuple."""
    value = parameter.value
    if isinstance(value, tuple) and value and isinstance(value[0], int | float):
        x = (x, *value[1:])
    return number(parameter.call_with(x, beside_tensor=beside_tensor))


def floating(value: Any) -> Any:
    """A number, or an array, to differentiate by in the place of a parameter."""
    if isinstance(value, tuple) and value and isinstance(value[0], int | float):
        return float(value[0])
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 0.3
    return value if isinstance(value, float) else 1.0


every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.label)
warns = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning",
    "ignore::DeprecationWarning",
    "ignore::numpy.exceptions.ComplexWarning",
    "ignore::numpy.exceptions.RankWarning",
)
"""Of values that nobody would pass."""


@every_call
@warns
def test_floating_parameters(call: Call) -> None:
    number(call.function(*call.args, **call.kwargs))  # such a call is fine
    for parameter in call.parameters():
        x = floating(parameter.value)
        if parameter.place == 0 and isinstance(x, np.ndarray):  # an operand
            continue
        plain = partial(filled, parameter, False)
        slope, value = outcome(slopes, plain, x, 1e-5), outcome(plain, elsewhere(x))
        for beside_tensor in (False, True):
            f = partial(filled, parameter, beside_tensor)
            for way in GRADIENTS:
                judge(parameter, outcome(way, f, x), slope)
            for way in VALUES:
                judge(parameter, outcome(way, f, x), value)


@every_call
@warns
def test_whole_parameters(call: Call) -> None:
    """Tensors of whole numbers have no gradient: they count as their values, or are refused."""
    for parameter in call.parameters():
        if not isinstance(parameter.value, int) or isinstance(parameter.value, bool):
            continue
        n = np.int64(parameter.value)
        right = outcome(filled, parameter, False, n)
        for beside_tensor in (False, True):
            f = partial(filled, parameter, beside_tensor)
            got = outcome(f, clearprop.tensor(n))
            judge(parameter, getattr(got, "value", got), right)
            judge(parameter, outcome(at_the_same_place, f, n), right)


def at_the_same_place(f: Callable[[Any], Any], n: Any) -> Any:
    return clearprop.trace(lambda n: f(n) * 1.0, n).evaluate(n)


def judge(parameter: Parameter, got: Any, right: Any) -> None:
    if isinstance(got, ClearpropError) or str(parameter) in OTHERWISE:
        return
    if parameter.name in TIME_AND_MEMORY:
        return
    says = f"{parameter}: {got!r}, right is {right!r}"
    if isinstance(right, Exception):
        assert isinstance(got, Exception), says
        assert not isinstance(got, RecursionError), says
        return
    assert not isinstance(got, Exception), says
    np.testing.assert_allclose(np.asarray(got), right, 1e-5, 1e-5, err_msg=says)


def test_the_table_is_complete() -> None:
    given = {call.function for call in CALLS}
    for module in (linalg, special):
        missing = [f.__name__ for f in own(module) if f not in given]
        assert not missing, f"{module.__name__}: {missing}"


def own(module: ModuleType) -> list[Any]:
    members = (getattr(module, name) for name in module.__all__)
    return [f for f in members if inspect.isfunction(f) and f.__module__.startswith("clearprop")]


# ---- the words, and what NumPy and SciPy cover


X = np.ones((3, 3))
W = np.array([-1.0, 0.5])


def reduce_of_star(t: Any) -> Any:
    return np.add.reduce(*(W,), initial=t)  # here


def assigned_method(t: Any) -> Any:
    product = X.dot
    return product(t * np.ones(3))  # here


SPOKEN: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "interp": (
        lambda t: np.interp(W, [0.0, 1.0], [1.0, 4.0], left=t),  # here
        ("np.interp takes left= as a plain value", "clearprop.tensor(x, requires_grad=False)"),
    ),
    "initial": (lambda t: np.max(W, initial=t), ("np.max takes initial=", "t.detach()")),  # here
    "reduce": (lambda t: np.add.reduce(W, initial=t), ("np.ufunc.reduce takes",)),  # here
    "reduce of *args": (reduce_of_star, ("np.ufunc.reduce takes",)),
    "axis": (lambda t: np.roll(t * W, t), ("np.roll takes shift=", "int(t.detach())")),  # here
    "method": (lambda t: (t * W).round(t), ("round takes decimals=", "int(t.detach())")),  # here
    "list": (lambda t: np.reshape(t * W, (2, t)), ("np.reshape takes shape=",)),  # here
    "size": (lambda t: np.zeros(t), ("np.zeros takes a tensor", "int(t.detach())")),  # here
    "fill": (lambda t: np.ones(2).fill(t), ("fill takes a tensor",)),  # here
    "flag": (lambda t: np.sum(t * W, keepdims=t), ("np.sum takes keepdims=",)),  # here
    "our own": (lambda t: clearprop.softmax(t * W, t), ("softmax takes axis=",)),  # here
    "SciPy": (lambda t: linalg.cholesky(X + np.eye(3), t), ("cholesky takes lower=",)),  # here
    "SciPy itself": (
        lambda t: scipy.linalg.cholesky(X + np.eye(3), t),  # here
        ("cholesky takes lower=",),
    ),
    "dot": (lambda t: X.dot(t * np.ones(3)), ("X @ t", "np.dot(X, t)")),  # here
    "dot of anything": (lambda t: X.T[:, ::-1].dot(t * np.ones(3)), ("X @ t",)),  # here
    "dot by another name": (assigned_method, ("X @ t",)),
    "other methods": (lambda t: X[0].searchsorted(t), ("np.searchsorted(array, ...)",)),  # here
}


@pytest.mark.parametrize("case", SPOKEN)
def test_messages(case: str) -> None:
    f, phrases = SPOKEN[case]

    def eager() -> None:
        t = clearprop.tensor(0.0)
        f(t)
        t.backward()

    for way in (
        *([eager] if case != "size" else ()),  # where NumPy itself wants no floating number
        lambda: clearprop.grad(f)(0.0),
        lambda: clearprop.explain(f, 0.0),
        lambda: clearprop.compile(clearprop.grad(f))(0.0),
        lambda: clearprop.source(f, 0.0),
    ):
        with pytest.raises((LostGradientError, TraceError)) as caught:
            way()
        text = str(caught.value)
        assert type(caught.value) is TraceError or all(phrase in text for phrase in phrases), text
        assert "# here" in text, text


def test_what_numpy_covers_comes_out_at_backward() -> None:
    t = clearprop.tensor(2.0)
    total = np.sum(W, initial=t) + t
    assert total == 3.5
    with pytest.raises(LostGradientError, match=r"np\.sum takes initial="):
        total.backward()
    total.backward()  # it was said
    assert t.grad == 1
    total = np.sum(W, initial=t) + t
    with pytest.raises(LostGradientError, match=r"np\.sum takes initial="):
        clearprop.explain(total)


def test_it_does_not_come_out_elsewhere() -> None:
    def f(x: Any) -> Any:
        with contextlib.suppress(Exception):
            np.sum(W, initial=x)
        return x * x

    assert clearprop.grad(f)(3.0) == 6
    t = clearprop.tensor(3.0)
    (t * t).backward()
    assert t.grad == 6

    def g(x: Any) -> Any:
        with contextlib.suppress(Exception):
            np.sum(W, initial=x)
        raise KeyError("of the user's")

    with pytest.raises(KeyError, match="of the user's"):
        clearprop.grad(g)(3.0)


def test_where_no_gradient_is_wanted() -> None:
    t = clearprop.tensor(2.0)
    assert np.sum(W, initial=t.detach()) == 1.5
    with clearprop.no_grad():
        assert np.sum(W, initial=t) == 1.5
    assert clearprop.grad(lambda x: x * np.sum(W, initial=x.detach()))(2.0) == 1.5
    assert np.roll(W, clearprop.tensor(1)).tolist() == [0.5, -1]
    shifted = np.roll(clearprop.tensor(W), clearprop.tensor(1))
    assert not hasattr(shifted.params["shift"], "value")
    assert float(t) == int(t) == t.item() == 2, "to read a number"
    assert math.sqrt(t * 2) == 2


def test_parameters_that_are_followed() -> None:
    """By compiled code and generated code, too."""
    w = clearprop.tensor(W, requires_grad=False)
    cases: tuple[Callable[[Any], Any], ...] = (
        lambda t: np.sum(np.interp(w, [0.0, 1.0], [1.0, 4.0], left=t)),
        lambda t: np.sum(w, initial=t) * t,
        lambda t: np.var(w, ddof=t),
        lambda t: np.max(w, initial=t),
        lambda t: np.sum(np.clip(w, None, t)),
    )
    for f, slope in zip(cases, (1.0, 0.7, 1.125 / 1.96, 1.0, 0.0), strict=True):
        g = clearprop.grad(f)
        np.testing.assert_allclose([g(0.6), clearprop.compile(g)(0.6)], slope)
        if f is not cases[2]:
            np.testing.assert_allclose(clearprop.source(f, 0.6).function(0.6)[1], g(0.6))


def test_a_graph_holds_no_tensor_as_a_parameter() -> None:
    graph = clearprop.trace(lambda x: np.roll(x, 1), W)
    graph.nodes[0].params["shift"] = (clearprop.tensor(1),)
    with pytest.raises(GraphError, match=r"roll.* has a tensor as its parameter shift"):
        graph.verify()


# ---- keywords that NumPy has and the answer has not


def unanswered() -> list[Any]:
    found = []
    for call in CALLS:
        try:
            numpys = inspect.signature(call.function).parameters
        except ValueError:  # a function written in C that does not say
            continue
        if call.function is call.answer or call.label.endswith("once more"):
            continue
        known = inspect.signature(call.answer).parameters
        if any(p.kind is p.VAR_KEYWORD for p in known.values()):
            continue
        names = (
            n for n, p in numpys.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
        )
        found += [pytest.param(call, n, id=f"{call.label}-{n}") for n in names if n not in known]
    return found


@pytest.mark.parametrize(("call", "name"), unanswered())
def test_keywords_without_an_answer_are_named(call: Call, name: str) -> None:
    def tensors(x: Any) -> Any:
        if isinstance(x, list):
            return list(map(tensors, x))
        floating = isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
        return clearprop.tensor(x) if floating else x

    kwargs = {**call.kwargs, name: np.zeros(()) if name == "out" else None}
    with pytest.raises((UnsupportedError, LostGradientError), match=rf"\b{name}="):
        call.function(*map(tensors, call.args), **kwargs)


@pytest.mark.parametrize("name", ["norm", "vector_norm", "matrix_norm"])
def test_the_order_of_a_norm_is_named(name: str) -> None:
    def f(x: Any, order: Any) -> Any:
        return getattr(np.linalg, name)(x, ord=order)

    with pytest.raises(TraceError, match=rf"np\.linalg\.{name} takes ord="):
        clearprop.compile(f)(np.eye(2), 2.0)
    with pytest.raises(LostGradientError, match=rf"np\.linalg\.{name} takes ord="):
        clearprop.grad(f, (0, 1))(np.eye(2), 2.0)
    assert f(clearprop.tensor(np.eye(2)), 2) == f(np.eye(2), 2)
