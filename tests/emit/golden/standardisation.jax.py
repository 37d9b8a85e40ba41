# The value and the gradient of standardisation, written by Clearprop.
# For x f64[30], target f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def standardisation(x, target):
    return standardisation_forward(x, target)[0]


def standardisation_forward(x, target):
    assert x.shape == (30,), f"x has shape {x.shape}, written for (30,)"
    assert target.shape == (30,), f"target has shape {target.shape}, written for (30,)"

    x_centred = x - x.mean()  # (30,)
    x_std = x.std()
    z = x_centred / x_std     # (30,)
    out = jnp.sum(z * target) + x.var()

    return out, (target, x_centred, x_std, z)


def standardisation_backward(residuals, dout):
    target, x_centred, x_std, z = residuals
    # backward of  return np.sum(z * target) + np.var(x)
    dz = dout * target  # (30,)
    # backward of  z = (x - x.mean()) / x.std()
    #              return np.sum(z * target) + np.var(x)
    dx = 2 / 30 * dout * x_centred + (dz - dz.mean() - jnp.mean(dz * z) * z) / x_std  # (30,)

    return dx, None


standardisation.defvjp(standardisation_forward, standardisation_backward)
