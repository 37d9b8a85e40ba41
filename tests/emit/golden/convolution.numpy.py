# The value and the gradient of convolution, written by Clearprop.
# For image f64[12,12], kernel f64[3,3], target f64[10,10].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def convolution_and_grad(image, kernel, target):
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
    value = np.mean(out_minus_target**2)

    # backward of  return np.mean((out - target) ** 2)
    dout = out_minus_target / 50                      # (10, 10)
    dtarget = -dout                                   # (10, 10)
    # backward of  out = out + kernel[i, j] * image[i : i + 10, j : j + 10]
    dimage = np.zeros_like(image)
    dimage[0:10, 0:10] += kernel[0, 0] * dout
    dimage[0:10, 1:11] += kernel[0, 1] * dout
    dimage[0:10, 2:12] += kernel[0, 2] * dout
    dimage[1:11, 0:10] += kernel[1, 0] * dout
    dimage[1:11, 1:11] += kernel[1, 1] * dout
    dimage[1:11, 2:12] += kernel[1, 2] * dout
    dimage[2:12, 0:10] += kernel[2, 0] * dout
    dimage[2:12, 1:11] += kernel[2, 1] * dout
    dimage[2:12, 2:12] += kernel[2, 2] * dout         # (12, 12)
    dkernel = np.zeros_like(kernel)
    dkernel[0, 0] = np.sum(dout * image[0:10, 0:10])
    dkernel[0, 1] = np.sum(dout * image[0:10, 1:11])
    dkernel[0, 2] = np.sum(dout * image[0:10, 2:12])
    dkernel[1, 0] = np.sum(dout * image[1:11, 0:10])
    dkernel[1, 1] = np.sum(dout * image[1:11, 1:11])
    dkernel[1, 2] = np.sum(dout * image[1:11, 2:12])
    dkernel[2, 0] = np.sum(dout * image[2:12, 0:10])
    dkernel[2, 1] = np.sum(dout * image[2:12, 1:11])
    dkernel[2, 2] = np.sum(dout * image[2:12, 2:12])  # (3, 3)

    return value, dimage, dkernel, dtarget
