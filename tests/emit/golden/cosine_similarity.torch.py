# The value and the gradient of cosine_similarity, written by Clearprop.
# For a f64[7], b f64[7].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class CosineSimilarity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        norm_a = torch.sqrt(torch.sum(a**2))
        norm_b = torch.sqrt(torch.sum(b**2))
        norm_a_norm_b = norm_a * norm_b
        out = a @ b / norm_a_norm_b

        ctx.save_for_backward(a, b, norm_a, norm_b, norm_a_norm_b, out)

        return out

    @staticmethod
    def backward(ctx, dout):
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
