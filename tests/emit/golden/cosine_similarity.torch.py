# The value and the gradient of cosine_similarity, written by Clearprop.
# For a f64[7], b f64[7].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class CosineSimilarity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        assert a.shape == (7,), f"a has shape {a.shape}, written for (7,)"
        assert b.shape == (7,), f"b has shape {b.shape}, written for (7,)"

        norm_a = torch.sqrt(torch.sum(a**2))
        norm_b = torch.sqrt(torch.sum(b**2))
        norm_a_norm_b = norm_a * norm_b
        out = a @ b / norm_a_norm_b

        ctx.save_for_backward(a, b, norm_a, norm_b, norm_a_norm_b, out)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("CosineSimilarity cannot be differentiated twice, since it keeps norm_a")
        a, b, norm_a, norm_b, norm_a_norm_b, out = ctx.saved_tensors
        # backward of  norm_b = np.sqrt(np.sum(b**2))
        dout_scaled = dout / norm_a_norm_b
        # backward of  norm_b = np.sqrt(np.sum(b**2))
        #              return a @ b / (norm_a * norm_b)
        db = dout_scaled * (a - norm_a * out / norm_b * b)  # (7,)
        # backward of  norm_a = np.sqrt(np.sum(a**2))
        #              return a @ b / (norm_a * norm_b)
        da = dout_scaled * (b - norm_b * out / norm_a * a)  # (7,)

        return da, db
