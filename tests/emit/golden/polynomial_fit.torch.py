# The value and the gradient of polynomial_fit, written by Clearprop.
# For coefficients f64[4], x f64[25], y f64[25].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class PolynomialFit(torch.autograd.Function):
    @staticmethod
    def forward(ctx, coefficients, x, y):
        assert coefficients.shape == (4,), f"coefficients has shape {coefficients.shape}, written for (4,)"
        assert x.shape == (25,), f"x has shape {x.shape}, written for (25,)"
        assert y.shape == (25,), f"y has shape {y.shape}, written for (25,)"

        p = coefficients[3]
        p_2 = p * x + coefficients[2]    # (25,)
        p_3 = p_2 * x + coefficients[1]  # (25,)
        p_4 = p_3 * x + coefficients[0]  # (25,)
        p_4_minus_y = p_4 - y            # (25,)
        out = torch.mean(p_4_minus_y**2)

        ctx.save_for_backward(x, p_4_minus_y)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("PolynomialFit cannot be differentiated twice, since it keeps p_4_minus_y")
        x, p_4_minus_y = ctx.saved_tensors
        # backward of  return np.mean((p - y) ** 2)
        dp_4 = 2 / 25 * dout * p_4_minus_y  # (25,)
        # backward of  p = p * x + coefficients[k]
        dp_3 = dp_4 * x                     # (25,)
        dp_2 = dp_3 * x                     # (25,)
        dp = dp_2 @ x
        # backward of  p = coefficients[3]
        #              p = p * x + coefficients[k]
        dcoefficients = torch.stack([dp_4.sum(), dp_3.sum(), dp_2.sum(), dp])  # (4,)

        return dcoefficients, None, None
