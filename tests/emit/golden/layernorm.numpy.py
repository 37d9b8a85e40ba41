# The value and the gradient of layernorm, written by Clearprop.
# For x f64[16,12], gain f64[12], bias f64[12], target f64[16,12].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def layernorm_and_grad(x, gain, bias, target):
    assert x.shape == (16, 12), f"x has shape {x.shape}, written for (16, 12)"
    assert gain.shape == (12,), f"gain has shape {gain.shape}, written for (12,)"
    assert bias.shape == (12,), f"bias has shape {bias.shape}, written for (12,)"
    assert target.shape == (16, 12), f"target has shape {target.shape}, written for (16, 12)"

    mean = x.mean(1, keepdims=True)  # (16, 1)
    var = x.var(1, keepdims=True)    # (16, 1)
    sqrt_var = np.sqrt(var + 1e-5)   # (16, 1)
    xhat = (x - mean) / sqrt_var     # (16, 12)
    out = gain * xhat + bias         # (16, 12)
    out_minus_target = out - target  # (16, 12)
    value = np.sum(out_minus_target**2)

    # backward of  return np.sum((out - target) ** 2)
    dout = 2 * out_minus_target   # (16, 12)
    # backward of  out = gain * xhat + bias
    dbias = dout.sum(0)           # bias was stretched over axis 0, so its gradient is summed over it
    dgain = (dout * xhat).sum(0)  # (12,) gain was stretched over axis 0
    dxhat = gain * dout           # (16, 12)
    # backward of  mean = x.mean(axis=-1, keepdims=True)
    #              var = x.var(axis=-1, keepdims=True)
    #              xhat = (x - mean) / np.sqrt(var + 1e-5)
    dx_part = (dxhat * xhat).mean(1, keepdims=True) * xhat  # (16, 12)
    dx = (dxhat - dxhat.mean(1, keepdims=True) - dx_part) / sqrt_var  # (16, 12)

    return value, dx, dgain, dbias
