"""Blocks that several tests use."""

from __future__ import annotations

import numpy as np

import clearprop


@clearprop.block
def derived(z):
    return 1 / (1 + np.exp(-z))


@clearprop.block
def logistic(z):
    """Squash a number into (0, 1)."""
    return 1 / (1 + np.exp(-z))


@logistic.gradient
def logistic_gradient(g, out, z):
    return g * out * (1 - out)


@clearprop.block
def affine(w, x, b):
    return w @ x + b


@affine.gradient
def affine_gradient(g, out, w, x, b):
    return g[:, None] * x, w.T @ g, g
