# The value and the gradient of focal_loss, written by Clearprop.
# For z f64[30], y f64[30].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class FocalLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, y):
        assert z.shape == (30,), f"z has shape {z.shape}, written for (30,)"
        assert y.shape == (30,), f"y has shape {y.shape}, written for (30,)"

        p = 1 / (1 + torch.exp(-z))             # (30,)
        one_minus_y = 1 - y                     # (30,)
        one_minus_p = 1 - p                     # (30,)
        pt = y * p + one_minus_y * one_minus_p  # (30,)
        one_minus_pt = 1 - pt                   # (30,)
        one_minus_pt_squared = one_minus_pt**2  # (30,)
        log_pt = torch.log(pt)                  # (30,)
        out = -torch.mean(one_minus_pt_squared * log_pt)

        ctx.save_for_backward(y, p, one_minus_y, one_minus_p, pt, one_minus_pt, one_minus_pt_squared, log_pt)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("FocalLoss cannot be differentiated twice, since it keeps p")
        y, p, one_minus_y, one_minus_p, pt, one_minus_pt, one_minus_pt_squared, log_pt = ctx.saved_tensors
        # backward of  p = clearprop.sigmoid(z)
        #              pt = y * p + (1 - y) * (1 - p)
        #              return -np.mean((1 - pt) ** 2 * np.log(pt))
        dz_part = one_minus_pt_squared / pt - 2 * one_minus_pt * log_pt  # (30,)
        dz = -dout / 30 * p * one_minus_p * dz_part * (y - one_minus_y)  # (30,)

        return dz, None
