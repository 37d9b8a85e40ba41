"""Activations, probabilities and the losses of a classifier."""

from __future__ import annotations

import numpy as np

from ...engine.array_types import Array, Axes, DTypeLike
from ...engine.primitive import primitives
from .registry import decomposition


@decomposition("person")
def relu(x: Array) -> Array:
    return np.maximum(x, 0)


@decomposition("person")
def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@decomposition("compile", "source", "person")
def softmax(x: Array, axis: Axes) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@decomposition("compile", "source", "person")
def log_softmax(x: Array, axis: Axes) -> Array:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@decomposition("compile", "source")
def logsumexp(x: Array, axis: Axes, keepdims: bool) -> Array:
    top = x.max(axis, keepdims=True)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    out = np.log(np.exp(x - top).sum(axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


@decomposition("person", of="logsumexp")
def finite_logsumexp(x: Array, axis: Axes, keepdims: bool) -> Array:
    """Without a care for infinite numbers."""
    top = x.max(axis, keepdims=keepdims)
    wide = top if keepdims or not top.shape else np.expand_dims(top, axis)
    return top + np.log(np.exp(x - wide).sum(axis, keepdims=keepdims))


@decomposition("compile", "source")
def nll_loss(log_p: Array, labels: Array) -> Array:
    hits = primitives.one_hot(labels, classes=log_p.shape[-1], dtype=np.dtype(bool))
    picked = np.where(hits, log_p, log_p.dtype.type(0)).sum(-1)
    return -(picked.sum() / picked.size)


@decomposition("person", of="nll_loss")
def picked_nll_loss(log_p: Array, labels: Array) -> Array:
    """With index arrays."""
    if log_p.ndim == 1:
        return -log_p[labels]
    if log_p.ndim > 2:
        log_p, labels = log_p.reshape(-1, log_p.shape[-1]), labels.reshape(-1)
    return -log_p[np.arange(len(log_p)), labels].mean()


@decomposition("compile", "source")
def one_hot(labels: Array, classes: int, dtype: DTypeLike) -> Array:
    hits = primitives.one_hot(labels, classes=classes, dtype=np.dtype(bool))
    return hits.astype(dtype)
