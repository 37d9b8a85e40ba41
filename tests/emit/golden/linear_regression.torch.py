# The value and the gradient of linear_regression, written by Clearprop.
# For x f64[32,5], w f64[5], b f64, y f64[32].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class LinearRegression(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, y):
        prediction = x @ w + b               # (32,)
        prediction_minus_y = prediction - y  # (32,)
        loss = torch.mean(prediction_minus_y**2)

        ctx.save_for_backward(x, prediction_minus_y)

        return loss

    @staticmethod
    def backward(ctx, dloss):
        x, prediction_minus_y = ctx.saved_tensors
        # backward of  loss = np.mean((prediction - y) ** 2)
        dprediction = 2 / 32 * dloss * prediction_minus_y  # (32,)
        # backward of  prediction = x @ w + b
        db = dprediction.sum()  # b was stretched over axis 0, so its gradient is summed over it
        dw = x.T @ dprediction  # (5,)

        return None, dw, db, None
