# The value and the gradient of logsumexp_pooling, written by Clearprop.
# For x f64[6,20], w f64[6], beta f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def logsumexp_pooling_and_grad(x, w, beta):
    beta_x = beta * x      # (6, 20)
    m = beta_x.max(1)      # (6,)
    total = m + np.log(np.exp(beta_x - m[:, None]).sum(1))  # (6,)
    pooled = total / beta  # (6,)
    out = pooled @ w

    # backward of  pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta
    dpart = w[:, None] / beta * np.exp(beta_x - total[:, None])  # (6, 20)
    dbeta = np.sum(dpart * x) - w @ pooled / beta
    dx = beta * dpart   # (6, 20)
    dw = pooled.copy()  # (6,)

    return out, dx, dw, dbeta
