# The value and the gradient of neuron, written by Clearprop.
# For w0 f64, x0 f64, w1 f64, x1 f64, w2 f64.
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class Neuron(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w0, x0, w1, x1, w2):
        s0 = w0 * x0 + w1 * x1 + w2
        s1 = -s0
        s2 = torch.exp(s1)
        s3 = 1 + s2
        out = 1 / s3

        ctx.save_for_backward(w0, x0, w1, x1, out)

        return out

    @staticmethod
    def backward(ctx, dout):
        w0, x0, w1, x1, out = ctx.saved_tensors
        # backward of  s1 = -s0
        #              ...
        #              out = 1 / s3
        ds0 = dout * out * (1 - out)
        # backward of  s0 = w0 * x0 + w1 * x1 + w2
        dw1 = ds0 * x1
        dx1 = ds0 * w1
        dw0 = ds0 * x0
        dx0 = ds0 * w0

        return dw0, dx0, dw1, dx1, ds0
