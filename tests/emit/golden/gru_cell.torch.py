# The value and the gradient of gru_cell, written by Clearprop.
# For x f64[8,6], h f64[8,5], W f64[6,15], U f64[5,10], Un f64[5,5], b f64[15], target f64[8,5].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class GruCell(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h, W, U, Un, b, target):
        assert x.shape == (8, 6), f"x has shape {x.shape}, written for (8, 6)"
        assert h.shape == (8, 5), f"h has shape {h.shape}, written for (8, 5)"
        assert W.shape == (6, 15), f"W has shape {W.shape}, written for (6, 15)"
        assert U.shape == (5, 10), f"U has shape {U.shape}, written for (5, 10)"
        assert Un.shape == (5, 5), f"Un has shape {Un.shape}, written for (5, 5)"
        assert b.shape == (15,), f"b has shape {b.shape}, written for (15,)"
        assert target.shape == (8, 5), f"target has shape {target.shape}, written for (8, 5)"

        a = x @ W + b                                    # (8, 15)
        s = h @ U                                        # (8, 10)
        z = 1 / (1 + torch.exp(-(a[:, :5] + s[:, :5])))  # (8, 5)
        r = 1 / (1 + torch.exp(-(a[:, 5:10] + s[:, 5:])))  # (8, 5)
        hUn = h @ Un                                     # (8, 5)
        n = torch.tanh(a[:, 10:] + r * hUn)              # (8, 5)
        one_minus_z = 1 - z                              # (8, 5)
        h_new = one_minus_z * n + z * h                  # (8, 5)
        h_new_minus_target = h_new - target              # (8, 5)
        out = torch.sum(h_new_minus_target**2)

        ctx.save_for_backward(x, h, W, U, Un, z, r, hUn, n, one_minus_z, h_new_minus_target)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("GruCell cannot be differentiated twice, since it keeps z")
        x, h, W, U, Un, z, r, hUn, n, one_minus_z, h_new_minus_target = ctx.saved_tensors
        # backward of  return np.sum((h_new - target) ** 2)
        dh_new = 2 * dout * h_new_minus_target           # (8, 5)
        dtarget = -dh_new                                # (8, 5)
        # backward of  h_new = (1 - z) * n + z * h
        dh_new_z = dh_new * z                            # (8, 5)
        # backward of  n = np.tanh(a[:, 10:] + r * (h @ Un))
        dn_pre = dh_new * one_minus_z * (1 - n**2)       # (8, 5)
        dhUn = dn_pre * r                                # (8, 5)
        dUn = h.T @ dhUn                                 # (5, 5)
        # backward of  r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
        #              n = np.tanh(a[:, 10:] + r * (h @ Un))
        dr_pre = dn_pre * hUn * r * (1 - r)              # (8, 5)
        # backward of  z = clearprop.sigmoid(a[:, :5] + s[:, :5])
        #              h_new = (1 - z) * n + z * h
        dz_pre = dh_new_z * one_minus_z * (h - n)        # (8, 5)
        # backward of  z = clearprop.sigmoid(a[:, :5] + s[:, :5])
        #              r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
        ds = torch.cat([dz_pre, dr_pre], dim=1)          # (8, 10)
        # backward of  z = clearprop.sigmoid(a[:, :5] + s[:, :5])
        #              r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
        #              n = np.tanh(a[:, 10:] + r * (h @ Un))
        da = torch.cat([dz_pre, dr_pre, dn_pre], dim=1)  # (8, 15)
        # backward of  s = h @ U
        #              n = np.tanh(a[:, 10:] + r * (h @ Un))
        #              h_new = (1 - z) * n + z * h
        dh = dh_new_z + dhUn @ Un.T + ds @ U.T           # (8, 5)
        # backward of  s = h @ U
        dU = h.T @ ds                                    # (5, 10)
        # backward of  a = x @ W + b
        db = da.sum(0)                                   # b was stretched over axis 0, so its gradient is summed over it
        dx = da @ W.T                                    # (8, 6)
        dW = x.T @ da                                    # (6, 15)

        return dx, dh, dW, dU, dUn, db, dtarget
