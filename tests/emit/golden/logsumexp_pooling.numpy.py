# The value and the gradient of logsumexp_pooling, written by Clearprop.
# For x f64[6,20], w f64[6], beta f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def logsumexp_pooling_and_grad(x, w, beta):
    assert x.shape == (6, 20), f"x has shape {x.shape}, written for (6, 20)"
    assert w.shape == (6,), f"w has shape {w.shape}, written for (6,)"
    assert np.shape(beta) == (), f"beta has shape {np.shape(beta)}, written for ()"

    beta_x = beta * x                 # (6, 20)
    m = beta_x.max(1)                 # (6,)
    logsumexp_beta_x = m + np.log(np.exp(beta_x - m[:, None]).sum(1))  # (6,)
    pooled = logsumexp_beta_x / beta  # (6,)
    out = pooled @ w

    # backward of  m = (beta * x).max(axis=1)
    #              pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta
    #              return pooled @ w
    dbeta_x = w[:, None] / beta * np.exp(beta_x - logsumexp_beta_x[:, None])  # (6, 20)
    # backward of  m = (beta * x).max(axis=1)
    dbeta = np.sum(dbeta_x * x) - w @ pooled / beta
    dx = beta * dbeta_x  # (6, 20)
    dw = pooled.copy()   # (6,)

    return out, dx, dw, dbeta
