"""Generated backward passes beside ones written by hand: how many statements, and how much time."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

import clearprop
from tests.emit.functions import EXAMPLES

from .measure import Check, Report, interleaved


def two_layers(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, y: Any) -> Any:
    h = np.maximum(x @ W1 + b1, 0)
    prediction = h @ W2 + b2
    error = prediction - y
    loss = np.mean(error**2)
    dprediction = 2 / 64 * error
    dW2 = h.T @ dprediction
    db2 = dprediction.sum(0)
    dh = dprediction @ W2.T
    dz = dh * (h > 0)
    dW1 = x.T @ dz
    db1 = dz.sum(0)
    return loss, dW1, db1, dW2, db2


def logistic_regression(x: Any, w: Any, b: Any, y: Any) -> Any:
    z = x @ w + b
    p = 1 / (1 + np.exp(-z))
    loss = np.mean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))
    dz = (p - y) / 100
    dw = x.T @ dz
    db = dz.sum()
    return loss, dw, db


def layernorm(x: Any, gain: Any, bias: Any, target: Any) -> Any:
    mean = x.mean(1, keepdims=True)
    var = x.var(1, keepdims=True)
    std = np.sqrt(var + 1e-5)
    xhat = (x - mean) / std
    out = gain * xhat + bias
    error = out - target
    loss = np.sum(error**2)
    dout = 2 * error
    dbias = dout.sum(0)
    dgain = (dout * xhat).sum(0)
    dxhat = dout * gain
    along = (dxhat * xhat).mean(1, keepdims=True)
    dx = (dxhat - dxhat.mean(1, keepdims=True) - xhat * along) / std
    return loss, dx, dgain, dbias


def lstm_cell(x: Any, h: Any, c: Any, W: Any, U: Any, b: Any, target: Any) -> Any:
    gates = x @ W + h @ U + b
    i = 1 / (1 + np.exp(-gates[:, :5]))
    f = 1 / (1 + np.exp(-gates[:, 5:10]))
    o = 1 / (1 + np.exp(-gates[:, 10:15]))
    g = np.tanh(gates[:, 15:])
    c_new = f * c + i * g
    tanh_c = np.tanh(c_new)
    h_new = o * tanh_c
    error = h_new - target
    loss = np.sum(error**2)
    dh_new = 2 * error
    dtarget = -dh_new
    dc_new = dh_new * o * (1 - tanh_c**2)
    di = dc_new * g * i * (1 - i)
    df = dc_new * c * f * (1 - f)
    do = dh_new * tanh_c * o * (1 - o)
    dg = dc_new * i * (1 - g**2)
    dgates = np.concatenate([di, df, do, dg], axis=1)
    dc = dc_new * f
    dx = dgates @ W.T
    dh = dgates @ U.T
    dW = x.T @ dgates
    dU = h.T @ dgates
    db = dgates.sum(0)
    return loss, dx, dh, dc, dW, dU, db, dtarget


def by_hand(params: Any, Xb: Any, Yb: Any) -> Any:
    C, W1, b1 = params["C"], params["W1"], params["b1"]
    bngain, bnbias = params["bngain"], params["bnbias"]
    W2, b2 = params["W2"], params["b2"]
    n = 32
    emb = C[Xb]
    embcat = emb.reshape(n, 30)
    hprebn = embcat @ W1 + b1
    bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = np.log(probs)
    loss = -logprobs[np.arange(n), Yb].mean()
    dlogits = probs / n
    dlogits[np.arange(n), Yb] -= 1 / n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1 - h**2) * dh
    dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
    dbnbias = dhpreact.sum(0, keepdims=True)
    dbnraw = bngain * dhpreact
    along = (dbnraw * bnraw).sum(0) / (n - 1)
    dhprebn = bnvar_inv * (dbnraw - dbnraw.mean(0) - bnraw * along)
    dembcat = dhprebn @ W1.T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.reshape(emb.shape)
    dC = np.zeros_like(C)
    np.add.at(dC, Xb, demb)
    return (
        loss,
        {"C": dC, "W1": dW1, "b1": db1, "bngain": dbngain, "bnbias": dbnbias, "W2": dW2, "b2": db2},
    )


BY_HAND = (by_hand, two_layers, layernorm, lstm_cell, logistic_regression)


def statements(text: str) -> int:
    """Return how many statements the function in a text has."""
    function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
    return len(function.body)


def run(*, quick: bool = False) -> Report:
    """Time and statements of the generated code, divided by those of code written by hand."""
    numbers: dict[str, float] = {}
    checks: list[Check] = []
    for hand in BY_HAND:
        name = hand.__name__
        example = EXAMPLES[name]
        code = clearprop.source(example.function, *example.args, argnums=example.argnums)
        contenders: dict[str, Callable[[], object]] = {
            "hand": lambda hand=hand, args=example.args: hand(*args),
            "generated": lambda code=code, args=example.args: code.function(*args),
        }
        times = interleaved(contenders, rounds=1 if quick else 15, seconds=0.001 if quick else 0.02)
        numbers[f"{name}, by hand"] = 1e6 * times["hand"]
        numbers[f"{name}, generated"] = 1e6 * times["generated"]
        ours = statements(code.text)
        theirs = statements(textwrap.dedent(inspect.getsource(hand)))
        checks.append(Check(f"{name}: time ÷ by hand", times["generated"] / times["hand"], 1.1))
        checks.append(Check(f"{name}: {ours} statements ÷ {theirs} by hand", ours / theirs, 1.2))
    return Report(
        "Backward passes as source code",
        "µs",
        numbers,
        ours="by_hand, generated",
        checks=checks,
        note="NumPy code that clearprop.source writes, beside code written by hand",
    )
