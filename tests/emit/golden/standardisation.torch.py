# The value and the gradient of standardisation, written by Clearprop.
# For x f64[30], target f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Standardisation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, target):
        assert x.shape == (30,), f"x has shape {x.shape}, written for (30,)"
        assert target.shape == (30,), f"target has shape {target.shape}, written for (30,)"

        x_centred = x - x.mean()  # (30,)
        x_std = x.std(correction=0)
        z = x_centred / x_std     # (30,)
        out = torch.sum(z * target) + x.var(correction=0)

        ctx.save_for_backward(target, x_centred, x_std, z)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("Standardisation cannot be differentiated twice, since it keeps x_centred")
        target, x_centred, x_std, z = ctx.saved_tensors
        # backward of  return np.sum(z * target) + np.var(x)
        dz = dout * target  # (30,)
        # backward of  z = (x - x.mean()) / x.std()
        #              return np.sum(z * target) + np.var(x)
        dx = 2 / 30 * dout * x_centred + (dz - dz.mean() - torch.mean(dz * z) * z) / x_std  # (30,)

        return dx, None
