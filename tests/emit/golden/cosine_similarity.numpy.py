# The value and the gradient of cosine_similarity, written by Clearprop.
# For a f64[7], b f64[7].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def cosine_similarity_and_grad(a, b):
    assert a.shape == (7,), f"a has shape {a.shape}, written for (7,)"
    assert b.shape == (7,), f"b has shape {b.shape}, written for (7,)"

    norm_a = np.sqrt(np.sum(a**2))
    norm_b = np.sqrt(np.sum(b**2))
    norm_a_norm_b = norm_a * norm_b
    out = a @ b / norm_a_norm_b

    # backward of  norm_b = np.sqrt(np.sum(b**2))
    #              return a @ b / (norm_a * norm_b)
    db = (a - norm_a * out / norm_b * b) / norm_a_norm_b  # (7,)
    # backward of  norm_a = np.sqrt(np.sum(a**2))
    #              return a @ b / (norm_a * norm_b)
    da = (b - norm_b * out / norm_a * a) / norm_a_norm_b  # (7,)

    return out, da, db
