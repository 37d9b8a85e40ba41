# The value and the gradient of logsumexp_pooling, written by Clearprop.
# For x f64[6,20], w f64[6], beta f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class LogsumexpPooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, beta):
        beta_x = beta * x      # (6, 20)
        m = beta_x.amax(1)     # (6,)
        total = m + torch.log(torch.exp(beta_x - m[:, None]).sum(1))  # (6,)
        pooled = total / beta  # (6,)
        out = pooled @ w

        ctx.save_for_backward(x, w, beta, beta_x, total, pooled)

        return out

    @staticmethod
    def backward(ctx, dout):
        x, w, beta, beta_x, total, pooled = ctx.saved_tensors
        # backward of  return pooled @ w
        dpooled = dout * w  # (6,)
        dw = dout * pooled  # (6,)
        # backward of  pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta
        dpart = dpooled[:, None] / beta * torch.exp(beta_x - total[:, None])  # (6, 20)
        dbeta = torch.sum(dpart * x) - dpooled @ pooled / beta
        dx = beta * dpart   # (6, 20)

        return dx, dw, dbeta
