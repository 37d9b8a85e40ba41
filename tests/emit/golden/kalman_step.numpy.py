# The value and the gradient of kalman_step, written by Clearprop.
# For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
# f64[4].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import numpy as np


def kalman_step_and_grad(x, P, F, Q, H, R, z, truth):
    assert x.shape == (4,), f"x has shape {x.shape}, written for (4,)"
    assert P.shape == (4, 4), f"P has shape {P.shape}, written for (4, 4)"
    assert F.shape == (4, 4), f"F has shape {F.shape}, written for (4, 4)"
    assert Q.shape == (4, 4), f"Q has shape {Q.shape}, written for (4, 4)"
    assert H.shape == (2, 4), f"H has shape {H.shape}, written for (2, 4)"
    assert R.shape == (2, 2), f"R has shape {R.shape}, written for (2, 2)"
    assert z.shape == (2,), f"z has shape {z.shape}, written for (2,)"
    assert truth.shape == (4,), f"truth has shape {truth.shape}, written for (4,)"

    x_pred = F @ x                            # (4,)
    PPT = P @ P.T                             # (4, 4)
    FPPT = F @ PPT                            # (4, 4)
    P_pred = FPPT @ F.T + Q @ Q.T             # (4, 4)
    H_P_pred = H @ P_pred                     # (2, 4)
    S = H_P_pred @ H.T + R @ R.T + np.eye(2)  # (2, 2)
    det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    adjugate = np.stack([np.array([S[1, 1], -S[0, 1]]), np.array([-S[1, 0], S[0, 0]])])  # (2, 2)
    P_pred_HT = P_pred @ H.T                  # (4, 2)
    K = P_pred_HT @ adjugate / det            # (4, 2)
    z_minus_H_x_pred = z - H @ x_pred         # (2,)
    x_new = x_pred + K @ z_minus_H_x_pred     # (4,)
    x_new_minus_truth = x_new - truth         # (4,)
    out = np.sum(x_new_minus_truth**2)

    # backward of  return np.sum((x_new - truth) ** 2)
    dx_new = 2 * x_new_minus_truth                 # (4,)
    # backward of  x_new = x_pred + K @ (z - H @ x_pred)
    dK = np.outer(dx_new, z_minus_H_x_pred)        # (4, 2)
    dH_x_pred = -(K.T @ dx_new)                    # (2,)
    dx_pred = dx_new + H.T @ dH_x_pred             # (4,)
    # backward of  K = P_pred @ H.T @ adjugate / det
    dP_pred_HT_adjugate = dK / det                 # (4, 2)
    ddet = np.sum(-dK * K) / det
    dP_pred_HT = dP_pred_HT_adjugate @ adjugate.T  # (4, 2)
    dadjugate = P_pred_HT.T @ dP_pred_HT_adjugate  # (2, 2)
    # backward of  det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    dS01_S10 = -ddet
    dS = np.zeros((2, 2))
    dS[0, 0] = ddet * S[1, 1] + dadjugate[1, 1]
    dS[0, 1] = dS01_S10 * S[1, 0] - dadjugate[0, 1]
    dS[1, 0] = dS01_S10 * S[0, 1] - dadjugate[1, 0]
    dS[1, 1] = ddet * S[0, 0] + dadjugate[0, 0]    # (2, 2)
    # backward of  S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    dH_P_pred = dS @ H                             # (2, 4)
    # backward of  S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    #              K = P_pred @ H.T @ adjugate / det
    #              x_new = x_pred + K @ (z - H @ x_pred)
    dH = np.outer(dH_x_pred, x_pred) + dP_pred_HT.T @ P_pred + dS.T @ H_P_pred  # (2, 4)
    dH = dH + dH_P_pred @ P_pred.T                 # (2, 4)
    # backward of  S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    #              K = P_pred @ H.T @ adjugate / det
    dP_pred = dP_pred_HT @ H + H.T @ dH_P_pred     # (4, 4)
    # backward of  x_pred = F @ x
    #              P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    dF = dP_pred.T @ FPPT + dP_pred @ F @ PPT.T + np.outer(dx_pred, x)  # (4, 4)
    # backward of  x_pred = F @ x
    dx = F.T @ dx_pred                             # (4,)

    return out, dx, dF, dH
