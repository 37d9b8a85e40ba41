"""What goes through pickle and copy, in one process and into others; and what says that it does not."""

from __future__ import annotations

import copy
import functools
import inspect
import linecache
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import Primitive, primitives

X = np.array([0.5, -1.5])

WAYS: list[Callable[[Any], Any]] = [
    *(partial(lambda x, p: pickle.loads(pickle.dumps(x, p)), p=p) for p in range(2, 6)),
    copy.deepcopy,
]


@pytest.fixture(params=WAYS, ids=["pickle 2", "pickle 3", "pickle 4", "pickle 5", "deepcopy"])
def again(request: Any) -> Callable[[Any], Any]:
    return request.param


def cube(x: Any) -> Any:
    """The third power."""
    return np.sum(x**3)


@clearprop.grad
def decorated(x: Any) -> Any:
    return np.sum(x**3)


@clearprop.compile
@clearprop.value_and_grad
def twice_decorated(x: Any, *, scale: float = 2.0) -> Any:
    return np.sum(x**3)


@clearprop.block
def swish(x: Any) -> Any:
    return x * clearprop.sigmoid(x)


@clearprop.block
def own(x: Any) -> Any:
    return x * x


@own.gradient
def own_gradient(g: Any, out: Any, x: Any) -> Any:
    return 2 * x * g


class Model:
    scale = 2.0

    @clearprop.grad
    def slope(x: Any) -> Any:  # as in `Model.slope`
        return np.sum(x**2)

    @partial(clearprop.grad, argnums=1)
    def gradient(self, x: Any) -> Any:
        return self.scale * np.sum(x**3)

    def loss(self, x: Any) -> Any:
        return self.scale * np.sum(x**3)


@dataclass
class Net:
    w: Any
    b: list[Any]


# ---- functions


TRANSFORMED = {
    "grad": (clearprop.grad(cube), [0.75, 6.75]),
    "value": (clearprop.value_and_grad(cube), (-3.25, [0.75, 6.75])),
    "aux": (clearprop.grad(cube, has_aux=True), None),
    "jacobian": (clearprop.jacobian(np.square), [[1.0, 0.0], [0.0, -3.0]]),
    "denominator": (clearprop.jacobian(np.cumsum, layout="denominator"), [[1.0, 1.0], [0.0, 1.0]]),
    "hessian": (clearprop.hessian(cube), [[3.0, 0.0], [0.0, -9.0]]),
    "nested": (clearprop.jacobian(clearprop.grad(cube)), [[3.0, 0.0], [0.0, -9.0]]),
    "argnums": (clearprop.grad(cube, (0,)), ([0.75, 6.75],)),
    "method": (clearprop.grad(Model().loss), [1.5, 13.5]),
    "partial": (clearprop.grad(partial(np.sum, axis=0)), [1.0, 1.0]),
    "decorated": (decorated, [0.75, 6.75]),
    "static": (Model.slope, [1.0, -3.0]),
    "of a block": (clearprop.jacobian(own), [[1.0, 0.0], [0.0, -3.0]]),
    "bound": (Model().gradient, [1.5, 13.5]),
}


