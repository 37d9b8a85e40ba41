# The value and the gradient of convolution, written by Clearprop.
# For image f64[12,12], kernel f64[3,3], target f64[10,10].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def convolution(image, kernel, target):
    return convolution_forward(image, kernel, target)[0]


def convolution_forward(image, kernel, target):
    assert image.shape == (12, 12), f"image has shape {image.shape}, written for (12, 12)"
    assert kernel.shape == (3, 3), f"kernel has shape {kernel.shape}, written for (3, 3)"
    assert target.shape == (10, 10), f"target has shape {target.shape}, written for (10, 10)"

    out = kernel[0, 0] * image[0:10, 0:10]        # (10, 10)
    out = out + kernel[0, 1] * image[0:10, 1:11]  # (10, 10)
    out = out + kernel[0, 2] * image[0:10, 2:12]  # (10, 10)
    out = out + kernel[1, 0] * image[1:11, 0:10]  # (10, 10)
    out = out + kernel[1, 1] * image[1:11, 1:11]  # (10, 10)
    out = out + kernel[1, 2] * image[1:11, 2:12]  # (10, 10)
    out = out + kernel[2, 0] * image[2:12, 0:10]  # (10, 10)
    out = out + kernel[2, 1] * image[2:12, 1:11]  # (10, 10)
    out = out + kernel[2, 2] * image[2:12, 2:12]  # (10, 10)
    out_minus_target = out - target               # (10, 10)
    value = jnp.mean(out_minus_target**2)

    return value, (image, kernel, out_minus_target)


def convolution_backward(residuals, dvalue):
    image, kernel, out_minus_target = residuals
    # backward of  return np.mean((out - target) ** 2)
    dout = dvalue / 50 * out_minus_target  # (10, 10)
    dtarget = -dout                        # (10, 10)
    # backward of  out = out + kernel[i, j] * image[i : i + 10, j : j + 10]
    dimage = jnp.zeros((12, 12), dvalue.dtype).at[0:10, 0:10].add(kernel[0, 0] * dout).at[0:10, 1:11].add(kernel[0, 1] * dout).at[0:10, 2:12].add(kernel[0, 2] * dout).at[1:11, 0:10].add(kernel[1, 0] * dout).at[1:11, 1:11].add(kernel[1, 1] * dout).at[1:11, 2:12].add(kernel[1, 2] * dout).at[2:12, 0:10].add(kernel[2, 0] * dout).at[2:12, 1:11].add(kernel[2, 1] * dout).at[2:12, 2:12].add(kernel[2, 2] * dout)  # (12, 12)
    dkernel = jnp.zeros((3, 3), dvalue.dtype).at[0, 0].set(jnp.sum(dout * image[0:10, 0:10])).at[0, 1].set(jnp.sum(dout * image[0:10, 1:11])).at[0, 2].set(jnp.sum(dout * image[0:10, 2:12])).at[1, 0].set(jnp.sum(dout * image[1:11, 0:10])).at[1, 1].set(jnp.sum(dout * image[1:11, 1:11])).at[1, 2].set(jnp.sum(dout * image[1:11, 2:12])).at[2, 0].set(jnp.sum(dout * image[2:12, 0:10])).at[2, 1].set(jnp.sum(dout * image[2:12, 1:11])).at[2, 2].set(jnp.sum(dout * image[2:12, 2:12]))  # (3, 3)

    return dimage, dkernel, dtarget


convolution.defvjp(convolution_forward, convolution_backward)
