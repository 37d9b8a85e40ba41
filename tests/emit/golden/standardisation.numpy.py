# The value and the gradient of standardisation, written by Clearprop.
# For x f64[30], target f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def standardisation_and_grad(x, target):
    assert x.shape == (30,), f"x has shape {x.shape}, written for (30,)"
    assert target.shape == (30,), f"target has shape {target.shape}, written for (30,)"

    x_centred = x - x.mean()  # (30,)
    x_std = x.std()
    z = x_centred / x_std     # (30,)
    z_target = z * target     # (30,)
    out = z_target.sum() + x.var()

    # backward of  z = (x - x.mean()) / x.std()
    #              return np.sum(z * target) + np.var(x)
    dx = 2 / 30 * x_centred + (target - target.mean() - z_target.mean() * z) / x_std  # (30,)

    return out, dx
