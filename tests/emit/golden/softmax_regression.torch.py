# The value and the gradient of softmax_regression, written by Clearprop.
# For x f64[50,8], W f64[8,5], b f64[5], y i64[50].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class SoftmaxRegression(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, W, b, y):
        assert x.shape == (50, 8), f"x has shape {x.shape}, written for (50, 8)"
        assert W.shape == (8, 5), f"W has shape {W.shape}, written for (8, 5)"
        assert b.shape == (5,), f"b has shape {b.shape}, written for (5,)"
        assert y.shape == (50,), f"y has shape {y.shape}, written for (50,)"

        logits = x @ W + b  # (50, 5)
        logits_shifted = logits - logits.amax(1, keepdim=True)  # (50, 5)
        log_softmax_logits = logits_shifted - torch.log(torch.exp(logits_shifted).sum(1, keepdim=True))  # (50, 5)
        loss = -log_softmax_logits[torch.arange(50), y].mean()

        ctx.save_for_backward(x, y, log_softmax_logits)

        return loss

    @staticmethod
    def backward(ctx, dloss):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("SoftmaxRegression cannot be differentiated twice, since it keeps log_softmax_logits")
        x, y, log_softmax_logits = ctx.saved_tensors
        # backward of  loss = clearprop.cross_entropy(logits, y)
        dloss_2 = dloss / 50
        dlogits = dloss_2 * torch.exp(log_softmax_logits)
        dlogits[torch.arange(50), y] -= dloss_2  # (50, 5)
        # backward of  logits = x @ W + b
        db = dlogits.sum(0)                      # b was stretched over axis 0, so its gradient is summed over it
        dW = x.T @ dlogits                       # (8, 5)

        return None, dW, db, None
