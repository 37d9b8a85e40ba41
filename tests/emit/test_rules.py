"""Every rule of a person's simplification: it applies where it says, and both sides are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.passes.rule import RULES

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def nll(x: Any) -> Any:
    e = np.exp(x - x.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    return -np.log(p)[np.arange(4), np.array([0, 2, 1, 1])].mean()


def standardised(x: Any, w: Any) -> Any:
    centred = x - x.mean(0)
    return np.sum(w * (centred / np.sqrt((centred**2).mean(0) + 1e-5)))


def log_likelihood(x: Any) -> Any:
    p = 1 / (1 + np.exp(-x))
    return np.sum(np.log(p) + 2 * np.log(1 - p))


def log_sum_exp(x: Any) -> Any:
    m = x.max(1)
    return np.sum((m + np.log(np.exp(x - m[:, None]).sum(1))) ** 2)


def two_rows(x: Any) -> Any:
    return np.sum(np.stack([x[0] * x[1], x[1]]) ** 2)


def choice(x: Any) -> Any:
    return np.sum(np.where(x > 0, x**2, 3 * x))


def relu_layer(x: Any, w: Any) -> Any:
    h = np.maximum(x @ w, 0)
    return np.sum(h**2)


def rsqrt(x: Any) -> Any:
    v = x**2 + 1
    r = v**-0.5
    return np.sum(r)


CASES: dict[str, Case] = {
    "standardised": (standardised, ((6, 3), (6, 3))),
    "variance": (lambda x: np.sum(((x - x.mean(0)) ** 2).sum(0) ** 2), ((6, 3),)),
    "softmax": (nll, ((4, 3),)),
    "log_softmax": (nll, ((4, 3),)),
    "log_sum_exp": (log_sum_exp, ((4, 3),)),
    "logistic": (lambda x: np.sum(1 / (1 + np.exp(-x))), ((5,),)),
    "log_logistic": (log_likelihood, ((5,),)),
    "softplus": (lambda x: np.sum(np.log(1 + np.exp(x))), ((5,),)),
    "stable_log_logistic": (log_likelihood, ((5,),)),
    "stable_softplus": (lambda x: np.sum(np.log1p(np.exp(x))), ((5,),)),
    "mean_of_sum": (lambda x, y: np.sum(np.tanh(x * y - (x * y).sum() / 5) * y), ((5,), (5,))),
    "number_out_of_sum": (lambda x, c: np.sum(np.exp(x) / (c + 2)), ((3, 4), ())),
    "sum_of_copies": (lambda x, b: np.sum(x + b), ((4, 3), (3,))),
    "sum_of_products": (lambda x, c: np.sum(np.sin(c * x)), ((5,), ())),
    "unstretched": (lambda x: np.sum(x**2), ((3, 4),)),
    "reshaped_once": (lambda x: np.sum(np.sin(x.reshape(2, 6).reshape(4, 3))), ((3, 4),)),
    "kept_by_sum": (lambda x, w: np.sum(np.sin(np.expand_dims(x, 1) * w)), ((3,), (3, 4))),
    "number_reshaped": (lambda x, w: np.sum(x.reshape(2, 6)), ((3, 4), ())),
    "number_out_of_linear": (lambda x, y: np.sum(np.cos(((x - y) ** 2).sum(1))), ((5, 4), (5, 4))),
    "part_of_part": (lambda x: np.stack([np.stack([x[0], x[1]]), x])[0, 1] ** 2, ((2,),)),
    "kept_for_nothing": (lambda x: x.var() ** 2, ((5,),)),
    "transposed_product": (lambda x, w: np.sum(np.sin(x @ w.T)), ((3, 4), (5, 4))),
    "product_with_column": (lambda x, w: np.sum(np.sin(x @ w)), ((3, 4), (4,))),
    "outer_product": (lambda x, w: np.sum(np.sin(x @ w)), ((3, 4), (4,))),
    "exp_of_log": (nll, ((4, 3),)),
    "power_of_forward_value": (rsqrt, ((5,),)),
    "two_halves": (choice, ((5,),)),
    "product_into_choice": (choice, ((5,),)),
    "mask_of_output": (relu_layer, ((3, 4), (4, 5))),
    "mask": (relu_layer, ((3, 4), (4, 5))),
    "sum_of_picked": (nll, ((4, 3),)),
    "part_with_sign": (nll, ((4, 3),)),
    "axes_taken_back": (lambda x, w: np.sum(np.sin(x[:, None] * w)), ((3,), (3, 4))),
    "number_into_scatter": (lambda x: np.sum(np.sin((3 * x)[1:])), ((5,),)),
    "same_part": (lambda x: np.sum(np.sin(x[1:]) * x[1:]), ((5,),)),
    "parts_side_by_side": (lambda x: np.sum(np.sin(x[:2])) + np.sum(x[2:] ** 3), ((5,),)),
    "one_winner": (relu_layer, ((3, 4), (4, 5))),
    "one_times": (lambda x: np.sum(x * np.array([1, 2, 3])), ((3,),)),
    "one_extreme": (lambda x: np.sum(x.max(1) ** 2), ((3, 4),)),
    "deviation": (lambda x: np.sum(x.std(0) ** 3), ((5, 2),)),
    "fold_ratio": (lambda x: 3 * (2 * np.mean(np.sin(x))), ((7,),)),
    "collect": (lambda x, y: np.sum(np.tanh(x) * y), ((5,), (5,))),
}


def drawn(sizes: tuple[tuple[int, ...], ...], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1.5, 1.5, shape)[()] for shape in sizes]


def upstream(rule: str) -> dict[str, Any]:
    """Rules about stretched numbers see them where the upstream gradient is not known to be 1."""
    return {"gradient": np.float64(1.0)} if rule in ("number_reshaped", "unstretched") else {}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_applies_and_keeps_the_numbers(rule: str) -> None:
    f, sizes = CASES[rule]
    args = drawn(sizes, 0)
    extra = upstream(rule)
    code = clearprop.source(f, *args, **extra)
    assert rule.replace("_", " ") in {step.rule for step in code.steps}
    gates = clearprop.source(f, *args, **extra, simplify=False)
    for seed in (1, 2, 3):
        others = [*drawn(sizes, seed), *extra.values()]
        for got, expected in zip(code.function(*others), gates.function(*others), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


def test_every_rule_has_a_case() -> None:
    names = [r.name for r in RULES if "program" not in r.readers]
    assert sorted([*names, "collect"]) == sorted(CASES)
    assert all(r.apply.__doc__ for r in RULES)


def test_a_factor_that_is_no_ratio_is_negated_as_it_is() -> None:
    x = np.array([0.5, -1.0])
    code = clearprop.source(lambda x: np.sum(np.logaddexp2(x, 1.0)), x)
    np.testing.assert_allclose(code.function(x)[1], 1 / (1 + 2 ** (1 - x)))


def test_a_number_divided_by_zero_is_no_factor() -> None:
    code = clearprop.source(lambda x: np.sum(x - np.sum(x / 0.0)), np.ones(3))
    assert "np.sum(x / 0)" in code.text
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(code.function(np.ones(3))[1], np.full(3, -np.inf))


@pytest.mark.parametrize("sign", [1, -1])
def test_logarithms_of_complex_numbers_stay_as_they_are(sign: int) -> None:
    """NumPy's `logaddexp` is for real numbers."""

    def f(z: Any) -> Any:
        return np.real(np.sum(sign * np.log((1 + np.exp(sign * z)) ** sign)))

    code = clearprop.source(f, np.array([0.5 + 0.2j, -1 + 1j]))
    assert "logaddexp" not in code.text
    assert "gate by gate" not in code.text