def same(got: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return all(same(*pair) for pair in zip(got, expected, strict=True))
    return bool(np.array_equal(got, expected))


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms(name: str, again: Any) -> None:
    f, expected = TRANSFORMED[name]
    if expected is None:
        with pytest.raises(clearprop.ClearpropError, match="has_aux=True: cube"):
            again(f)(X)
        return
    assert same(f(X), expected)
    assert same(again(f)(X), expected)
    assert same(copy.copy(f)(X), expected)


def test_what_has_a_name_is_found_by_it(again: Any) -> None:
    for f in (decorated, twice_decorated, swish, own, Model.slope, Model.gradient):
        assert again(f) is f
        assert copy.copy(f) is f
    inner = twice_decorated.function
    assert again(inner) is inner
    assert len(pickle.dumps(inner)) < 200


def test_compiled(again: Any) -> None:
    for f in (clearprop.compile(clearprop.grad(cube), donate="x"), twice_decorated):
        value = again(f)(X.copy())
        assert same(value, f(X.copy()))
    assert again(clearprop.compile(cube, donate="x")).donate == ("x",)


def test_a_block_keeps_its_own_gradient(again: Any) -> None:
    for f in (swish, own):
        made, arguments = f.made_by()
        fresh = made(*arguments)
        assert fresh is not f
        assert fresh(3.0) == f(3.0)
        assert clearprop.grad(fresh)(3.0) == clearprop.grad(f)(3.0)
    assert clearprop.grad(made(*arguments))(3.0) == 6.0


@clearprop.block
def opaque(p: Any, x: Any) -> Any:
    """It computes with Python's numbers, so a trace runs it on its examples."""
    return {"y": math.sin(p["w"]) * x, "rest": [x + 1.0]}


@opaque.gradient
def opaque_gradient(g: Any, out: Any, p: Any, x: Any) -> Any:
    return {"w": math.cos(p["w"]) * np.sum(g["y"] * x)}, math.sin(p["w"]) * g["y"] + g["rest"][0]


def test_graphs_of_blocks_that_nobody_can_look_into(again: Any) -> None:
    def loss(p: Any, x: Any) -> Any:
        made = opaque(p, x)
        return np.sum(made["y"] ** 2) + np.sum(made["rest"][0])

    for f in (loss, clearprop.grad(loss, (0, 1))):
        graph = clearprop.trace(f, {"w": 0.5}, X)
        twin = again(graph)
        twin.verify()
        assert str(twin) == str(graph)
        assert str(twin.evaluate({"w": 0.25}, 2 * X)) == str(f({"w": 0.25}, 2 * X))


def test_a_local_function_says_so() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"local|lambda"):
        pickle.dumps(clearprop.grad(lambda x: x * x))


def test_a_function_of_another_name_is_not_taken_for_it() -> None:
    """Only what the name leads to is stored by name."""
    f = clearprop.grad(decorated.function)
    assert f.__qualname__ == decorated.__qualname__
    with pytest.raises(pickle.PicklingError, match="not the same object"):
        pickle.dumps(f)


def test_a_transform_looks_like_the_function() -> None:
    g = clearprop.grad(cube)
    assert (g.__name__, g.__module__, g.__doc__) == (
        "cube",
        cube.__module__,
        "The third power.",
    )
    assert g.__wrapped__ is cube
    assert inspect.signature(twice_decorated) == inspect.signature(twice_decorated.function)
    assert list(inspect.signature(twice_decorated).parameters) == ["x", "scale"]
    assert list(inspect.signature(Model().gradient).parameters) == ["x"]
    assert functools.reduce(lambda f, _: clearprop.grad(f), range(2), cube).__name__ == "cube"


def test_a_transform_says_what_it_is() -> None:
    assert repr(clearprop.grad(cube)) == "<grad of cube>"
    assert repr(clearprop.value_and_grad(cube)) == "<value_and_grad of cube>"
    assert repr(clearprop.jacobian(cube)) == "<jacobian of cube>"
    assert repr(clearprop.hessian(cube)) == "<hessian of cube>"
    assert repr(clearprop.grad(clearprop.grad(cube))) == "<grad of grad of cube>"
    assert repr(clearprop.grad(swish)) == "<grad of block swish>"
    assert repr(clearprop.grad(twice_decorated)) == "<grad of compiled twice_decorated>"
    assert repr(clearprop.grad(partial(cube))) == "<grad of partial>"
    assert repr(clearprop.vjp(cube, X)[1]) == "<pullback of cube>"


def test_methods() -> None:
    assert same(Model().gradient(X), [1.5, 13.5])

    class Layer:
        @clearprop.block
        def forward(self, x: Any) -> Any:
            return self.w * x

        def __init__(self, w: float) -> None:
            self.w = w

    assert Layer(3.0).forward(2.0) == 6.0
    assert clearprop.grad(Layer(3.0).forward)(2.0) == 3.0


def test_a_pullback_says_what_to_take_along() -> None:
    _, pullback = clearprop.vjp(np.sum, X)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(clearprop.GradientError, match=r"a pullback of sum .* clearprop\.vjp"):
            attempt(pullback)


# ---- tensors


