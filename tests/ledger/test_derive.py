"""Index forms: what they say, and that evaluated entry by entry they are the engine's gradients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop import explain
from clearprop.engine.bundle import Bundle
from clearprop.engine.primitive import primitives
from clearprop.errors import GradientError, GradientMismatch, UnsupportedError
from clearprop.graph.tracing import graph_at
from clearprop.ledger.account import keep_account
from clearprop.ledger.derivation import derive

WITHOUT = {
    "assign",
    "choose",
    "convolve",
    "cross",
    "partition",
    "element",
    "polyval",
    "put_along",
    "put_diagonal",
    "sort",
    "vander",
}
"""Operations that have no index form yet, and say so."""


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def derived(f: Callable[..., Any], *args: Any, of: str, gradient: Any = None) -> list[str]:
    """The lines of a derivation, which is verified first."""
    derivation = explain(f, *args, gradient=gradient).derive(of)
    assert derivation.verify() < 1e-9
    return str(derivation).splitlines()


# ---- every primitive, by numbers


@pytest.mark.parametrize("name", sorted(vars(primitives)))
def test_index_forms_are_the_gradients(name: str) -> None:
    record = getattr(primitives, name)
    forms = 0
    for sample in record.samples if record.differentiable else ():
        args = [np.asarray(a)[()] for a in sample.draw(1) if a is not None]

        def f(*args: Any, params: Any = sample.params) -> Any:
            return record(*args, **params)

        if any(a.dtype.kind == "c" for a in args) or len(args) != len(sample.inputs):
            continue
        masked = name in ("assign", "scatter") and any(a.dtype.kind == "b" for a in args)
        if masked or isinstance(record(*args, **sample.params), Bundle):
            continue
        graph = graph_at(f, args, {})
        output = graph.outputs[0]
        if not graph.nodes or output.spec.dtype.kind != "f":
            continue
        seed = np.random.default_rng(0).standard_normal(output.spec.shape)
        try:
            with np.errstate(all="ignore"):
                account = keep_account(graph, args, seed.astype(output.spec.dtype)[()])
        except UnsupportedError:  # not with respect to all of its parameters
            continue
        for wire in graph.inputs:
            if wire in account.gradients and wire is not output:
                derivation = derive(account, wire.name)
                with np.errstate(all="ignore"):
                    derivation.verify()
                assert all(
                    step.form is None or step.form.backward.text for step in derivation.steps
                )
                assert str(derivation).count("\n") >= 2
                derivation.latex()
                forms += sum(step.form is not None for step in derivation.steps)
    if name in WITHOUT:
        assert forms == 0


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("nhqd,nhkd->nhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("ii->i", [(3, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j,k->kji", [(2,), (3,), (4,)]),
        ("aBc,cB->a", [(2, 3, 4), (4, 3)]),
    ],
)
def test_einsum(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [normal(*shape) for shape in shapes]
    out = np.einsum(subscripts, *arrays)
    explanation = explain(
        lambda *x: np.einsum(subscripts, *x), *arrays, gradient=normal(*out.shape)[()]
    )
    for wire in explanation.graph.inputs:
        derivation = explanation.derive(wire.name)
        assert derivation.steps[0].form is not None
        assert derivation.verify() < 1e-9


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (6, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
    ],
)
def test_products_of_all_ranks(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    def f(x: Any, y: Any) -> Any:
        return x @ y

    a, b = normal(*x), normal(*y)
    explanation = explain(f, a, b, gradient=normal(*(a @ b).shape)[()])
    assert explanation.derive("x").verify() < 1e-9
    assert explanation.derive("y").verify() < 1e-9


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.inner(x, y),
        lambda x, y: np.tensordot(x, y, (1, 1)),
        lambda x, y: np.outer(x[0], y[1]),
        lambda x, y: np.dot(x, y.T),
        lambda x, y: np.vdot(x, y),
        lambda x, y: np.kron(x, y),
    ],
)
def test_compositions_of_products(f: Callable[..., Any]) -> None:
    explanation = explain(lambda x, y: np.sum(f(x, y) ** 2), normal(2, 3), normal(4, 3)[:2])
    for wire in explanation.graph.wires():
        if wire in explanation.account.gradients:
            derivation = derive(explanation.account, wire.name)
            assert all(step.form is not None for step in derivation.steps)
            assert derivation.verify() < 1e-9


# ---- what they say


def linear(x: Any, w: Any, b: Any) -> Any:
    y = x @ w
    z = y + b
    return np.sum(z)


def test_why_the_transpose_is_where_it_is() -> None:
    args = normal(5, 3), normal(3, 2), normal(2)
    assert derived(linear, *args, of="w") == [
        "y = x @ w",
        "  y[i,j] = Σₖ x[i,k]·w[k,j]",
        "  w[k,j] goes into y[i,j] for every i, so",
        "  dw[k,j] = Σᵢ x[i,k]·dy[i,j]  ⇒  dw = xᵀ @ dy",
    ]
    assert derived(linear, *args, of="x")[-1] == "  dx[i,k] = Σⱼ dy[i,j]·w[k,j]  ⇒  dx = dy @ wᵀ"


def test_why_a_gradient_is_summed() -> None:
    assert derived(linear, normal(5, 3), normal(3, 2), normal(2), of="b") == [
        "z = y + b",
        "  z[i,j] = y[i,j] + b[j]",
        "  b was stretched over i: every copy of an entry hands its gradient back, so",
        "  db[j] = Σᵢ dz[i,j]  ⇒  db = dz.sum(0)",
    ]


def last(f: Callable[..., Any], *args: Any, of: str = "x") -> str:
    """The index form of a gradient, without the array form."""
    return derived(f, *args, of=of)[-1].partition("  ⇒")[0].strip()


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda y: np.sum(y), "dx[i,j] = dout"),
        (lambda y: y.sum(0).sum(), "dx[i,j] = dt[j]"),
        (lambda y: y.mean(), "dx[i,j] = dout / 6"),
        (lambda y: y.max(1).sum(), "dx[i,j] = [x[i,j] = t[i]]·dt[i]"),
        (lambda y: np.sin(y).sum(), "dx[i,j] = dt[i,j]·cos(x[i,j])"),
        (lambda y: (-y).sum(), "dx[i,j] = -dt[i,j]"),
        (lambda y: np.log(y * y).sum(), None),
        (lambda y: y.T.sum(), "dx[i,j] = dt[j,i]"),
        (lambda y: y.reshape(-1).sum(), "dx[i,j] = dt[3·i+j]"),
        (lambda y: y.reshape(3, 2).sum(), "dx[i,j] = dt[(3·i+j)//2,(3·i+j)%2]"),
        (lambda y: y[1:, ::2].sum(), "dx[i+1,2·j] = dt[i,j], 0 elsewhere"),
        (lambda y: y[::-1].sum(), "dx[1-i,j] = dt[i,j], 0 elsewhere"),
        (lambda y: y[:, 1].sum(), "dx[i,1] = dt[i], 0 elsewhere"),
        (lambda y: np.roll(y, 1, 1).sum(), "dx[i,j] = dt[i,(j+1)%3]"),
        (lambda y: np.repeat(y, 2, 1).sum(), "dx[i,j] = Σₖ dt[i,2·j+k]"),
        (lambda y: np.pad(y, 1).sum(), "dx[i,j] = dt[i+1,j+1]"),
        (lambda y: np.concatenate([np.ones((2, 1)), y], 1).sum(), "dx[i,j] = dt[i,j+1]"),
        (lambda y: y[np.array([1, 1, 0])].sum(), None),
        (lambda y: clearprop.logsumexp(y).sum(), None),
        (lambda y: y.var(), None),
    ],
)  # fmt: skip
def test_forms(f: Callable[..., Any], expected: str | None) -> None:
    found = last(lambda x: f(x), normal(2, 3))
    if expected is not None:
        assert found.replace("t1[", "t[").replace("<lambda>", "out") == expected


def test_what_is_picked_twice_adds_up() -> None:
    def f(table: Any, rows: Any) -> Any:
        h = table[rows]
        return np.sum(h**2)

    assert derived(f, normal(4, 3), np.array([2, 2, 0]), of="table")[1::2] == [
        "  h[i,j] = table[rows[i],j]",
        "  dtable[rows[i],j] += dh[i,j]  ⇒  dtable = scatter(dh, at=[rows], shape=(4, 3))",
    ]


def test_one_entry_of_each_row() -> None:
    def f(p: Any, y: Any) -> Any:
        q = p[np.arange(3), y]
        return -np.log(q).mean()

    lines = derived(f, np.abs(normal(3, 4)), np.array([0, 3, 3]), of="p")
    assert lines[1] == "  q[i] = p[i,y[i]]"
    assert lines[3].startswith("  dp[i,y[i]] = dq[i], 0 elsewhere")


def test_ties_share() -> None:
    def f(x: Any) -> Any:
        y = x.max(1)
        return np.sum(y)

    lines = derived(f, np.array([[1.0, 2.0, 2.0], [3.0, 0.0, 1.0]]), of="x")
    assert lines[2].endswith("entries that tie share it, so")
    assert "dx[i,j] = [x[i,j] = y[i]]·dy[i] / (Σₖ [x[i,k] = y[i]])" in lines[3]


def test_several_uses_add_up() -> None:
    lines = derived(lambda x: x * np.sin(x), 2.0, of="x")
    assert lines[-1] == "x is used 2 times: dx is the sum of these contributions"
    assert sum(line.startswith("  dx = ") for line in lines) == 2


def test_letters_keep_clear_of_names() -> None:
    def f(i: Any, k: Any) -> Any:
        j = i @ k
        return np.sum(j)

    assert derived(f, normal(5, 3), normal(3, 2), of="k")[1] == "  j[l,m] = Σₙ i[l,n]·k[n,m]"


def test_without_an_index_form() -> None:
    def f(x: Any) -> Any:
        y = np.sort(x)
        return np.sum(y * y)

    lines = str(explain(f, normal(3)).derive("x")).splitlines()
    assert "sort has no index form." in lines[1]
    assert lines[2].startswith("  dx = ")


def test_the_result_itself() -> None:
    text = str(explain(linear, normal(5, 3), normal(3, 2), normal(2)).derive("linear"))
    assert text.startswith("linear is the result, where the gradient starts")


def test_blocks() -> None:
    @clearprop.block
    def squash(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def f(x: Any, b: Any) -> Any:
        y = squash(x + b)
        return np.sum(y)

    derivation = explain(lambda x: np.sum(squash(x)), normal(2, 3)).derive("x")
    assert "squash has no index form." in str(derivation)
    assert explain(f, normal(2, 3), normal(3), open=True).derive("b").verify() < 1e-9


def test_equations_and_notebook() -> None:
    derivation = explain(linear, normal(5, 3), normal(3, 2), normal(2)).derive("w")
    assert derivation.latex() == (
        "\\begin{aligned}\n"
        "y_{ij} &= \\sum_{k} x_{ik} w_{kj} \\\\\n"
        "\\bar{w}_{kj} &= \\sum_{i} x_{ik} \\bar{y}_{ij}\n"
        "\\end{aligned}"
    )
    assert "dw[k,j] = Σᵢ x[i,k]·dy[i,j]" in derivation._repr_html_()
    assert repr(derivation) == str(derivation)


def test_verify_finds_a_fault() -> None:
    derivation = explain(linear, normal(5, 3), normal(3, 2), normal(2)).derive("w")
    derivation.steps[0].downstream[0, 0] += 1e-3
    with pytest.raises(GradientMismatch, match=r"dw\[k,j\] = .* gives"):
        derivation.verify()


# ---- what cannot be derived


def test_an_unknown_name() -> None:
    explanation = explain(linear, normal(5, 3), normal(3, 2), normal(2))
    with pytest.raises(GradientError, match="no such value; there are x, w, b, y, z, linear"):
        explanation.derive("weights")


def test_a_value_without_a_gradient() -> None:
    def f(x: Any, rows: Any) -> Any:
        y = np.floor(x)
        return np.sum(x[rows] * y[rows])

    explanation = explain(f, normal(4), np.array([0, 1]))
    with pytest.raises(GradientError, match="rows gets no gradient: it holds no floating point"):
        explanation.derive("rows")


def test_a_tensor_is_found_by_its_name() -> None:
    x = clearprop.tensor(normal(3))
    loss = np.sum(x * x)
    assert explain(loss).derive(x).verify() == 0
    with pytest.raises(GradientError, match="there is no such value"):
        explain(loss).derive(clearprop.tensor(1.0))


def test_json_is_as_before() -> None:
    assert (
        json.loads(explain(linear, normal(5, 3), normal(3, 2), normal(2)).json())["name"]
        == "linear"
    )
