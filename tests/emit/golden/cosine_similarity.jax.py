# The value and the gradient of cosine_similarity, written by Clearprop.
# For a f64[7], b f64[7].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def cosine_similarity(a, b):
    return cosine_similarity_forward(a, b)[0]


def cosine_similarity_forward(a, b):
    assert a.shape == (7,), f"a has shape {a.shape}, written for (7,)"
    assert b.shape == (7,), f"b has shape {b.shape}, written for (7,)"

    norm_a = jnp.sqrt(jnp.sum(a**2))
    norm_b = jnp.sqrt(jnp.sum(b**2))
    norm_a_norm_b = norm_a * norm_b
    out = a @ b / norm_a_norm_b

    return out, (a, b, norm_a, norm_b, norm_a_norm_b, out)


def cosine_similarity_backward(residuals, dout):
    a, b, norm_a, norm_b, norm_a_norm_b, out = residuals
    # backward of  norm_b = np.sqrt(np.sum(b**2))
    dout_scaled = dout / norm_a_norm_b
    # backward of  norm_b = np.sqrt(np.sum(b**2))
    #              return a @ b / (norm_a * norm_b)
    db = dout_scaled * (a - norm_a * out / norm_b * b)  # (7,)
    # backward of  norm_a = np.sqrt(np.sum(a**2))
    #              return a @ b / (norm_a * norm_b)
    da = dout_scaled * (b - norm_b * out / norm_a * a)  # (7,)

    return da, db


cosine_similarity.defvjp(cosine_similarity_forward, cosine_similarity_backward)
