# The value and the gradient of rosenbrock, written by Clearprop.
# For x f64[6].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Rosenbrock(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        difference = x[1:] - x[:-1]**2  # (5,)
        one_minus_x_part = 1 - x[:-1]   # (5,)
        out = torch.sum(100 * difference**2 + one_minus_x_part**2)

        ctx.save_for_backward(x, difference, one_minus_x_part)

        return out

    @staticmethod
    def backward(ctx, dout):
        x, difference, one_minus_x_part = ctx.saved_tensors
        # backward of  return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
        ddifference = 200 * dout * difference  # (5,)
        dx = dout.new_zeros(6)
        dx[:-1] -= 2 * (dout * one_minus_x_part + ddifference * x[:-1])
        dx[1:] += ddifference                  # (6,)

        return dx
