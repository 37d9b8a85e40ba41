# The value and the gradient of triplet_loss, written by Clearprop.
# For anchor f64[10,4], positive f64[10,4], negative f64[10,4].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def triplet_loss(anchor, positive, negative):
    return triplet_loss_forward(anchor, positive, negative)[0]


def triplet_loss_forward(anchor, positive, negative):
    assert anchor.shape == (10, 4), f"anchor has shape {anchor.shape}, written for (10, 4)"
    assert positive.shape == (10, 4), f"positive has shape {positive.shape}, written for (10, 4)"
    assert negative.shape == (10, 4), f"negative has shape {negative.shape}, written for (10, 4)"

    anchor_minus_positive = anchor - positive  # (10, 4)
    near = (anchor_minus_positive**2).sum(1)   # (10,)
    anchor_minus_negative = anchor - negative  # (10, 4)
    far = (anchor_minus_negative**2).sum(1)    # (10,)
    near_minus_far = near - far + 0.5          # (10,)
    out = jnp.maximum(near_minus_far, 0).mean()

    return out, (anchor_minus_positive, anchor_minus_negative, near_minus_far)


def triplet_loss_backward(residuals, dout):
    anchor_minus_positive, anchor_minus_negative, near_minus_far = residuals
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


triplet_loss.defvjp(triplet_loss_forward, triplet_loss_backward)
