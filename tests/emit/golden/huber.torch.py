# The value and the gradient of huber, written by Clearprop.
# For prediction f64[40], target f64[40].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Huber(torch.autograd.Function):
    @staticmethod
    def forward(ctx, prediction, target):
        assert prediction.shape == (40,), f"prediction has shape {prediction.shape}, written for (40,)"
        assert target.shape == (40,), f"target has shape {target.shape}, written for (40,)"

        r = prediction - target  # (40,)
        a = torch.abs(r)         # (40,)
        a_small = a <= 0.5       # (40,)
        out = torch.where(a_small, 0.5 * r**2, 0.5 * (a - 0.25)).mean()

        ctx.save_for_backward(r, a_small)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("Huber cannot be differentiated twice, since it keeps r")
        r, a_small = ctx.saved_tensors
        # backward of  a = np.abs(r)
        #              return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25)))
        dr = torch.where(a_small, 2 / 80 * dout * r, dout / 80 * torch.sign(r))  # (40,)

        return dr, None
