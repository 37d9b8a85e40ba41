# The value and the gradient of rosenbrock, written by Clearprop.
# For x f64[6].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Rosenbrock(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        assert x.shape == (6,), f"x has shape {x.shape}, written for (6,)"

        x_diff = x[1:] - x[:-1]**2  # (5,)
        one_minus_x = 1 - x[:-1]    # (5,)
        out = torch.sum(100 * x_diff**2 + one_minus_x**2)

        ctx.save_for_backward(x, x_diff, one_minus_x)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("Rosenbrock cannot be differentiated twice, since it keeps x_diff")
        x, x_diff, one_minus_x = ctx.saved_tensors
        # backward of  return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
        dx_diff = 200 * dout * x_diff  # (5,)
        dx = dout.new_zeros(6)
        dx[:-1] -= 2 * (dout * one_minus_x + dx_diff * x[:-1])
        dx[1:] += dx_diff              # (6,)

        return dx
