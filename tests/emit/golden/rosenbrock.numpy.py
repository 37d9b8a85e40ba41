# The value and the gradient of rosenbrock, written by Clearprop.
# For x f64[6].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def rosenbrock_and_grad(x):
    assert x.shape == (6,), f"x has shape {x.shape}, written for (6,)"

    x_diff = x[1:] - x[:-1]**2  # (5,)
    one_minus_x = 1 - x[:-1]    # (5,)
    out = np.sum(100 * x_diff**2 + one_minus_x**2)

    # backward of  return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    dx_diff = 200 * x_diff  # (5,)
    dx = np.zeros_like(x)
    dx[:-1] -= 2 * (one_minus_x + dx_diff * x[:-1])
    dx[1:] += dx_diff       # (6,)

    return out, dx
