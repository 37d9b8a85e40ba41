# The value and the gradient of rbf_kernel, written by Clearprop.
# For x f64[20,3], centres f64[15,3], alpha f64[15], length f64, y f64[20].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class RbfKernel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, centres, alpha, length, y):
        assert x.shape == (20, 3), f"x has shape {x.shape}, written for (20, 3)"
        assert centres.shape == (15, 3), f"centres has shape {centres.shape}, written for (15, 3)"
        assert alpha.shape == (15,), f"alpha has shape {alpha.shape}, written for (15,)"
        assert length.shape == (), f"length has shape {length.shape}, written for ()"
        assert y.shape == (20,), f"y has shape {y.shape}, written for (20,)"

        d2 = ((x[:, None, :] - centres[None, :, :])**2).sum(2)  # (20, 15)
        two_length_squared = 2 * length**2
        K_pre = -d2 / two_length_squared  # (20, 15)
        K = torch.exp(K_pre)              # (20, 15)
        K_alpha_minus_y = K @ alpha - y   # (20,)
        out = torch.mean(K_alpha_minus_y**2)

        ctx.save_for_backward(alpha, length, two_length_squared, K_pre, K, K_alpha_minus_y)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("RbfKernel cannot be differentiated twice, since it keeps two_length_squared")
        alpha, length, two_length_squared, K_pre, K, K_alpha_minus_y = ctx.saved_tensors
        # backward of  return np.mean((K @ alpha - y) ** 2)
        dK_alpha_minus_y = dout / 10 * K_alpha_minus_y  # (20,)
        dalpha = K.T @ dK_alpha_minus_y                 # (15,)
        # backward of  K = np.exp(-d2 / (2 * length**2))
        dlength_part = 4 * torch.sum(-torch.outer(dK_alpha_minus_y, alpha) * K_pre * K) * length
        dlength = dlength_part / two_length_squared

        return None, None, dalpha, dlength, None
