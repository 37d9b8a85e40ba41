# The value and the gradient of matrix_factorisation, written by Clearprop.
# For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class MatrixFactorisation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, U, V, ratings, seen):
        assert U.shape == (12, 3), f"U has shape {U.shape}, written for (12, 3)"
        assert V.shape == (9, 3), f"V has shape {V.shape}, written for (9, 3)"
        assert ratings.shape == (12, 9), f"ratings has shape {ratings.shape}, written for (12, 9)"
        assert seen.shape == (12, 9), f"seen has shape {seen.shape}, written for (12, 9)"

        error = seen * (U @ V.T - ratings)  # (12, 9)
        out = 0.5 * torch.sum(error**2) + 0.05 * (torch.sum(U**2) + torch.sum(V**2))

        ctx.save_for_backward(U, V, seen, error)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("MatrixFactorisation cannot be differentiated twice, since it keeps error")
        U, V, seen, error = ctx.saved_tensors
        # backward of  error = seen * (U @ V.T - ratings)
        #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
        dUVT = dout * seen * error    # (12, 9)
        # backward of  error = seen * (U @ V.T - ratings)
        dout_2 = dout / 10
        # backward of  error = seen * (U @ V.T - ratings)
        #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
        dU = dUVT @ V + dout_2 * U    # (12, 3)
        dV = dout_2 * V + dUVT.T @ U  # (9, 3)

        return dU, dV, None, None
