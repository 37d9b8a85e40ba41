# The value and the gradient of focal_loss, written by Clearprop.
# For z f64[30], y f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def focal_loss(z, y):
    return focal_loss_forward(z, y)[0]


def focal_loss_forward(z, y):
    assert z.shape == (30,), f"z has shape {z.shape}, written for (30,)"
    assert y.shape == (30,), f"y has shape {y.shape}, written for (30,)"

    p = 1 / (1 + jnp.exp(-z))               # (30,)
    one_minus_y = 1 - y                     # (30,)
    one_minus_p = 1 - p                     # (30,)
    pt = y * p + one_minus_y * one_minus_p  # (30,)
    one_minus_pt = 1 - pt                   # (30,)
    one_minus_pt_squared = one_minus_pt**2  # (30,)
    log_pt = jnp.log(pt)                    # (30,)
    out = -jnp.mean(one_minus_pt_squared * log_pt)

    return out, (y, p, one_minus_y, one_minus_p, pt, one_minus_pt, one_minus_pt_squared, log_pt)


def focal_loss_backward(residuals, dout):
    y, p, one_minus_y, one_minus_p, pt, one_minus_pt, one_minus_pt_squared, log_pt = residuals
    # backward of  p = clearprop.sigmoid(z)
    #              pt = y * p + (1 - y) * (1 - p)
    #              return -np.mean((1 - pt) ** 2 * np.log(pt))
    dz_part = one_minus_pt_squared / pt - 2 * one_minus_pt * log_pt  # (30,)
    dz = -dout / 30 * p * one_minus_p * dz_part * (y - one_minus_y)  # (30,)

    return dz, None


focal_loss.defvjp(focal_loss_forward, focal_loss_backward)
