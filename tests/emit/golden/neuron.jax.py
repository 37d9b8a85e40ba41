# The value and the gradient of neuron, written by Clearprop.
# For w0 f64, x0 f64, w1 f64, x1 f64, w2 f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def neuron(w0, x0, w1, x1, w2):
    return neuron_forward(w0, x0, w1, x1, w2)[0]


def neuron_forward(w0, x0, w1, x1, w2):
    s0 = w0 * x0 + w1 * x1 + w2
    s1 = -s0
    s2 = jnp.exp(s1)
    s3 = 1 + s2
    out = 1 / s3

    return out, (w0, x0, w1, x1, out)


def neuron_backward(residuals, dout):
    w0, x0, w1, x1, out = residuals
    # backward of  s1 = -s0
    #              ...
    #              out = 1 / s3
    ds0 = dout * out * (1 - out)
    # backward of  s0 = w0 * x0 + w1 * x1 + w2
    dw1 = ds0 * x1
    dx1 = ds0 * w1
    dw0 = ds0 * x0
    dx0 = ds0 * w0

    return dw0, dx0, dw1, dx1, ds0


neuron.defvjp(neuron_forward, neuron_backward)
