# The value and the gradient of batchnorm, written by Clearprop.
# For x f64[32,10], gamma f64[10], beta f64[10], target f64[32,10].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def batchnorm_and_grad(x, gamma, beta, target):
    assert x.shape == (32, 10), f"x has shape {x.shape}, written for (32, 10)"
    assert gamma.shape == (10,), f"gamma has shape {gamma.shape}, written for (10,)"
    assert beta.shape == (10,), f"beta has shape {beta.shape}, written for (10,)"
    assert target.shape == (32, 10), f"target has shape {target.shape}, written for (32, 10)"

    mu = x.mean(0)                   # (10,)
    xmu = x - mu                     # (32, 10)
    var = (xmu**2).mean(0)           # (10,)
    ivar = 1 / np.sqrt(var + 1e-5)   # (10,)
    xhat = xmu * ivar                # (32, 10)
    out = gamma * xhat + beta        # (32, 10)
    out_minus_target = out - target  # (32, 10)
    value = np.mean(out_minus_target**2)

    # backward of  return np.mean((out - target) ** 2)
    dout = 2 / 320 * out_minus_target  # (32, 10)
    # backward of  out = gamma * xhat + beta
    dbeta = dout.sum(0)                # beta was stretched over axis 0, so its gradient is summed over it
    dgamma = (dout * xhat).sum(0)      # (10,) gamma was stretched over axis 0
    dxhat = gamma * dout               # (32, 10)
    # backward of  mu = x.mean(0)
    #              ...
    #              xhat = xmu * ivar
    dx = ivar * (dxhat - dxhat.mean(0) - (dxhat * xhat).mean(0) * xhat)  # (32, 10)

    return value, dx, dgamma, dbeta
