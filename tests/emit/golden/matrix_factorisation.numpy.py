# The value and the gradient of matrix_factorisation, written by Clearprop.
# For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def matrix_factorisation_and_grad(U, V, ratings, seen):
    assert U.shape == (12, 3), f"U has shape {U.shape}, written for (12, 3)"
    assert V.shape == (9, 3), f"V has shape {V.shape}, written for (9, 3)"
    assert ratings.shape == (12, 9), f"ratings has shape {ratings.shape}, written for (12, 9)"
    assert seen.shape == (12, 9), f"seen has shape {seen.shape}, written for (12, 9)"

    error = seen * (U @ V.T - ratings)  # (12, 9)
    out = 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))

    # backward of  error = seen * (U @ V.T - ratings)
    #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
    dUVT = seen * error       # (12, 9)
    # backward of  error = seen * (U @ V.T - ratings)
    dU = U / 10 + dUVT @ V    # (12, 3)
    dV = V / 10 + dUVT.T @ U  # (9, 3)

    return out, dU, dV
