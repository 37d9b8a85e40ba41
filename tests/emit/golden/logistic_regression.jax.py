# The value and the gradient of logistic_regression, written by Clearprop.
# For x f64[100,5], w f64[5], b f64, y f64[100].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def logistic_regression(x, w, b, y):
    return logistic_regression_forward(x, w, b, y)[0]


def logistic_regression_forward(x, w, b, y):
    assert x.shape == (100, 5), f"x has shape {x.shape}, written for (100, 5)"
    assert w.shape == (5,), f"w has shape {w.shape}, written for (5,)"
    assert jnp.shape(b) == (), f"b has shape {jnp.shape(b)}, written for ()"
    assert y.shape == (100,), f"y has shape {y.shape}, written for (100,)"

    p_pre = x @ w + b   # (100,)
    neg_p_pre = -p_pre  # (100,)
    loss_part = y * -jnp.logaddexp(0, neg_p_pre) + (1 - y) * -jnp.logaddexp(0, p_pre)  # (100,)
    loss = -loss_part.mean()

    return loss, (x, y, neg_p_pre)


def logistic_regression_backward(residuals, dloss):
    x, y, neg_p_pre = residuals
    p = 1 / (1 + jnp.exp(neg_p_pre))  # (100,)
    # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
    #              loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dp_pre = dloss / 100 * (p - y)    # (100,)
    # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
    db = dp_pre.sum()                 # b was stretched over axis 0, so its gradient is summed over it
    dw = x.T @ dp_pre                 # (5,)

    return None, dw, db, None


logistic_regression.defvjp(logistic_regression_forward, logistic_regression_backward)
