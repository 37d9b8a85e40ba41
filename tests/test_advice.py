"""What messages tell one to write: it is written here, runs, and gives the right gradient.

Each row provokes a message, names the words of its advice, and follows them to the letter.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import clearprop
import clearprop.numpy as cnp
from clearprop import grad, tensor
from clearprop.errors import ClearpropError
from clearprop.scipy import linalg, special

X = np.array([1.0, 2.0])
M = np.array([[2.0, 0.5], [0.5, 1.0]])
W = np.array([-1.0, 0.5])


@dataclass(frozen=True)
class Advice:
    """A mistake, the words that say what to write, that, and what comes out: mostly a gradient."""

    mistake: Callable[[], Any]
    words: str
    cure: Callable[[], Any]
    right: Any


def square(x: Any) -> Any:
    return np.sum(x * x)


def updated(x: Any) -> Any:
    """The gradient of the loss after a step, taken as the messages say."""
    with clearprop.no_grad():
        x -= 0.5 * x
    square(x).backward()
    return x.grad


def raised_grad(f: Callable[[Any], Any], x: Any = X) -> Callable[[], Any]:
    return lambda: grad(f)(x)


def backward(f: Callable[[Any], Any], x: Any = X) -> Callable[[], Any]:
    """The gradient by a tensor of the user's own."""

    def run() -> Any:
        t = tensor(x)
        f(t).backward()
        return t.grad

    return run


# ---- mistakes and cures of more than a line


def fill_plain(x: Any) -> Any:
    a = np.zeros((3, 2))
    a[0] = x
    return square(a)


def fill_tensor(x: Any) -> Any:
    a = tensor(np.zeros((3, 2)), requires_grad=False)
    a[0] = x
    return square(a)


def out_plain(x: Any) -> Any:
    a = np.zeros(2)
    np.add(x, 1.0, out=a)
    return square(a)


def out_tensor(x: Any) -> Any:
    a = clearprop.tensor(np.zeros(2), requires_grad=False)
    np.add(x, 1.0, out=a)
    return square(a)


def at_plain(x: Any) -> Any:
    a = np.zeros(2)
    np.add.at(a, [0, 0], x)
    return square(a)


def at_tensor(x: Any) -> Any:
    a = clearprop.tensor(np.zeros(2), requires_grad=False)
    np.add.at(a, [0, 0], x)
    return square(a)


def leaf_changed(t: Any) -> Any:
    t += 1.0
    return square(t)


def copy_changed(t: Any) -> Any:
    t = t.copy()
    t += 1.0
    return square(t)


def wider(x: Any) -> Any:
    y = x[:1] * 1.0
    y += x
    return square(y)


def wider_new(x: Any) -> Any:
    y = x[:1] * 1.0
    y = y + x
    return square(y)


def into_integers(x: Any) -> Any:
    a = tensor(np.zeros(2, int))
    a[:] = x
    return square(a)


def into_floats(x: Any) -> Any:
    a = clearprop.tensor(np.zeros(2, int), dtype=float, requires_grad=False)
    a[:] = x
    return square(a)


def twice(t: Any) -> Any:
    y = square(t)
    y.backward()
    return y


def twice_kept(t: Any) -> Any:
    y = square(t)
    y.backward(retain_graph=True)
    t.grad = None
    return y


def if_small(x: Any) -> Any:
    if x < 3 and x > 0:
        return x**3
    return x


def cond_small(x: Any) -> Any:
    return clearprop.cond(np.logical_and(x < 3, x > 0), lambda: x**3, lambda: x)


def while_small(x: Any) -> Any:
    while np.abs(x) < 9:
        x = x * 2
    return x


def loop_small(x: Any) -> Any:
    return clearprop.while_loop(lambda x: np.abs(x) < 9, lambda x: x * 2, x)


def while_both(x: Any) -> Any:
    y = 0.0 * x
    while y < x:
        x, y = x * 0.5, y + 1
    return x


def loop_both(x: Any) -> Any:
    def holds(c: Any) -> Any:
        x, y = c
        return y < x

    return clearprop.while_loop(holds, lambda c: (c[0] * 0.5, c[1] + 1), (x, 0.0 * x))[0]


