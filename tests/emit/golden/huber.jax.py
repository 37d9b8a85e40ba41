# The value and the gradient of huber, written by Clearprop.
# For prediction f64[40], target f64[40].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def huber(prediction, target):
    return huber_forward(prediction, target)[0]


def huber_forward(prediction, target):
    assert prediction.shape == (40,), f"prediction has shape {prediction.shape}, written for (40,)"
    assert target.shape == (40,), f"target has shape {target.shape}, written for (40,)"

    r = prediction - target  # (40,)
    a = jnp.abs(r)           # (40,)
    a_small = a <= 0.5       # (40,)
    out = jnp.where(a_small, 0.5 * r**2, 0.5 * (a - 0.25)).mean()

    return out, (r, a_small)


def huber_backward(residuals, dout):
    r, a_small = residuals
    # backward of  a = np.abs(r)
    #              return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25)))
    dr = jnp.where(a_small, 2 / 80 * dout * r, dout / 80 * jnp.sign(r))  # (40,)

    return dr, None


huber.defvjp(huber_forward, huber_backward)
