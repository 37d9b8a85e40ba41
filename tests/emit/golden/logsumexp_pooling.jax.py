# The value and the gradient of logsumexp_pooling, written by Clearprop.
# For x f64[6,20], w f64[6], beta f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def logsumexp_pooling(x, w, beta):
    return logsumexp_pooling_forward(x, w, beta)[0]


def logsumexp_pooling_forward(x, w, beta):
    assert x.shape == (6, 20), f"x has shape {x.shape}, written for (6, 20)"
    assert w.shape == (6,), f"w has shape {w.shape}, written for (6,)"
    assert jnp.shape(beta) == (), f"beta has shape {jnp.shape(beta)}, written for ()"

    beta_x = beta * x                 # (6, 20)
    m = beta_x.max(1)                 # (6,)
    logsumexp_beta_x = m + jnp.log(jnp.exp(beta_x - m[:, None]).sum(1))  # (6,)
    pooled = logsumexp_beta_x / beta  # (6,)
    out = pooled @ w

    return out, (x, w, beta, beta_x, logsumexp_beta_x, pooled)


def logsumexp_pooling_backward(residuals, dout):
    x, w, beta, beta_x, logsumexp_beta_x, pooled = residuals
    # backward of  return pooled @ w
    dpooled = dout * w   # (6,)
    dw = dout * pooled   # (6,)
    # backward of  m = (beta * x).max(axis=1)
    #              pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta
    dbeta_x = dpooled[:, None] / beta * jnp.exp(beta_x - logsumexp_beta_x[:, None])  # (6, 20)
    dbeta = jnp.sum(dbeta_x * x) - dpooled @ pooled / beta
    # backward of  m = (beta * x).max(axis=1)
    dx = beta * dbeta_x  # (6, 20)

    return dx, dw, dbeta


logsumexp_pooling.defvjp(logsumexp_pooling_forward, logsumexp_pooling_backward)
