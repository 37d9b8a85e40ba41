# The value and the gradient of quaternion_rotation, written by Clearprop.
# For q f64[4], v f64[3], target f64[3].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import torch


class QuaternionRotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, v, target):
        assert q.shape == (4,), f"q has shape {q.shape}, written for (4,)"
        assert v.shape == (3,), f"v has shape {v.shape}, written for (3,)"
        assert target.shape == (3,), f"target has shape {target.shape}, written for (3,)"

        q_norm = torch.sqrt(torch.sum(q**2))
        unit = q / q_norm                        # (4,)
        w = unit[0]
        u = unit[1:]                             # (3,)
        uv = u @ v
        cross0 = u[1] * v[2] - u[2] * v[1]
        cross = torch.stack([cross0, u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])  # (3,)
        two_uv = 2 * uv
        w_squared_minus_uu = w**2 - u @ u
        two_w = 2 * w
        rotated = two_uv * u + w_squared_minus_uu * v + two_w * cross  # (3,)
        rotated_minus_target = rotated - target  # (3,)
        out = torch.sum(rotated_minus_target**2)

        ctx.save_for_backward(q, v, q_norm, unit, u, cross, two_uv, w_squared_minus_uu, two_w, rotated_minus_target)

        return out

    @staticmethod
    def backward(ctx, dout):
        if torch.is_grad_enabled():  # create_graph=True
            raise RuntimeError("QuaternionRotation cannot be differentiated twice, since it keeps q_norm")
        q, v, q_norm, unit, u, cross, two_uv, w_squared_minus_uu, two_w, rotated_minus_target = ctx.saved_tensors
        # backward of  return np.sum((rotated - target) ** 2)
        drotated = 2 * dout * rotated_minus_target      # (3,)
        # backward of  rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
        dcross = two_w * drotated                       # (3,)
        dw_squared_minus_uu = drotated @ v
        duv = 2 * (drotated @ u)
        # backward of  [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        du1_v0 = -dcross[2]
        du0_v2 = -dcross[1]
        du2_v1 = -dcross[0]
        # backward of  uv = u @ v
        #              [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        #              rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
        du_part = two_uv * drotated + duv * v
        du_part[0] += dcross[2] * v[1] + du0_v2 * v[2]
        du_part[1] += dcross[0] * v[2] + du1_v0 * v[0]
        du_part[2] += dcross[1] * v[0] + du2_v1 * v[1]  # (3,)
        dv = w_squared_minus_uu * drotated + duv * u
        dv[0] += dcross[1] * u[2] + du1_v0 * u[1]
        dv[1] += dcross[2] * u[0] + du2_v1 * u[2]
        dv[2] += dcross[0] * u[1] + du0_v2 * u[0]       # (3,)
        # backward of  w, u = unit[0], unit[1:]
        dw = (2 * (drotated @ cross) + dw_squared_minus_uu * two_w)[None]  # (1,)
        dunit = torch.cat([dw, du_part - 2 * dw_squared_minus_uu * u])  # (4,)
        # backward of  unit = q / np.sqrt(np.sum(q**2))
        dq = (dunit - dunit @ unit / q_norm * q) / q_norm  # (4,)

        return dq, dv, None
