# The value and the gradient of rosenbrock, written by Clearprop.
# For x f64[6].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def rosenbrock_and_grad(x):
    difference = x[1:] - x[:-1]**2  # (5,)
    one_minus_x_part = 1 - x[:-1]   # (5,)
    out = np.sum(100 * difference**2 + one_minus_x_part**2)

    # backward of  return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    ddifference = 200 * difference  # (5,)
    dx = np.zeros_like(x)
    dx[:-1] -= 2 * (one_minus_x_part + ddifference * x[:-1])
    dx[1:] += ddifference           # (6,)

    return out, dx
