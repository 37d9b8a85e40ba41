# The value and the gradient of lstm_cell, written by Clearprop.
# For x f64[8,6], h f64[8,5], c f64[8,5], W f64[6,20], U f64[5,20], b f64[20], target f64[8,5].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def lstm_cell_and_grad(x, h, c, W, U, b, target):
    assert x.shape == (8, 6), f"x has shape {x.shape}, written for (8, 6)"
    assert h.shape == (8, 5), f"h has shape {h.shape}, written for (8, 5)"
    assert c.shape == (8, 5), f"c has shape {c.shape}, written for (8, 5)"
    assert W.shape == (6, 20), f"W has shape {W.shape}, written for (6, 20)"
    assert U.shape == (5, 20), f"U has shape {U.shape}, written for (5, 20)"
    assert b.shape == (20,), f"b has shape {b.shape}, written for (20,)"
    assert target.shape == (8, 5), f"target has shape {target.shape}, written for (8, 5)"

    gates = x @ W + h @ U + b               # (8, 20)
    i = 1 / (1 + np.exp(-gates[:, :5]))     # (8, 5)
    f = 1 / (1 + np.exp(-gates[:, 5:10]))   # (8, 5)
    o = 1 / (1 + np.exp(-gates[:, 10:15]))  # (8, 5)
    g = np.tanh(gates[:, 15:])              # (8, 5)
    c_new = f * c + i * g                   # (8, 5)
    tanh_c_new = np.tanh(c_new)             # (8, 5)
    h_new = o * tanh_c_new                  # (8, 5)
    h_new_minus_target = h_new - target     # (8, 5)
    out = np.sum(h_new_minus_target**2)

    # backward of  return np.sum((h_new - target) ** 2)
    dh_new = 2 * h_new_minus_target             # (8, 5)
    dtarget = -dh_new                           # (8, 5)
    # backward of  h_new = o * np.tanh(c_new)
    dc_new = dh_new * o * (1 - tanh_c_new**2)   # (8, 5)
    # backward of  c_new = f * c + i * g
    dc = dc_new * f                             # (8, 5)
    # backward of  o = clearprop.sigmoid(gates[:, 2 * n : 3 * n])
    #              h_new = o * np.tanh(c_new)
    do_pre = dh_new * tanh_c_new * o * (1 - o)  # (8, 5)
    # backward of  i = clearprop.sigmoid(gates[:, :n])
    #              c_new = f * c + i * g
    di_pre = dc_new * g * i * (1 - i)           # (8, 5)
    # backward of  f = clearprop.sigmoid(gates[:, n : 2 * n])
    #              c_new = f * c + i * g
    df_pre = dc_new * c * f * (1 - f)           # (8, 5)
    # backward of  i = clearprop.sigmoid(gates[:, :n])
    #              ...
    #              g = np.tanh(gates[:, 3 * n :])
    dgates = np.concatenate([di_pre, df_pre, do_pre, dc_new * i * (1 - g**2)], axis=1)  # (8, 20)
    # backward of  gates = x @ W + h @ U + b
    db = dgates.sum(0)                          # b was stretched over axis 0, so its gradient is summed over it
    dh = dgates @ U.T                           # (8, 5)
    dU = h.T @ dgates                           # (5, 20)
    dx = dgates @ W.T                           # (8, 6)
    dW = x.T @ dgates                           # (6, 20)

    return out, dx, dh, dc, dW, dU, db, dtarget
