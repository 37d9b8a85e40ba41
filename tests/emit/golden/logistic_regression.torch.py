# The value and the gradient of logistic_regression, written by Clearprop.
# For x f64[100,5], w f64[5], b f64, y f64[100].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class LogisticRegression(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, y):
        assert x.shape == (100, 5), f"x has shape {x.shape}, written for (100, 5)"
        assert w.shape == (5,), f"w has shape {w.shape}, written for (5,)"
        assert b.shape == (), f"b has shape {b.shape}, written for ()"
        assert y.shape == (100,), f"y has shape {y.shape}, written for (100,)"

        p_pre = x @ w + b   # (100,)
        neg_p_pre = -p_pre  # (100,)
        loss_part = (1 - y) * -torch.nn.functional.softplus(p_pre)  # (100,)
        loss = -torch.mean(y * -torch.nn.functional.softplus(neg_p_pre) + loss_part)

        ctx.save_for_backward(x, y, neg_p_pre)

        return loss

    @staticmethod
    def backward(ctx, dloss):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("LogisticRegression cannot be differentiated twice, since it keeps neg_p_pre")
        x, y, neg_p_pre = ctx.saved_tensors
        p = 1 / (1 + torch.exp(neg_p_pre))  # (100,)
        # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
        #              loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        dp_pre = dloss / 100 * (p - y)      # (100,)
        # backward of  p = 1 / (1 + np.exp(-(x @ w + b)))
        db = dp_pre.sum()                   # b was stretched over axis 0, so its gradient is summed over it
        dw = x.T @ dp_pre                   # (5,)

        return None, dw, db, None
