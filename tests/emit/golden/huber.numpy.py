# The value and the gradient of huber, written by Clearprop.
# For prediction f64[40], target f64[40].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def huber_and_grad(prediction, target):
    assert prediction.shape == (40,), f"prediction has shape {prediction.shape}, written for (40,)"
    assert target.shape == (40,), f"target has shape {target.shape}, written for (40,)"

    r = prediction - target  # (40,)
    a = np.abs(r)            # (40,)
    a_small = a <= 0.5       # (40,)
    out = np.where(a_small, 0.5 * r**2, 0.5 * (a - 0.25)).mean()

    # backward of  a = np.abs(r)
    #              return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25)))
    dr = np.where(a_small, 2 / 80 * r, np.sign(r) / 80)  # (40,)

    return out, dr
