# The value and the gradient of batchnorm, written by Clearprop.
# For x f64[32,10], gamma f64[10], beta f64[10], target f64[32,10].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def batchnorm(x, gamma, beta, target):
    return batchnorm_forward(x, gamma, beta, target)[0]


def batchnorm_forward(x, gamma, beta, target):
    assert x.shape == (32, 10), f"x has shape {x.shape}, written for (32, 10)"
    assert gamma.shape == (10,), f"gamma has shape {gamma.shape}, written for (10,)"
    assert beta.shape == (10,), f"beta has shape {beta.shape}, written for (10,)"
    assert target.shape == (32, 10), f"target has shape {target.shape}, written for (32, 10)"

    mu = x.mean(0)                   # (10,)
    xmu = x - mu                     # (32, 10)
    var = (xmu**2).mean(0)           # (10,)
    ivar = 1 / jnp.sqrt(var + 1e-5)  # (10,)
    xhat = xmu * ivar                # (32, 10)
    out = gamma * xhat + beta        # (32, 10)
    out_minus_target = out - target  # (32, 10)
    value = jnp.mean(out_minus_target**2)

    return value, (gamma, ivar, xhat, out_minus_target)


def batchnorm_backward(residuals, dvalue):
    gamma, ivar, xhat, out_minus_target = residuals
    # backward of  return np.mean((out - target) ** 2)
    dout = 2 / 320 * dvalue * out_minus_target  # (32, 10)
    # backward of  out = gamma * xhat + beta
    dbeta = dout.sum(0)                         # beta was stretched over axis 0, so its gradient is summed over it
    dgamma = (dout * xhat).sum(0)               # (10,) gamma was stretched over axis 0
    dxhat = gamma * dout                        # (32, 10)
    # backward of  mu = x.mean(0)
    #              ...
    #              xhat = xmu * ivar
    dx = ivar * (dxhat - dxhat.mean(0) - (dxhat * xhat).mean(0) * xhat)  # (32, 10)

    return dx, dgamma, dbeta, None


batchnorm.defvjp(batchnorm_forward, batchnorm_backward)
