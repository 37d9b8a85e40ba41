# The value and the gradient of focal_loss, written by Clearprop.
# For z f64[30], y f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def focal_loss_and_grad(z, y):
    assert z.shape == (30,), f"z has shape {z.shape}, written for (30,)"
    assert y.shape == (30,), f"y has shape {y.shape}, written for (30,)"

    p = 1 / (1 + np.exp(-z))                # (30,)
    one_minus_y = 1 - y                     # (30,)
    one_minus_p = 1 - p                     # (30,)
    pt = y * p + one_minus_y * one_minus_p  # (30,)
    one_minus_pt = 1 - pt                   # (30,)
    one_minus_pt_squared = one_minus_pt**2  # (30,)
    log_pt = np.log(pt)                     # (30,)
    out = -np.mean(one_minus_pt_squared * log_pt)

    # backward of  p = clearprop.sigmoid(z)
    #              pt = y * p + (1 - y) * (1 - p)
    #              return -np.mean((1 - pt) ** 2 * np.log(pt))
    dz_part = p * one_minus_p * (2 * one_minus_pt * log_pt - one_minus_pt_squared / pt)  # (30,)
    dz = dz_part * (y - one_minus_y) / 30  # (30,)

    return out, dz