def test_leaves(again: Any) -> None:
    t = clearprop.tensor([1.0, 2.0], dtype="float32", name="weights")
    (t * t).sum().backward()
    for twin in (again(t), copy.copy(t)):
        assert type(twin) is clearprop.Tensor
        assert (twin.dtype, twin.requires_grad, twin.is_leaf) == ("float32", True, True)
        assert same(twin.value, [1.0, 2.0])
        assert same(twin.grad, [2.0, 4.0])
        assert twin.origin.name == "weights"
        with pytest.raises(ValueError, match="read-only"):
            twin.value[0] = 3.0
        twin.zero_grad()
        (twin * 3).sum().backward()
        assert same(twin.grad, [3.0, 3.0])
        assert same(t.grad, [2.0, 4.0])


def test_leaves_without_gradient(again: Any) -> None:
    for t in (
        clearprop.tensor(3),
        clearprop.tensor(1.0, requires_grad=False),
        (clearprop.tensor(2.0) * 3).detach(),
        clearprop.tensor([1.0, 2.0]).argmax(),
        clearprop.tensor([1.0, 2.0], requires_grad=False)[1:],
    ):
        twin = again(t)
        assert twin.requires_grad is False
        assert (twin.dtype, twin.shape) == (t.dtype, t.shape)
        assert same(twin.value, t.value)


def test_containers_of_leaves(again: Any) -> None:
    net = Net(clearprop.tensor(X), [clearprop.tensor(1.0), None])
    net.b.append(net.w)
    twin = again(net)
    assert twin.w is not net.w
    assert twin.b[2] is twin.w
    assert same(twin.w.value, X)
    (twin.w * twin.b[0]).sum().backward()
    assert net.w.grad is None
    assert same(twin.b[0].grad, -1.0)


def test_results_say_to_detach_first() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = x * 2
    messages = set()
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(clearprop.GradientError, match=r"detach\(\) first") as caught:
            attempt(y)
        messages.add(str(caught.value))
        assert "attempt(y)" in str(caught.value)  # the user's line, not one of the copy module's
        assert same(attempt({"y": y.detach()}) and again_(y.detach()).value, [2.0, 4.0])
    assert len(messages) == 1
    x.grad = y  # as after backward(create_graph=True)
    with pytest.raises(clearprop.GradientError, match=r"detach\(\) first"):
        pickle.dumps(x)


