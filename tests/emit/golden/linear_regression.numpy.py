# The value and the gradient of linear_regression, written by Clearprop.
# For x f64[32,5], w f64[5], b f64, y f64[32].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def linear_regression_and_grad(x, w, b, y):
    assert x.shape == (32, 5), f"x has shape {x.shape}, written for (32, 5)"
    assert w.shape == (5,), f"w has shape {w.shape}, written for (5,)"
    assert np.shape(b) == (), f"b has shape {np.shape(b)}, written for ()"
    assert y.shape == (32,), f"y has shape {y.shape}, written for (32,)"

    prediction = x @ w + b               # (32,)
    prediction_minus_y = prediction - y  # (32,)
    loss = np.mean(prediction_minus_y**2)

    # backward of  loss = np.mean((prediction - y) ** 2)
    dprediction = 2 / 32 * prediction_minus_y  # (32,)
    # backward of  prediction = x @ w + b
    db = dprediction.sum()                     # b was stretched over axis 0, so its gradient is summed over it
    dw = x.T @ dprediction                     # (5,)

    return loss, dw, db
