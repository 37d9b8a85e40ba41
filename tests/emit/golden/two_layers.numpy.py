# The value and the gradient of two_layers, written by Clearprop.
# For x f64[64,10], W1 f64[10,20], b1 f64[20], W2 f64[20,1], b2 f64[1], y f64[64,1].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def two_layers_and_grad(x, W1, b1, W2, b2, y):
    assert x.shape == (64, 10), f"x has shape {x.shape}, written for (64, 10)"
    assert W1.shape == (10, 20), f"W1 has shape {W1.shape}, written for (10, 20)"
    assert b1.shape == (20,), f"b1 has shape {b1.shape}, written for (20,)"
    assert W2.shape == (20, 1), f"W2 has shape {W2.shape}, written for (20, 1)"
    assert b2.shape == (1,), f"b2 has shape {b2.shape}, written for (1,)"
    assert y.shape == (64, 1), f"y has shape {y.shape}, written for (64, 1)"

    h = np.maximum(x @ W1 + b1, 0)       # (64, 20)
    prediction = h @ W2 + b2             # (64, 1)
    prediction_minus_y = prediction - y  # (64, 1)
    loss = np.mean(prediction_minus_y**2)

    # backward of  loss = np.mean((prediction - y) ** 2)
    dprediction = 2 / 64 * prediction_minus_y  # (64, 1)
    # backward of  prediction = h @ W2 + b2
    db2 = dprediction.sum(0)                   # b2 was stretched over axis 0, so its gradient is summed over it
    dh = dprediction @ W2.T                    # (64, 20)
    dW2 = h.T @ dprediction                    # (20, 1)
    # backward of  h = np.maximum(x @ W1 + b1, 0)
    dh_pre = dh * (h > 0)                      # (64, 20)
    db1 = dh_pre.sum(0)                        # (20,) b1 was stretched over axis 0
    dW1 = x.T @ dh_pre                         # (10, 20)

    return loss, dW1, db1, dW2, db2
