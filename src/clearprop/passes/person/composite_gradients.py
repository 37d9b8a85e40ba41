"""Chains of gates that people know by one name, with the gradient that they know for it.

These primitives stand in a graph only while its backward pass is derived: the forward pass stays as it
was written. A second input, where there is one, is a value of the forward pass that the gradient is
written with; its own dependence on the first input is in the first one's rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.primitive import Call, Primitive, never
from ...engine.spec import ArraySpec
from ...ops.specs import kept


def _given(*inputs: Any, spec: ArraySpec, **params: Any) -> ArraySpec:
    return spec


def _first(x: Any, *others: Any, **params: Any) -> ArraySpec:
    return ArraySpec(x.shape, x.dtype)


def _composite(name: str, why: str, spec: Any = _first) -> Callable[[Any], Primitive]:
    def make(rule: Any) -> Primitive:
        return Primitive(name, never, spec, (rule,), "mixes", why, Call(name))

    return make


def _average(x: Any, axis: tuple[int, ...]) -> Any:
    """Average; over leading axes, or all, it need not keep the axes to broadcast."""
    return np.mean(x, axis=axis, keepdims=axis != tuple(range(len(axis))))


def _project(g: Any, out: Any, axis: tuple[int, ...], divisor: float) -> Any:
    """Return what is left of `g` without its mean and its part along `out`."""
    along = out * g
    if divisor == np.prod([g.shape[i] for i in axis]):
        return g - _average(g, axis) - out * _average(along, axis)
    total = np.sum(along, axis=axis, keepdims=axis != tuple(range(len(axis))))
    return g - _average(g, axis) - out * (total / divisor)


@_composite("standardised", "What would shift or stretch all numbers alike has no effect.")
def standardised(g: Any, out: Any, x: Any, inverse: Any, axis: Any, divisor: Any) -> Any:
    return inverse * _project(g, out, axis, divisor)


@_composite("standardised_by", "What would shift or stretch all numbers alike has no effect.")
def standardised_by(g: Any, out: Any, x: Any, deviation: Any, axis: Any, divisor: Any) -> Any:
    return _project(g, out, axis, divisor) / deviation


@_composite("variance", "The mean's own gradient adds up to nothing.", _given)
def variance(g: Any, out: Any, x: Any, centred: Any, axis: Any, divisor: Any, spec: Any) -> Any:
    keepdims = len(out.shape) == len(x.shape)
    return kept(g, x, axis, keepdims) * 2 / divisor * centred


@_composite("variance_of", "The mean's own gradient adds up to nothing.", _given)
def variance_of(g: Any, out: Any, x: Any, axis: Any, divisor: Any, spec: Any) -> Any:
    keepdims = len(out.shape) == len(x.shape)
    return kept(g, x, axis, keepdims) * 2 / divisor * (x - np.mean(x, axis=axis, keepdims=True))


@_composite("deviation", "Half the variance's gradient, divided by the deviation.", _given)
def deviation(g: Any, out: Any, x: Any, axis: Any, divisor: Any, spec: Any) -> Any:
    keepdims = len(out.shape) == len(x.shape)
    steep = kept(g / (divisor * out), x, axis, keepdims)
    return steep * (x - np.mean(x, axis=axis, keepdims=True))


@_composite("logistic", "The slope is written with the value itself.")
def logistic(g: Any, out: Any, x: Any, sign: Any) -> Any:
    return g * out * (1 - out) * sign


@_composite("log_logistic", "The slope is one minus the probability.")
def log_logistic(g: Any, out: Any, x: Any, p: Any) -> Any:
    return g * (1 - p)


@_composite("log_one_minus_logistic", "The slope is minus the probability.")
def log_one_minus_logistic(g: Any, out: Any, x: Any, p: Any) -> Any:
    return -g * p


@_composite("softplus", "Its slope is the logistic function.")
def softplus(g: Any, out: Any, x: Any) -> Any:
    return g / (1 + np.exp(-x))


@_composite("log_sum_exp", "The gradient is shared out by softmax.", _given)
def log_sum_exp(g: Any, out: Any, x: Any, axis: Any, spec: Any) -> Any:
    keepdims = len(out.shape) == len(x.shape)
    return kept(g, x, axis, keepdims) * np.exp(x - kept(out, x, axis, keepdims))
