# The value and the gradient of logistic_regression, written by Clearprop.
# For x f64[100,5], w f64[5], b f64, y f64[100].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def logistic_regression_and_grad(x, w, b, y):
    assert x.shape == (100, 5), f"x has shape {x.shape}, written for (100, 5)"
    assert w.shape == (5,), f"w has shape {w.shape}, written for (5,)"
    assert np.shape(b) == (), f"b has shape {np.shape(b)}, written for ()"
    assert y.shape == (100,), f"y has shape {y.shape}, written for (100,)"

    p_pre = x @ w + b                # (100,)
    neg_p_pre = -p_pre               # (100,)
    p = 1 / (1 + np.exp(neg_p_pre))  # (100,)
    loss = -np.mean(y * -np.logaddexp(0, neg_p_pre) + (1 - y) * -np.logaddexp(0, p_pre))

    # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
    #              loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dp_pre = (p - y) / 100  # (100,)
    # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
    db = dp_pre.sum()       # b was stretched over axis 0, so its gradient is summed over it
    dw = x.T @ dp_pre       # (5,)

    return loss, dw, db
