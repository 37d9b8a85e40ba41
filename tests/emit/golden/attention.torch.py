# The value and the gradient of attention, written by Clearprop.
# For x f64[10,16], Wq f64[16,8], Wk f64[16,8], Wv f64[16,8], target f64[10,8].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, Wq, Wk, Wv, target):
        assert x.shape == (10, 16), f"x has shape {x.shape}, written for (10, 16)"
        assert Wq.shape == (16, 8), f"Wq has shape {Wq.shape}, written for (16, 8)"
        assert Wk.shape == (16, 8), f"Wk has shape {Wk.shape}, written for (16, 8)"
        assert Wv.shape == (16, 8), f"Wv has shape {Wv.shape}, written for (16, 8)"
        assert target.shape == (10, 8), f"target has shape {target.shape}, written for (10, 8)"

        mask = torch.ones(10, 10, dtype=torch.bool).tril()  # (10, 10)
        q = x @ Wq                                # (10, 8)
        k = x @ Wk                                # (10, 8)
        v = x @ Wv                                # (10, 8)
        scores = q @ k.T / 8**0.5                 # (10, 10)
        scores = torch.where(mask, scores, -1e9)  # (10, 10)
        exp_scores = torch.exp(scores - scores.amax(1, keepdim=True))  # (10, 10)
        weights = exp_scores / exp_scores.sum(1, keepdim=True)  # (10, 10)
        out = weights @ v                         # (10, 8)
        out_minus_target = out - target           # (10, 8)
        value = torch.mean(out_minus_target**2)

        ctx.save_for_backward(x, Wq, Wk, Wv, q, k, v, weights, out_minus_target)

        return value

    @staticmethod
    def backward(ctx, dvalue):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("Attention cannot be differentiated twice, since it keeps q")
        x, Wq, Wk, Wv, q, k, v, weights, out_minus_target = ctx.saved_tensors
        mask = torch.ones(10, 10, dtype=torch.bool).tril()  # (10, 10)
        # backward of  return np.mean((out - target) ** 2)
        dout = 2 / 80 * dvalue * out_minus_target  # (10, 8)
        # backward of  out = weights @ v
        dweights = dout @ v.T                      # (10, 10)
        dv = weights.T @ dout                      # (10, 8)
        # backward of  scores = q @ k.T / np.sqrt(q.shape[1])
        #              scores = np.where(mask, scores, -1e9)
        #              weights = clearprop.softmax(scores)
        dscores_pre = (dweights - (dweights * weights).sum(1, keepdim=True)) * weights * mask / 8**0.5  # (10, 10)
        # backward of  scores = q @ k.T / np.sqrt(q.shape[1])
        dq = dscores_pre @ k                       # (10, 8)
        dk = dscores_pre.T @ q                     # (10, 8)
        # backward of  q, k, v = x @ Wq, x @ Wk, x @ Wv
        dWv = x.T @ dv                             # (16, 8)
        dWk = x.T @ dk                             # (16, 8)
        dx = dv @ Wv.T + dk @ Wk.T + dq @ Wq.T     # (10, 16)
        dWq = x.T @ dq                             # (16, 8)

        return dx, dWq, dWk, dWv, None
