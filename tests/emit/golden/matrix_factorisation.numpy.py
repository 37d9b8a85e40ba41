# The value and the gradient of matrix_factorisation, written by Clearprop.
# For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def matrix_factorisation_and_grad(U, V, ratings, seen):
    error = seen * (U @ V.T - ratings)  # (12, 9)
    out = 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))

    # backward of  error = seen * (U @ V.T - ratings)
    #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
    dUVT = seen * error       # (12, 9)
    # backward of  error = seen * (U @ V.T - ratings)
    dU = U / 10 + dUVT @ V    # (12, 3)
    dV = V / 10 + dUVT.T @ U  # (9, 3)

    return out, dU, dV