def only_parts(x: Any) -> Any:
    values, first = np.unique(x.detach().numpy(), return_index=True)
    assert values.tolist() == [1, 2]
    return square(x.reshape(-1)[first])


ROWS: dict[str, Advice] = {
    # conversions
    "float": Advice(
        raised_grad(lambda x: math.sin(x), 0.5),
        "Use NumPy's functions on the tensor (np.sin, not math.sin)",
        raised_grad(np.sin, 0.5),
        math.cos(0.5),
    ),
    "float, dropped": Advice(
        raised_grad(lambda x: x * float(x), 3.0),
        "or float(t.detach())",
        raised_grad(lambda x: x * float(x.detach()), 3.0),
        3.0,
    ),
    "item": Advice(
        raised_grad(lambda x: square(x).item()), "Use t, or t[i]", raised_grad(square), 2 * X
    ),
    "item, dropped": Advice(
        raised_grad(lambda x: square(x) * x[0].item()),
        "or t.detach().item()",
        raised_grad(lambda x: square(x) * x[1].detach().item()),
        4 * X,
    ),
    "tolist": Advice(
        raised_grad(lambda x: sum(v**2 for v in x.tolist())),
        "Use list(t), whose entries are tensors",
        raised_grad(lambda x: sum(v**2 for v in list(x))),
        2 * X,
    ),
    "tolist, dropped": Advice(
        raised_grad(lambda x: square(x) * x.tolist()[1]),
        "t.detach().tolist()",
        raised_grad(lambda x: square(x) * x.detach().tolist()[1]),
        4 * X,
    ),
    "array": Advice(
        raised_grad(lambda x: square(np.array([x[0], 2 * x[1]]))),
        "np.stack([...])",
        raised_grad(lambda x: square(np.stack([x[0], 2 * x[1]]))),
        [2, 16],
    ),
    "array, by clearprop.numpy": Advice(
        raised_grad(lambda x: square(np.array([x[0], 2 * x[1]]))),
        "np.array after `import clearprop.numpy as np`",
        raised_grad(lambda x: square(cnp.array([x[0], 2 * x[1]]))),
        [2, 16],
    ),
    "filled": Advice(
        raised_grad(fill_plain),
        "clearprop.tensor(array, requires_grad=False) as the array to assign into",
        raised_grad(fill_tensor),
        2 * X,
    ),
    "numpy()": Advice(
        backward(lambda t: square(t) * t.numpy()[1]),
        "Use .detach().numpy()",
        backward(lambda t: square(t) * t.detach().numpy()[1]),
        4 * X,
    ),
    "dot": Advice(
        raised_grad(lambda x: square(M.dot(x))),
        "Write X @ t",
        raised_grad(lambda x: square(M @ x)),
        2 * M @ M @ X,
    ),
    "dot, by NumPy": Advice(
        raised_grad(lambda x: square(M.dot(x))),
        "or np.dot(X, t)",
        raised_grad(lambda x: square(np.dot(M, x))),
        2 * M @ M @ X,
    ),
    "a parameter": Advice(
        raised_grad(lambda t: np.sum(np.interp(W, [0.0, 1.0], [1.0, 4.0], left=t)), 7.0),
        "make one of those a tensor, as in clearprop.tensor(x, requires_grad=False)",
        raised_grad(
            lambda t: np.sum(
                np.interp(clearprop.tensor(W, requires_grad=False), [0.0, 1.0], [1.0, 4.0], left=t)
            ),
            7.0,
        ),
        1.0,
    ),
    "a parameter, dropped": Advice(
        raised_grad(lambda t: np.sum(W, initial=t), 2.0),
        "write t.detach()",
        raised_grad(lambda t: t * np.sum(W, initial=t.detach()), 2.0),
        1.5,
    ),
    "SciPy's own": Advice(
        raised_grad(lambda x: np.sum(scipy.linalg.expm(x)), np.zeros((2, 2))),
        "Use clearprop.scipy.linalg.expm",
        raised_grad(lambda x: np.sum(clearprop.scipy.linalg.expm(x)), np.zeros((2, 2))),
        np.ones((2, 2)),
    ),
    # in place
    "out": Advice(
        raised_grad(out_plain), "Write a = a + t", raised_grad(lambda x: square(x + 1)), 2 * X + 2
    ),
    "out, a tensor": Advice(
        raised_grad(out_plain),
        "a = clearprop.tensor(a, requires_grad=False)",
        raised_grad(out_tensor),
        2 * X + 2,
    ),
    "at": Advice(
        raised_grad(at_plain),
        "clearprop.tensor(array, requires_grad=False)",
        raised_grad(at_tensor),
        [6, 6],
    ),
    "leaf": Advice(
        backward(leaf_changed), "change a copy, t.copy()", backward(copy_changed), 2 * X + 2
    ),
    "leaf, updated": Advice(
        backward(leaf_changed),
        "Update parameters within clearprop.no_grad()",
        lambda: updated(tensor(X)),
        X,
    ),
    "in place, wider": Advice(
        backward(wider), "write t = t + v instead of t += v", backward(wider_new), [14, 6]
    ),
    "into integers": Advice(
        raised_grad(into_integers),
        "clearprop.tensor(data, dtype=float",
        raised_grad(into_floats),
        2 * X,
    ),
    "freed": Advice(
        backward(twice),
        "Call backward(retain_graph=True) the first time",
        backward(twice_kept),
        2 * X,
    ),
    # options and methods
    "where=": Advice(
        raised_grad(lambda x: np.sum(np.exp(x, where=x > 1))),
        "np.where(mask, f(x), otherwise)",
        raised_grad(lambda x: np.sum(np.where(x > 1, np.exp(x), 0.0))),
        [0, math.exp(2)],
    ),
    "dtype=": Advice(
        raised_grad(lambda x: np.sum(np.exp(x, dtype=np.float32))),
        "f(x.astype(dtype))",
        raised_grad(lambda x: np.sum(np.exp(x.astype(np.float32)))),
        np.exp(X.astype(np.float32)),
    ),
    "view": Advice(
        raised_grad(lambda x: np.sum(x.view(np.float32))),
        "t.astype(dtype)",
        raised_grad(lambda x: np.sum(x.astype(np.float32))),
        [1, 1],
    ),
    "view, another shape": Advice(
        raised_grad(lambda x: square(x.view(2, 1))),
        "t.reshape(shape)",
        raised_grad(lambda x: square(x.reshape((2, 1)))),
        2 * X,
    ),
    "unique": Advice(
        raised_grad(lambda x: square(np.unique(x))),
        "t.reshape(-1)[first]",
        raised_grad(only_parts),
        2 * X,
    ),
    "no answer": Advice(
        raised_grad(lambda x: np.sum(np.union1d(x, x))),
        "pass t.detach().numpy()",
        raised_grad(lambda x: np.sum(x) * len(np.union1d(x.detach().numpy(), [5.0]))),
        [3, 3],
    ),
    # what grad takes and gives
    "integers": Advice(
        raised_grad(square, np.array([1, 2])),
        "x.astype(float)",
        raised_grad(square, np.array([1, 2]).astype(float)),
        2 * X,
    ),
    "an integer": Advice(
        raised_grad(square, 3), "Use 3.0 instead of 3", raised_grad(square, 3.0), 6.0
    ),
    "not one number": Advice(
        raised_grad(lambda x: x * x),
        "Reduce it (.sum(), .mean())",
        raised_grad(lambda x: (x * x).sum()),
        2 * X,
    ),
    "not one number, all derivatives": Advice(
        raised_grad(lambda x: x * x),
        "use clearprop.jacobian",
        lambda: clearprop.jacobian(lambda x: x * x)(X),
        np.diag(2 * X),
    ),
    "not one number, weighted": Advice(
        raised_grad(lambda x: x * x),
        "clearprop.vjp for a weighted sum",
        lambda: clearprop.vjp(lambda x: x * x, X)[1](np.array([1.0, 3.0]))[0],
        [2, 12],
    ),
    "two results": Advice(
        raised_grad(lambda x: (square(x), x)),
        "(loss, aux) with has_aux=True",
        lambda: grad(lambda x: (square(x), x), has_aux=True)(X)[0],
        2 * X,
    ),
    "an argument's name": Advice(
        lambda: grad(lambda x, y: square(x * y), "y"),
        "('y' is at 1)",
        lambda: grad(lambda x, y: square(x * y), 1)(1.0, X),
        2 * X,
    ),
    "the arguments themselves": Advice(
        lambda: grad(square, X),
        "go to what grad returns: grad(f)(x)",
        lambda: grad(square)(X),
        2 * X,
    ),
    "a value": Advice(
        lambda: grad(square(tensor(X))), "y.backward(), then x.grad", backward(square), 2 * X
    ),
    "backward of several": Advice(
        backward(lambda t: t * t),
        "pass backward(gradient) with shape (2,)",
        lambda: tensor_gradient(np.array([1.0, 3.0])),
        [2, 12],
    ),
    "complex": Advice(
        raised_grad(lambda z: np.sum(z * z), X + 0j),
        "np.abs",
        raised_grad(lambda z: np.sum(np.abs(z * z)), X + 0j),
        2 * X,
    ),
    "has no gradient": Advice(
        lambda: grad(lambda name, x: square(x))("a", X),
        "Keep it out of the differentiated arguments (argnums=...)",
        lambda: grad(lambda name, x: square(x), argnums=1)("a", X),
        2 * X,
    ),
    # while tracing
    "if": Advice(
        lambda: clearprop.trace(lambda x: x if x > 0 else 2 * x, 1.0),
        "Use np.where(x > 0, a, b)",
        lambda: clearprop.trace(grad(lambda x: np.where(x > 0, x, 2 * x)), 1.0).evaluate(-1.0),
        2.0,
    ),
    "if, for functions": Advice(
        lambda: clearprop.trace(if_small, 1.0),
        "clearprop.cond(x < 3 and x > 0, f, g, ...) to call one of two functions, with np.logical_and",
        lambda: clearprop.trace(grad(cond_small), 1.0).evaluate(2.0),
        12.0,
    ),
    "while": Advice(
        lambda: clearprop.trace(while_small, 1.0),
        "Use clearprop.while_loop(lambda x: np.abs(x) < 9, step, x), where step returns the next x",
        lambda: clearprop.trace(grad(loop_small), 1.0).evaluate(2.0),
        8.0,
    ),
    "while, of several": Advice(
        lambda: clearprop.trace(while_both, 1.0),
        "Use clearprop.while_loop(holds, step, (x, y)), where holds and step get what is carried, and return "
        "y < x",
        lambda: clearprop.trace(grad(loop_both), 1.0).evaluate(6.0),
        0.25,
    ),
    "if, of an int": Advice(
        lambda: clearprop.trace(lambda x, n: x * n if n > 0 else x, 1.0, np.int64(3)),
        "make the value an argument that is no array (an int",
        lambda: clearprop.trace(grad(lambda x, n: x * n if n > 0 else x), 1.0, 3).evaluate(1.0, 3),
        3.0,
    ),
    "a parameter while tracing": Advice(
        lambda: clearprop.trace(lambda x, n: np.roll(x, n), X, np.int64(1)),
        "make it an argument that is no array: an int",
        lambda: clearprop.trace(grad(lambda x, n: np.roll(x, n)[0] * 3), X, 1).evaluate(X, 1),
        [0, 3],
    ),
    "a mask while tracing": Advice(
        lambda: clearprop.trace(lambda x: np.sum(x[x > 1]), X),
        "Use np.where(mask, x, 0.0)",
        lambda: clearprop.trace(grad(lambda x: np.sum(np.where(x > 1, x, 0.0))), X).evaluate(X),
        [0, 1],
    ),
    # functions
    "pad": Advice(
        raised_grad(lambda t: np.sum(np.pad(t * X, 1, constant_values=t)), 3.0),
        "Use np.concatenate",
        raised_grad(
            lambda t: np.sum(np.concatenate([np.full_like(X[:1], 1) * t, t * X, X[:1] * t])), 3.0
        ),
        5.0,
    ),
    "pad, filled": Advice(
        raised_grad(lambda t: np.sum(np.pad(t * X, 1, constant_values=t)), 3.0),
        "assign x into np.full_like(x, value, shape=...)",
        raised_grad(lambda t: np.sum(padded(t * X, t)), 3.0),
        5.0,
    ),
    "pad, negative": Advice(
        raised_grad(lambda x: square(np.pad(x, -1)), np.arange(4.0)),
        "write x[1:-1]",
        raised_grad(lambda x: square(x[1:-1]), np.arange(4.0)),
        [0, 2, 4, 0],
    ),
    "solve": Advice(
        raised_grad(lambda b: np.sum(np.linalg.solve(M, b)), np.ones((3, 2, 1, 1))[..., 0, 0]),
        "np.linalg.solve(a, b[..., None])[..., 0]",
        raised_grad(lambda b: np.sum(np.linalg.solve(M, b[..., None])[..., 0]), np.ones((3, 2))),
        np.tile(np.linalg.inv(M).sum(0), (3, 1)),
    ),
    "matmul of a number": Advice(
        raised_grad(lambda x: square(x @ tensor(2.0))),
        "use *",
        raised_grad(lambda x: square(x * tensor(2.0))),
        8 * X,
    ),
    "rfft": Advice(
        raised_grad(lambda x: np.abs(np.fft.rfft(x + 0j))[0]),
        "take the .real part",
        raised_grad(lambda x: np.abs(np.fft.rfft((x + 0j).real))[0]),
        [1, 1],
    ),
    "relu": Advice(
        raised_grad(lambda x: np.sum(clearprop.relu(x + 1j))),
        "take their .real",
        raised_grad(lambda x: np.sum(clearprop.relu((x + 1j).real))),
        [1, 1],
    ),
    "exact": Advice(
        raised_grad(lambda n: special.comb(n, 2, exact=True), 5.0),
        "Leave it out",
        raised_grad(lambda n: special.comb(n, 2), 5.0),
        4.5,
    ),
    "diff_n": Advice(
        raised_grad(lambda z: special.legendre_p(2, z, diff_n=1)[1], 0.5),
        "leave it out, and take derivatives with clearprop.grad",
        lambda: grad(lambda z: special.legendre_p(2, z))(0.5),
        1.5,
    ),
    "a complex logarithm": Advice(
        raised_grad(lambda a: np.sum(linalg.logm(a)), -np.eye(2)),
        "Pass a.astype(complex)",
        raised_grad(lambda a: np.sum(linalg.logm(a.astype(complex)).real), -np.eye(2)),
        -np.ones((2, 2)),
    ),
    "positions along an axis": Advice(
        raised_grad(lambda x: square(np.take_along_axis(x, np.array([1]), 1)), M),
        "Use np.expand_dims",
        raised_grad(
            lambda x: square(np.take_along_axis(x, np.expand_dims(np.array([1]), 0), 1)[:1]), M
        ),
        [[0, 1], [0, 0]],
    ),
    "positions along an axis, for all": Advice(
        raised_grad(lambda x: square(np.take_along_axis(x, np.array([1]), 1)), M),
        "or np.take for the same positions everywhere",
        raised_grad(lambda x: square(np.take(x, np.array([1]), 1)), M),
        [[0, 1], [0, 2]],
    ),
    "weights along an axis": Advice(
        raised_grad(lambda x: np.sum(np.average(x, weights=np.array([1.0, 3.0]))), M),
        "name the axis that they stand along",
        raised_grad(lambda x: np.sum(np.average(x, axis=0, weights=np.array([1.0, 3.0]))), M),
        [[0.25, 0.25], [0.75, 0.75]],
    ),
    "a running sum's axis": Advice(
        raised_grad(lambda x: np.sum(np.cumulative_sum(x)), M),
        "say which",
        raised_grad(lambda x: np.sum(np.cumulative_sum(x, axis=0)), M),
        [[2, 2], [1, 1]],
    ),
    "some eigenvalues": Advice(
        raised_grad(
            lambda a: linalg.eigh(a, subset_by_value=(1.2, 9.0), eigvals_only=True)[0], np.diag(X)
        ),
        "use subset_by_index=",
        raised_grad(
            lambda a: linalg.eigh(a, subset_by_index=(1, 1), eigvals_only=True)[0], np.diag(X)
        ),
        np.diag([0, 1]),
    ),
    "qr": Advice(
        raised_grad(lambda a: np.sum(np.linalg.qr(a, "raw")[0]), M),
        "write 'reduced', 'complete' or 'r'",
        raised_grad(lambda a: np.abs(np.linalg.qr(a, "r")[0, 0]), np.diag(X)),
        [[1, 0], [0, 0]],
    ),
    "a derivative of no complex function": Advice(
        lambda: clearprop.jacobian(np.conj)(X + 0j),
        "Use clearprop.vjp",
        lambda: clearprop.vjp(np.conj, X + 0j)[1](np.ones(2) + 1j)[0],
        [1 - 1j, 1 - 1j],
    ),
    "used, then changed": Advice(
        lambda: updated_too_early(tensor(X)),
        "Call backward() before updating parameters",
        lambda: updated_in_time(tensor(X)),
        2 * X,
    ),
    "a tensor kept from a trace": Advice(
        lambda: kept_from_trace(False),
        "Return it from the traced function",
        lambda: kept_from_trace(True),
        X * X,
    ),
    "masked": Advice(
        raised_grad(square, np.ma.masked_array(X, [0, 1])),
        "Use np.asarray(x), and the mask beside it, for np.where",
        raised_grad(
            lambda x: square(np.where(np.array([False, True]), 0.0, x)),
            np.asarray(np.ma.masked_array(X, [0, 1])),
        ),
        [2, 0],
    ),
    "full_like": Advice(
        raised_grad(lambda t: np.sum(np.full_like(np.ones(2, int) * (t > 0), t)), 3.0),
        "say dtype=float",
        raised_grad(lambda t: np.sum(np.full_like(np.ones(2, int) * (t > 0), t, dtype=float)), 3.0),
        2.0,
    ),
    "explain": Advice(
        lambda: clearprop.explain(square, 3),
        "use 3.0 instead of 3",
        lambda: explained(square, 3.0),
        6.0,
    ),
    "source": Advice(
        lambda: clearprop.source(lambda x: x * x, X),
        "Return the loss (.sum(), .mean())",
        lambda: clearprop.source(lambda x: (x * x).sum(), X).function(X)[1],
        2 * X,
    ),
    "source, upstream": Advice(
        lambda: clearprop.source(lambda x: x * x, X),
        "give gradient=, an upstream gradient of the output's shape",
        lambda: clearprop.source(lambda x: x * x, X, gradient=np.ones(2)).function(X, np.ones(2))[
            1
        ],
        2 * X,
    ),
    "deepcopy": Advice(
        lambda: copy.deepcopy(tensor(X) * 1.0),
        ".copy() makes a copy that gradients pass through",
        backward(lambda t: square(t.copy())),
        2 * X,
    ),
}


def tensor_gradient(upstream: Any) -> Any:
    t = tensor(X)
    (t * t).backward(upstream)
    return t.grad


def padded(x: Any, value: Any) -> Any:
    frame = np.full_like(x, value, shape=(4,))
    frame[1:3] = x
    return frame


def updated_too_early(t: Any) -> None:
    y = square(t)
    with clearprop.no_grad():
        t -= 0.5
    y.backward()


def updated_in_time(t: Any) -> Any:
    square(t).backward()
    with clearprop.no_grad():
        t -= 0.5
    return t.grad


def kept_from_trace(returned: bool) -> Any:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x * x)
        return kept[0] if returned else square(x)

    graph = clearprop.trace(f, X)
    return graph.evaluate(X) if returned else np.sum(kept[0])


def explained(f: Callable[[Any], Any], x: Any) -> Any:
    explanation = clearprop.explain(f, x)
    assert "6" in str(explanation)
    return grad(f)(x)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_advice(name: str) -> None:
    row = ROWS[name]
    with pytest.raises(ClearpropError) as caught:
        row.mistake()
    message = str(caught.value).partition("\n  at ")[0]
    assert row.words in message, message
    np.testing.assert_allclose(np.asarray(row.cure()), row.right, 1e-7, 1e-12)