def again_(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


def test_a_shallow_copy_of_a_result_passes_its_gradient_on() -> None:
    x = clearprop.tensor([1.0, 2.0])
    (copy.copy(x * 2) * 5).sum().backward()
    assert same(x.grad, [10.0, 10.0])
    assert same(clearprop.grad(lambda x: copy.copy(x) * 3)(1.0), 3.0)
    for copied in (copy.copy, copy.deepcopy):
        graph = clearprop.trace(lambda x, copied=copied: copied(x) * 3, 1.0)
        assert graph.evaluate(2.0) == 6.0


def test_an_unknown_value_says_so() -> None:
    with pytest.raises(clearprop.TraceError, match="while tracing"):
        clearprop.trace(lambda i: pickle.dumps(i), np.array([1, 2]))


# ---- graphs and what is made of them


def network(params: dict[str, Any], x: Any, *, mask: Any, power: int = 2) -> Any:
    h = own(swish(x @ params["w"])) + params["b"]
    h[0] = np.where(mask, h[0], 0.0)
    return {"loss": np.mean(h**power), "parts": (h, None)}


NETWORK = (
    {"w": np.ones((2, 3)), "b": 0.5},
    np.arange(8.0).reshape(4, 2),
)
MASK = {"mask": np.array([True, False, True])}


def test_graphs(again: Any) -> None:
    graph = clearprop.trace(network, *NETWORK, **MASK)
    twin = again(graph)
    twin.verify()
    assert str(twin) == str(graph)
    assert str(twin.open()) == str(graph.open())
    result, expected = twin.evaluate(*NETWORK, **MASK), network(*NETWORK, **MASK)
    assert same(result["loss"], expected["loss"])
    assert same(result["parts"][0], expected["parts"][0])
    assert result["parts"][1] is None
    tensors = {"w": clearprop.tensor(NETWORK[0]["w"]), "b": clearprop.tensor(0.5)}
    for g in (graph, twin):
        g.evaluate(tensors, NETWORK[1], **MASK)["loss"].backward()
    half = tensors["w"].grad / 2
    graph.evaluate(tensors, NETWORK[1], **MASK)["loss"].backward()
    assert np.allclose(tensors["w"].grad, 3 * half)
    with pytest.raises(clearprop.GraphError, match="Trace it again"):
        twin.evaluate(NETWORK[0], NETWORK[1][:2], **MASK)
    with pytest.raises(clearprop.TraceError, match="network was traced with the fixed values"):
        twin.evaluate(*NETWORK, **MASK, power=3)


def test_a_graph_of_every_primitive() -> None:
    """Whatever parameters there are: slices, functions of NumPy's, nothing at all."""
    for record in vars(primitives).values():
        for sample in record.samples[:1]:

            def f(*xs: Any, record: Any = record, params: Any = sample.params) -> Any:
                y = record(*xs, **params)
                return tuple(y) if type(y.value) is Bundle else y

            try:
                graph = clearprop.trace(f, *sample.draw())
            except clearprop.TraceError:
                continue  # the size of the result depends on values
            assert str(again_(graph)) == str(graph)


def test_a_graph_does_without_its_function() -> None:
    def outside(x: Any, scale: Any = X) -> Any:
        return np.sum(scale * x)

    twin = again_(clearprop.trace(outside, X))
    assert same(twin.evaluate(X), 2.5)
    assert same(twin.evaluate(x=X), 2.5)


def test_constants_stay_small_and_cannot_be_changed(again: Any) -> None:
    table = np.broadcast_to(np.array([[1.0], [2.0]]), (2, 100_000))
    graph = clearprop.trace(lambda x: (table * x, table), 1.0)
    assert len(pickle.dumps(graph)) < 10_000
    twin = again(graph)
    product, constant = twin.evaluate(3.0)
    assert same(product, 3 * table)
    assert same(constant, table)
    assert not constant.flags.writeable
    kept = [w.constant for w in twin.wires() if w.is_constant]
    assert [(c.strides, c.flags.writeable) for c in kept] == [((8, 0), False)] * len(kept)
    shared = clearprop.trace(lambda x: (X * x, X + x), 1.0)
    wires = [w for n in again(shared).nodes for w in n.inputs if w.is_constant]
    assert wires[0] is wires[1]


def test_lines_keep_their_text(tmp_path: Path) -> None:
    """A graph says what it was made of, wherever it is read."""
    file = tmp_path / "model.py"
    file.write_text("import numpy as np\ndef f(x):\n    y = np.sin(x)\n    return y * 2\n")
    space: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    graph = clearprop.trace(space["f"], 1.0)
    text, stored = str(graph), pickle.dumps(graph)
    assert "y = np.sin(x)" in text
    file.write_text("# quite\n# another\n# file\n# now\n")
    linecache.clearcache()
    twin = pickle.loads(stored)
    assert str(twin) == text
    assert twin.nodes[0].line == graph.nodes[0].line


@pytest.mark.parametrize("how", [clearprop.explain, clearprop.source], ids=["explain", "source"])
def test_explanations_and_sources(how: Any, again: Any) -> None:
    def loss(params: dict[str, Any], x: Any) -> Any:
        h = np.tanh(x @ params["w"])
        return np.mean((h - 1) ** 2)

    args = {"w": np.ones((2, 3))}, np.arange(8.0).reshape(4, 2)
    made = how(loss, *args)
    twin = again(made)
    assert str(twin) == str(made)
    if how is clearprop.source:
        assert twin == made
        _, gradient, dx = twin.function(*args)
        expected = clearprop.grad(loss, (0, 1))(*args)
        assert np.allclose(gradient["w"], expected[0]["w"])
        assert np.allclose(dx, expected[1])
    else:
        assert twin.json() == made.json()
        assert twin.svg() == made.svg()
        assert twin.html() == made.html()
        assert twin.formula("w") == made.formula("w")
        assert str(twin.derive("w")) == str(made.derive("w"))
        assert same(twin.value, made.value)
        assert same(twin.gradients["w"], made.gradients["w"])


def test_an_explanation_of_blocks(again: Any) -> None:
    e = clearprop.explain(lambda x: own(swish(x)), 2.0, nudge=0.1)
    assert str(again(e)) == str(e)


@pytest.mark.parametrize("to", ["torch", "jax", "c", "latex"])
def test_sources_of_other_targets(to: str, again: Any) -> None:
    if to in ("torch", "jax"):
        pytest.importorskip(to)
    made = clearprop.source(cube, X, to=to)
    twin = again(made)
    assert twin == made
    assert (twin.function is None) == (made.function is None)
    if to == "c" and made.function is not None:
        assert same(twin.function([X]), made.function([X]))


# ---- records, specs, errors


def test_primitives(again: Any) -> None:
    for record in vars(primitives).values():
        assert again(record) is record
        assert copy.copy(record) is record
    (node,) = clearprop.trace(swish, 1.0).nodes
    assert again(node.primitive) is node.primitive


def test_a_primitive_that_is_not_registered_here() -> None:
    stray = Primitive("stray", None, cube, (cube,), "mixes", "", None)  # type: ignore[arg-type]
    stored = pickle.dumps(stray)
    with pytest.raises(clearprop.GraphError, match="'stray', which is not registered here: import"):
        pickle.loads(stored)


def test_specs(again: Any) -> None:
    spec = clearprop.ArraySpec((2, 3), np.float32)
    assert again(spec) == spec
    assert copy.copy(spec) == spec


def test_errors(again: Any) -> None:
    def every(kind: type) -> list[type]:
        return [kind, *(k for sub in kind.__subclasses__() for k in every(sub))]

    for kind in every(clearprop.ClearpropError):
        error = kind("what happened")
        error.add_note("a note")
        error.detail = [1, 2]
        for twin in (again(error), copy.copy(error)):
            assert type(twin) is kind
            assert str(twin) == str(error)
            assert twin.__notes__ == ["a note"]
            assert twin.detail == [1, 2]


def test_no_grad(again: Any) -> None:
    with again(clearprop.no_grad()):
        assert not (clearprop.tensor(1.0) * 2).requires_grad


# ---- other processes


SCRIPT = """
import functools, pickle, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import numpy as np, clearprop

def cube(x):
    return np.sum(x**3)

@clearprop.value_and_grad
def decorated(x):
    return np.sum(x**3)

@clearprop.compile
@clearprop.grad
def compiled(x):
    return np.sum(x**3)

@clearprop.block
def part(x):
    return helper(x) * x

@part.gradient
def part_gradient(g, out, x):
    return g * 3 * x**2

def helper(x):
    return x * x

def total(x):
    return np.sum(part(x))

def wrong(x):
    return x * np.ones(5)

def work(x):
    return clearprop.trace(total, x), clearprop.explain(total, x), clearprop.tensor(x, name="w")

def check(submit):
    x = np.array([1.0, 2.0])
    for f in (clearprop.grad(cube), compiled, clearprop.compile(clearprop.grad(cube)),
              clearprop.grad(total), lambda_(clearprop.grad(lambda x: np.sum(x**3)))):
        if f is not None:
            assert np.array_equal(submit(f, x), [3.0, 12.0]), f
    value, gradient = submit(decorated, x)
    assert value == 9.0 and np.array_equal(gradient, [3.0, 12.0])
    assert np.array_equal(submit(clearprop.hessian(cube), x), [[6.0, 0.0], [0.0, 12.0]])
    assert submit(part, 2.0) == 8.0
    graph, explanation, leaf = submit(work, x)
    assert graph.evaluate(x) == 9.0 and str(explanation) == str(clearprop.explain(total, x))
    assert leaf.origin.name == "w" and leaf.requires_grad
    assert submit(clearprop.trace(total, x).evaluate, x) == 9.0
    for f in (clearprop.jacobian(wrong), clearprop.grad(wrong)):
        try:
            submit(f, x)
        except ValueError as error:
            assert isinstance(error, clearprop.ShapeError), error
            assert str(error).count("in wrong") == 1, error
        else:
            raise AssertionError

if __name__ == "__main__":
    assert pickle.loads(pickle.dumps(compiled)) is compiled
    assert pickle.loads(pickle.dumps(part)) is part
    if sys.argv[1] == "spawn":
        lambda_ = lambda f: None
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            check(lambda f, *args: pool.submit(f, *args).result())
    else:
        from joblib.externals.loky import get_reusable_executor
        lambda_ = lambda f: f
        with get_reusable_executor(max_workers=1) as pool:
            check(lambda f, *args: pool.submit(f, *args).result())
    print("done")
"""


@pytest.mark.parametrize("way", ["spawn", "loky"])
def test_another_process(way: str, tmp_path: Path) -> None:
    """From a script, whose functions pickle finds by name and cloudpickle sends in full."""
    if way == "loky":
        pytest.importorskip("joblib")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), way], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.stdout == "done\n", done.stderr
