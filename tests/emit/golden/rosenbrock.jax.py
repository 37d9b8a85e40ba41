# The value and the gradient of rosenbrock, written by Clearprop.
# For x f64[6].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def rosenbrock(x):
    return rosenbrock_forward(x)[0]


def rosenbrock_forward(x):
    assert x.shape == (6,), f"x has shape {x.shape}, written for (6,)"

    x_diff = x[1:] - x[:-1]**2  # (5,)
    one_minus_x = 1 - x[:-1]    # (5,)
    out = jnp.sum(100 * x_diff**2 + one_minus_x**2)

    return out, (x, x_diff, one_minus_x)


def rosenbrock_backward(residuals, dout):
    x, x_diff, one_minus_x = residuals
    # backward of  return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    dx_diff = 200 * dout * x_diff  # (5,)
    dx = jnp.zeros((6,), dout.dtype).at[:-1].add(-(2 * (dout * one_minus_x + dx_diff * x[:-1]))).at[1:].add(dx_diff)  # (6,)

    return dx,


rosenbrock.defvjp(rosenbrock_forward, rosenbrock_backward)
