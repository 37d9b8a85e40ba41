"""Names in generated code: the user's, those of gradients, and those by meaning."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.emit.naming.meaning import is_short
from tests.emit.examples import FOLDER, TARGETS
from tests.emit.functions import EXAMPLES
from tests.emit.test_source import installed

X, W, V = np.linspace(-1, 1, 12).reshape(4, 3), np.linspace(0.2, 1, 6).reshape(3, 2), np.ones(3)
U = np.array([0.5, 1.5, -2.0])
S = np.linspace(0.1, 1, 16).reshape(4, 4)


def text(f: Any, *args: Any, **options: Any) -> str:
    return clearprop.source(f, *args, **options).text.partition("\ndef ")[2]


@pytest.mark.parametrize(
    ("f", "args", "names"),
    [
        (lambda x: np.sum(np.sin(x / np.sqrt(np.sum(x**2)))), (U,), "x_norm"),
        (lambda x: np.sum(np.tanh(x - x.mean()) ** 2 * (x - x.mean())), (V,), "x_centred"),
        (lambda x, y: np.sum((x - y) ** 2 * (x - y)), (V, V), "x_minus_y dx_minus_y"),
        (lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 4), (U,), "x_diff"),
        (lambda p: np.sum((p @ p.T) ** 2 * np.sin(p @ p.T)), (S,), "ppT"),
        (lambda a, b: np.sum((a @ b.T) ** 2 * np.sin(a @ b.T)), (S, S), "abT"),
        (lambda x: np.sum(np.where(x > 0, x**2, np.where(x > 0, x, 3 * x))), (V,), "x_positive"),
        (lambda x: np.sum(np.where(x < 1, x**2, np.where(x < 1, x, 3 * x))), (V,), "x_below_1"),
        (lambda x: np.sum(np.where(x < 0.3, x**2, np.where(x < 0.3, x, 3.0))), (V,), "x_small"),
        (lambda x: np.sum(clearprop.logsumexp(x, axis=1) ** 3), (X,), "logsumexp_x"),
        (lambda x: np.sum(clearprop.log_softmax(x) ** 2), (X,), "log_softmax_x x_shifted"),
        (lambda x: np.sum(clearprop.softmax(x) ** 2), (X,), "exp_x"),
        (lambda x, w: np.sum(np.tanh(x @ w) ** 2), (X, W), "tanh_xw dxw"),
    ],
)  # fmt: skip
def test_meanings(f: Any, args: tuple[Any, ...], names: str) -> None:
    found = set(re.findall(r"\w+", text(f, *args)))
    assert set(names.split()) <= found


def test_spelled_by_hand() -> None:
    def f(x: Any, scale: Any) -> Any:
        m = (scale * x).max(1, keepdims=True)
        return np.sum((m[:, 0] + np.log(np.exp(scale * x - m).sum(1))) ** 3)

    assert "logsumexp_scale_x = m[:, 0] + np.log(" in text(f, X, 2.0)


def test_an_entry_of_something_and_a_part() -> None:
    quaternion = (FOLDER / "quaternion_rotation.numpy.py").read_text(encoding="utf-8")
    assert "    cross0 = u[1] * v[2] - u[2] * v[1]\n" in quaternion
    kalman = (FOLDER / "kalman_step.numpy.py").read_text(encoding="utf-8")
    assert "    dH = np.outer(dH_x_pred, x_pred) + " in kalman
    assert "    dH = dH + dH_P_pred @ P_pred.T" in kalman
    focal = (FOLDER / "focal_loss.numpy.py").read_text(encoding="utf-8")
    assert "    dz = dz_part * (y - one_minus_y) / 30" in focal


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
def test_long_sums_are_added_up_in_place_of_the_gradient(target: str) -> None:
    def f(x: Any, w: Any) -> Any:
        h = x
        for _ in range(12):
            h = np.tanh(h @ w + x)
        return np.sum(h**2)

    code = clearprop.source(f, V, S[:3, :3], to=target)  # runs it
    assert re.search(r"\n +dw = dw \+ ", code.text)
    assert "total" not in code.text
    assert "part" not in code.text.partition("def ")[2]


@pytest.mark.parametrize("target", ["numpy.py", "torch.py", "jax.py"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_names(name: str, target: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.{target}").read_text(encoding="utf-8"))
    made = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    assert not made & {"difference", "product", "total", "quotient", "part", "constant", "spread"}
    assert all(is_short(x.removeprefix("d")) for x in made)


# ---- variables that are bound again


def polynomial(x: Any) -> Any:
    out = x * 2
    out = np.sin(out) + 1
    out = np.exp(out) * 3
    return np.sum(out)


def summed(x: Any, k: Any) -> Any:
    out = k[0] * x[:-1]
    out = out + k[1] * x[1:]
    return np.sum(out**2)


def kept(x: Any) -> Any:
    h = x * 2
    first = h
    h = np.sin(h) * first
    return np.sum(h**2)


@pytest.mark.parametrize("target", [installed(t) for t in TARGETS])
@pytest.mark.parametrize("f", [polynomial, summed, kept])
def test_bound_again_runs(f: Any, target: str) -> None:
    args = (V, np.array([0.5, 2.0])) if f is summed else (V,)
    code = clearprop.source(f, *args, to=target)  # runs it
    assert code.errors.engine < 1e-12


def test_bound_again_as_the_user_did() -> None:
    lines = text(summed, V, np.array([0.5, 2.0]))
    assert "    out = k[0] * x[:-1]" in lines
    assert "    out = out + k[1] * x[1:]" in lines
    assert "dout = 2 * out" in lines
    assert "_2" not in lines


def test_not_bound_again_where_the_old_value_is_read() -> None:
    lines = text(kept, V)
    assert re.search(r"h_2 = np\.sin\(h\) \* h|h_2 = .*\bh\b", lines)


def test_the_users_own_numbers_stay() -> None:
    def f(x: Any) -> Any:
        h = x * 2
        h_2 = np.sin(h) + 1
        return np.sum(h_2**2)

    lines = text(f, V)
    assert "    h = 2 * x" in lines or "    h = x * 2" in lines
    assert "    h_2 = np.sin(h) + 1" in lines


def test_an_argument_is_not_bound_again() -> None:
    def f(x: Any) -> Any:
        x = x / 255
        return np.sum(x[1:] ** 2)

    lines = text(f, V)
    assert "x_2 = x / 255" in lines


# ---- comments


def test_headings_name_the_lines_that_are_answered() -> None:
    by_hand = (FOLDER / "by_hand.numpy.py").read_text(encoding="utf-8")
    assert (
        "    # backward of  bnmeani = 1 / n * hprebn.sum(0, keepdims=True)\n"
        "    #              ...\n"
        "    #              bnraw = bndiff * bnvar_inv\n"
        "    dhprebn = "
    ) in by_hand
    huber = (FOLDER / "huber.numpy.py").read_text(encoding="utf-8")
    assert "    # backward of  a = np.abs(r)\n    #              return np.mean(np.where(" in huber
    gru = (FOLDER / "gru_cell.numpy.py").read_text(encoding="utf-8")
    assert "    # backward of  h_new = (1 - z) * n + z * h\n    dh_new_z = " in gru


def test_c_has_the_names_of_gradients() -> None:
    attention = (FOLDER / "attention.c").read_text(encoding="utf-8")
    for name in ("dout", "dweights", "dv", "dq", "dk"):
        assert f"double *{name} = " in attention
    layernorm = (FOLDER / "layernorm.c").read_text(encoding="utf-8")
    assert "const double dxhat = gain[j] * dout;" in layernorm
