"""Views of Tensors show what NumPy's show, whoever changes; random programs beside NumPy itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop
from clearprop.errors import TraceError, UnsupportedError
from tests.numeric import same_value, slopes

# ---- random programs

BASES = (
    "x * 1.0",
    "x.T * 1.0",
    "x.copy()",
    "x.T.copy()",
    "np.copy(x.T)",
    "x[:, ::-1] + 0.5",
    "np.sin(x.T) + x.T",
    "x[0] * x",
    "x",
)
VIEWS = (
    "{n}.T",
    "{n}[1:]",
    "{n}[::-1]",
    "{n}[..., ::2]",
    "{n}[..., 0]",
    "{n}[0]",
    "{n}[..., None]",
    "{n}[...]",
    "{n}.reshape(-1)",
    "{n}.reshape({back})",
    "{n}.reshape({n}.shape, order='F')",
    "{n}.ravel()",
    "np.ravel({n}, 'F')",
    "{n}.squeeze()",
    "np.expand_dims({n}, 1)",
    "np.swapaxes({n}, 0, -1)",
    "np.moveaxis({n}, 0, -1)",
    "np.flip({n}, 0)",
    "np.rot90({n})",
    "np.fliplr({n})",
    "np.split({n}, [1])[1]",
    "np.array_split({n}, 2, axis=-1)[0]",
    "np.hsplit({n}, 1)[0]",
    "np.unstack({n})[-1]",
    "np.atleast_1d({n})",
    "np.atleast_3d({n})",
    "np.diagonal({n})",
    "np.diag({n})",
    "np.linalg.diagonal({n})",
    "np.broadcast_to({n}, (2, *{n}.shape))",
    "np.einsum('ij->ji', {n})",
    "np.einsum('...->...', {n})",
    "np.einsum('ii->i', {n}[:2, :2])",
    "np.einsum('iji->ji', {n}[:2, None, :2])",
    "np.lib.stride_tricks.sliding_window_view({n}, 2, -1)",
    "np.matrix_transpose({n})",
    "{n}.real",
    "{n}.copy()",
    "{n}.flatten()",
    "{n}[[0]]",
    "np.take({n}, [0], axis=0)",
    "{n} * 2.0",
)
VALUES = ("0.7", "x[0, 0]", "{m} * 0.5", "np.sum({m})", "{m}", "np.cos({m})")


@dataclass
class Program:
    """Lines that make views and write to them, and the names that they leave."""

    lines: list[str]
    names: list[str]

    def __repr__(self) -> str:
        ends = " + ".join(f"np.sum({n} * {i + 1}.5)" for i, n in enumerate(self.names))
        return (
            "def program(x):\n" + "".join(f"    {s}\n" for s in self.lines) + f"    return {ends}\n"
        )

    def function(self) -> Callable[[Any], Any]:
        found: dict[str, Any] = {"np": np}
        exec(repr(self), found)
        return found["program"]


START = np.array([[0.55, -1.27, 2.03], [1.58, 0.71, -0.22]])


@st.composite
def programs(draw: Callable[..., Any]) -> Program:
    lines = [f"a = {draw(st.sampled_from(BASES))}"]
    names: dict[str, Any] = {"x": START.copy(), "np": np}

    def run(line: str) -> bool:
        """Add a line if NumPy can run it, and the numbers stay of ordinary size."""
        kept = {k: np.copy(v) for k, v in names.items() if isinstance(v, np.ndarray)}
        try:
            with np.errstate(all="ignore"):
                exec(line, names)
        except (ValueError, IndexError, TypeError):
            return False
        live = [v for k, v in names.items() if k not in ("np", "__builtins__")]
        if all(np.abs(v).max(initial=0.0) < 50 and np.size(v) < 40 for v in live):
            lines.append(line)
            return True
        for name in list(names):
            if name not in kept and len(name) == 1:
                del names[name]
        for name, old in kept.items():
            if names[name].flags.writeable:
                names[name][...] = old
        return False

    exec(lines[0], names)
    count = 0
    for _ in range(draw(st.integers(2, 12))):
        live = [k for k in names if len(k) < 3 and k not in ("x", "np")]
        n, m = draw(st.sampled_from(live)), draw(st.sampled_from(live))
        if draw(st.booleans()):
            shape = np.shape(names[n])
            new = chr(ord("b") + count)
            if run(f"{new} = {draw(st.sampled_from(VIEWS)).format(n=n, back=shape[::-1])}"):
                count += 1
            continue
        operator = draw(st.sampled_from(["=", "+=", "*=", "-="]))
        place = draw(st.sampled_from(["[...]", "[0]", "[-1:]", "[..., 0]", "[[0]]", ""]))
        if place or operator != "=":
            run(f"{n}{place} {operator} {draw(st.sampled_from(VALUES)).format(m=m)}")
    return Program(lines, [k for k in names if len(k) < 3 and k not in ("x", "np")])


@given(programs())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_random_programs(program: Program) -> None:
    f = program.function()
    expected = f(START.copy())
    t = clearprop.tensor(START, requires_grad=False)
    assert np.isclose(f(t * 1 if "a = x\n" in repr(program) else t).value, expected, rtol=1e-12), (
        "value"
    )
    gradient = clearprop.grad(f)
    found = gradient(START.copy())
    np.testing.assert_allclose(found, slopes(lambda x: f(np.array(x)), START), 1e-6, 1e-7)
    np.testing.assert_allclose(
        clearprop.trace(gradient, START).evaluate(START), found, 1e-12, 1e-12
    )


@given(programs())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_random_programs_compiled(program: Program) -> None:
    gradient = clearprop.value_and_grad(program.function())
    value, found = gradient(START.copy())
    compiled_value, compiled = clearprop.compile(gradient)(START.copy())
    assert np.isclose(compiled_value, value, rtol=1e-12)
    np.testing.assert_allclose(compiled, found, 1e-12, 1e-12)


# ---- by hand


def flat(x: Any) -> Any:
    a = x * 1.0
    a.flat[1] = x[0, 0] ** 2
    a.T.flat[1] = x[0, 1] * 3
    a.flat[[0, 2]] = 5.0
    a.flat[3:5] += x[0, 2]
    copied = a.flat[2:4]
    copied += 100.0
    total = np.sum(a.flat) * x[0, 0]
    for i, entry in enumerate(a.flat):
        total = total + entry * i
    return total + len(a.flat)


def complex_parts(x: Any) -> Any:
    z = x * (1 + 2j)
    r = z.real
    r += x
    z.imag[0] = x[1] ** 2
    z.real *= 2
    w = z.imag
    z *= 1j
    z[0].real = 3.0
    z.imag = x
    return np.sum(np.abs(z) ** 2) + np.sum(w * r)


def functions_that_write(x: Any) -> Any:
    a = x * 1.0
    row, everything = a[0], a.reshape(-1)
    np.add.at(row, [0, 0], x[1, 1])
    np.multiply.at(everything, [1, 1, 4], 1.5)
    np.add(row, 1.0, out=everything[3:])
    np.copyto(a.T[0], x[0, 0])
    np.put(a[1], [0], 4.0)
    a.T.sort(0)
    a[1].fill(x[0, 2])
    return np.sum(a * x) + np.sum(everything * everything) + np.sum(row)


def no_axes(x: Any) -> Any:
    a = x * 1.0
    q = np.squeeze(a[:1, :1])
    q += 1.0
    p = a[1, 2:].reshape(())
    p *= x[0, 0]
    r = a[1, 1, ...]
    r -= 3.0
    number = a[0, 1]  # a copy, as are the views on one
    number += 100.0
    total = np.sum(a)
    row = total.reshape(1)
    row += 5.0
    return np.sum(a * a) + number + total + np.sum(row)


def rows_and_overlaps(x: Any) -> Any:
    a = x * 1.0
    for row in a:
        row -= row.mean()
        row /= np.sqrt(np.sum(row**2))
    left, right = a[:, :2], a[:, 1:]
    left += right
    right *= left
    a[:, 1:] = a[:, :-1]
    a += a[::-1]
    return np.sum(a * x)


@pytest.mark.parametrize(
    "f", [flat, complex_parts, functions_that_write, no_axes, rows_and_overlaps]
)
def test_programs_by_hand(f: Callable[[Any], Any]) -> None:
    t = clearprop.tensor(START)
    result = f(t)
    assert np.isclose(result.value, f(START.copy()), rtol=1e-13)
    result.backward()
    expected = slopes(lambda x: f(np.array(x)), START)
    gradient = clearprop.grad(f)
    for found in (t.grad, gradient(START), clearprop.compile(gradient)(START)):
        np.testing.assert_allclose(found, expected, 1e-7, 1e-8)
    assert "return" in str(clearprop.source(f, START))


def test_every_look_at_a_window_is_up_to_date() -> None:
    def stale() -> tuple[Any, Any]:
        t = clearprop.tensor([[1.0, 2.0], [3.0, 4.0]]) * 1
        row = t[0]
        row * 2
        t[...] = 7.0
        return t, row

    for look in (
        lambda row: row.value,
        lambda row: row.tolist(),
        lambda row: row.detach().numpy(),
        lambda row: [row[0].item(), row[1].item()],
        lambda row: (row * 1).value,
        lambda row: np.positive(row).value,
        lambda row: [float(x) for x in row],
        lambda row: np.array(row.detach()),
        lambda row: eval(str(row).replace(".", ",")),
        lambda row: eval(repr(row).partition("(")[2].partition("]")[0] + "]"),
    ):
        _, row = stale()
        assert list(look(row)) == [7, 7]


def test_a_window_follows_a_parameter_through_training() -> None:
    w = clearprop.tensor(np.ones((2, 3)))
    row, turned = w[0], w.T
    for step in range(1, 4):
        loss = (row * row).sum() + turned[0].sum()
        loss.backward()
        with clearprop.no_grad():
            w -= 0.5 * w.grad
        w.grad = None
        assert row.tolist() == w[0].tolist(), step
        assert not hasattr(row, "before"), "old values would fill the memory"
    assert np.array_equal(w.value[1], [-0.5, 1, 1])


def test_views_used_before_a_change_keep_their_gradients() -> None:
    x = clearprop.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = x * 2
    row, column = y[0], y[:, 0]
    old = (row * row).sum() + (column**3).sum()
    y *= 10
    column[1] = 1.0
    new = (row * row).sum()
    old.backward(retain_graph=True)
    assert x.grad.tolist() == [[8 + 24, 16], [6 * 6**2, 0]]  # 4x² and 8x³
    x.zero_grad()
    new.backward()
    assert x.grad.tolist() == [[800, 1600], [0, 0]]


def test_second_derivatives_through_windows() -> None:
    def f(x: Any) -> Any:
        y = x * x
        first, rest = y[:1], y[1:]
        products = first * rest
        rest *= first
        return np.sum(products * rest) + np.sum(y)

    x = np.array([0.5, 1.5, -0.75])
    expected = np.array([slopes(lambda x, i=i: clearprop.grad(f)(x)[i], x) for i in range(3)])
    np.testing.assert_allclose(clearprop.hessian(f)(x), expected, 1e-6, 1e-7)
    np.testing.assert_allclose(clearprop.jacobian(clearprop.grad(f))(x), expected, 1e-6, 1e-7)


def test_views_and_no_grad() -> None:
    x = clearprop.tensor([1.0, 2.0])
    y = x * 3
    with clearprop.no_grad():
        fixed = y[:1]
    both = y[:]
    y *= 2
    with clearprop.no_grad():
        assert fixed.tolist() == [6]
        assert both.tolist() == [6, 12]  # taken again here, but no less a view on y
    assert not (fixed * 1).requires_grad
    (both * both).sum().backward()
    assert x.grad.tolist() == [72, 144]


@pytest.mark.parametrize(
    "look", [np.diagonal, np.diag, np.linalg.diagonal, lambda t: np.broadcast_to(t, (2, 2, 2))]
)
def test_what_numpy_lets_nobody_write_to(look: Callable[[Any], Any]) -> None:
    t = clearprop.tensor(np.ones((2, 2))) * 1
    for write in (lambda w: w.__setitem__(0, 5.0), lambda w: w.__iadd__(1.0)):
        with pytest.raises(ValueError, match="read-only"):
            write(look(np.ones((2, 2))))
        with pytest.raises(UnsupportedError, match=r"nobody write to.*np\.fill_diagonal"):
            write(look(t))
    t[0, 0] = 5.0
    assert look(t).tolist() == look(t.detach()).tolist()


# ---- where layout decides


def writes_into_a_reshape(x: Any) -> Any:
    y = x.T
    flat = y.reshape(-1)
    flat[1] = 100.0
    return np.sum(x * np.arange(6.0).reshape(x.shape)) + np.sum(flat)


def test_layout_of_arguments() -> None:
    by_rows, by_columns = START.copy(), np.asfortranarray(START)
    gradient = clearprop.value_and_grad(writes_into_a_reshape)
    compiled = clearprop.compile(gradient)
    expected = np.arange(6.0).reshape(2, 3) + 1
    expected[1, 0] -= 1  # overwritten in the copy that the reshape is
    written = expected.copy()
    written[1, 0] = 0  # overwritten in the argument, too
    for x, slope in ((by_rows, expected), (by_columns, written), (by_rows, expected)):
        assert gradient(x)[1].tolist() == slope.tolist()
        assert compiled(x)[1].tolist() == slope.tolist()
        assert np.isclose(compiled(x)[0], writes_into_a_reshape(x.copy("K")))
    graph = clearprop.trace(writes_into_a_reshape, by_columns)
    assert np.isclose(graph.evaluate(by_rows), writes_into_a_reshape(by_rows.copy()))
    with pytest.raises(UnsupportedError, match=r"row by row.*np\.ascontiguousarray\(x\)"):
        graph.evaluate(by_columns)


def test_an_unknown_layout_is_refused() -> None:
    def f(x: Any) -> Any:
        y = np.linalg.inv(x)
        flat = y.reshape(-1)
        flat[0] = 1.0
        return np.sum(y)

    x = np.eye(3)
    clearprop.grad(f)(x)
    with pytest.raises(
        TraceError, match=r"whether reshape of a value of shape \(3, 3\).*t\.copy\(\)"
    ):
        clearprop.trace(f, x)
    assert clearprop.trace(lambda x: np.linalg.inv(x).reshape(-1), x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: START.copy(),
        lambda: np.asfortranarray(START),
        lambda: np.repeat(START, 2, 1)[:, ::-2],
    ],
    ids=["by rows", "by columns", "with gaps"],
)
def test_what_changes_keeps_its_layout(make: Callable[[], Any]) -> None:
    def f(x: Any) -> Any:
        x += np.ones((3, 2)).T
        x.reshape(-1)[0] = 7.0
        x.T[...] = x.T * 2
        x.T.reshape(-1)[1] = 5.0
        return x

    assert same_value(f(clearprop.tensor(make()) * 1).value, f(make() * 1))
    assert same_value(clearprop.vjp(f, make())[0], f(make()))
