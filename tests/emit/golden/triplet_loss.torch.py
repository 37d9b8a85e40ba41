# The value and the gradient of triplet_loss, written by Clearprop.
# For anchor f64[10,4], positive f64[10,4], negative f64[10,4].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class TripletLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, anchor, positive, negative):
        assert anchor.shape == (10, 4), f"anchor has shape {anchor.shape}, written for (10, 4)"
        assert positive.shape == (10, 4), f"positive has shape {positive.shape}, written for (10, 4)"
        assert negative.shape == (10, 4), f"negative has shape {negative.shape}, written for (10, 4)"

        anchor_minus_positive = anchor - positive  # (10, 4)
        near = (anchor_minus_positive**2).sum(1)   # (10,)
        anchor_minus_negative = anchor - negative  # (10, 4)
        far = (anchor_minus_negative**2).sum(1)    # (10,)
        near_minus_far = near - far + 0.5          # (10,)
        out = near_minus_far.clamp(min=0).mean()

        ctx.save_for_backward(anchor_minus_positive, anchor_minus_negative, near_minus_far)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("TripletLoss cannot be differentiated twice, since it keeps anchor_minus_positive")
        anchor_minus_positive, anchor_minus_negative, near_minus_far = ctx.saved_tensors
        # backward of  far = ((anchor - negative) ** 2).sum(1)
        dnear_minus_far = (dout / 10 * (near_minus_far > 0))[:, None]  # (10, 1)
        # backward of  far = ((anchor - negative) ** 2).sum(1)
        #              return np.mean(clearprop.relu(near - far + 0.5))
        danchor_minus_negative = -2 * dnear_minus_far * anchor_minus_negative  # (10, 4)
        # backward of  far = ((anchor - negative) ** 2).sum(1)
        dnegative = -danchor_minus_negative  # (10, 4)
        # backward of  near = ((anchor - positive) ** 2).sum(1)
        #              return np.mean(clearprop.relu(near - far + 0.5))
        danchor_minus_positive = 2 * dnear_minus_far * anchor_minus_positive  # (10, 4)
        # backward of  near = ((anchor - positive) ** 2).sum(1)
        #              far = ((anchor - negative) ** 2).sum(1)
        danchor = danchor_minus_negative + danchor_minus_positive  # (10, 4)
        # backward of  near = ((anchor - positive) ** 2).sum(1)
        dpositive = -danchor_minus_positive  # (10, 4)

        return danchor, dpositive, dnegative
