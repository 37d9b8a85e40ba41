/* ---- kalman_step_and_grad.h */

#ifndef KALMAN_STEP_AND_GRAD_H
#define KALMAN_STEP_AND_GRAD_H

#include <stdint.h>

#define KALMAN_STEP_AND_GRAD_WORKSPACE 1344 /* bytes, aligned as for a double */

/* The value and the gradient of kalman_step, written by Clearprop.
 * For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
 * f64[4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void kalman_step_and_grad(
    const double *x,
    const double *P,
    const double *F,
    const double *Q,
    const double *H,
    const double *R,
    const double *z,
    const double *truth,
    double *kalman_step,
    double *dx,
    double *dF,
    double *dH,
    void *workspace);

#endif

/* ---- kalman_step_and_grad.c */

/* The value and the gradient of kalman_step, written by Clearprop.
 * For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
 * f64[4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "kalman_step_and_grad.h"

static const double constant[4] = {1.0, 0.0, 0.0, 1.0};

void kalman_step_and_grad(
    const double *x,
    const double *P,
    const double *F,
    const double *Q,
    const double *H,
    const double *R,
    const double *z,
    const double *truth,
    double *kalman_step,
    double *dx,
    double *dF,
    double *dH,
    void *workspace)
{
    double det;
    double product_6_sum;
    double quotient_2_S10;
    double quotient_2_S01;
    double quotient_2_S00;
    double quotient_2_S11;
    double *P_P_T = (double *)workspace; /* 4 x 4 */
    double *F_P_P_T = (double *)((char *)workspace + 128); /* 4 x 4 */
    double *product = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *P_pred = (double *)((char *)workspace + 384); /* 4 x 4 */
    double *quotient_adjugate_T_H = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *total_10 = (double *)((char *)workspace + 384); /* 4 x 4 */
    double *total_10_F = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *product_11 = (double *)((char *)workspace + 512); /* 4 x 4 */
    double *F_T_difference_2 = (double *)((char *)workspace + 128); /* 4 x 4 */
    double *H_P_pred = (double *)((char *)workspace + 512); /* 2 x 4 */
    double *P_pred_H_T = (double *)((char *)workspace + 256); /* 4 x 2 */
    double *K = (double *)((char *)workspace + 320); /* 4 x 2 */
    double *H_x_pred = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *product_5 = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *quotient = (double *)((char *)workspace + 640); /* 4 x 2 */
    double *quotient_adjugate_T = (double *)((char *)workspace + 704); /* 4 x 2 */
    double *total_4 = (double *)((char *)workspace + 640); /* 2 x 4 */
    double *total_8 = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *total_7_H = (double *)((char *)workspace + 512); /* 2 x 4 */
    double *x_pred = (double *)((char *)workspace + 704); /* 4 */
    double *product_2 = (double *)((char *)workspace + 256); /* 2 x 2 */
    double *S = (double *)((char *)workspace + 768); /* 2 x 2 */
    double *adjugate = (double *)((char *)workspace + 832); /* 2 x 2 */
    double *K_difference_sum = (double *)((char *)workspace + 640); /* 4 */
    double *product_4 = (double *)((char *)workspace + 896); /* 4 */
    double *total_3 = (double *)((char *)workspace + 960); /* 4 */
    double *scatter_difference_3 = (double *)((char *)workspace + 1024); /* 2 x 2 */
    double *scatter_difference_4 = (double *)((char *)workspace + 1088); /* 2 x 2 */
    double *scatter_difference_5 = (double *)((char *)workspace + 1152); /* 2 x 2 */
    double *scatter_difference_6 = (double *)((char *)workspace + 1216); /* 2 x 2 */
    double *difference_2 = (double *)((char *)workspace + 1280); /* 4 */
    double *part_2_quotient = (double *)((char *)workspace + 768); /* 2 x 2 */
    double *total_7 = (double *)((char *)workspace + 704); /* 2 x 2 */
    double *stacked = (double *)((char *)workspace + 256); /* 2 */
    double *stacked_2 = (double *)((char *)workspace + 320); /* 2 */
    double *difference = (double *)((char *)workspace + 1280); /* 2 */

    /* x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        double x_pred_i = 0;
        for (int j = 0; j < 4; j++) {
            x_pred_i += F[4*i + j] * x[j];
        }
        x_pred[i] = x_pred_i;
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += P[4*i + k] * P[4*j + k];
            P_P_T[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += F[4*i + k] * P_P_T[4*k + j];
            F_P_P_T[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += F_P_P_T[4*i + k] * F[4*j + k];
            product[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += Q[4*i + k] * Q[4*j + k];
            P_pred[4*i + j] = product[4*i + j] + sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += H[4*i + k] * P_pred[4*k + j];
            H_P_pred[4*i + j] = sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += H_P_pred[4*i + k] * H[4*j + k];
            product_2[2*i + j] = sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                sum += R[2*i + k] * R[2*j + k];
            S[2*i + j] = product_2[2*i + j] + sum + constant[2*i + j];
        }
    }

    /* det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    /* adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ... */
    const double stacked_part = -S[1];
    const double stacked_2_part = -S[2];
    det = S[0] * S[3] - S[1] * S[2];
    stacked[0] = S[3];
    stacked[1] = stacked_part;
    stacked_2[0] = stacked_2_part;
    stacked_2[1] = S[0];

    /* adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ... */
    for (int i = 0; i < 2; i++) {
        adjugate[i] = stacked[i];
        adjugate[i + 2] = stacked_2[i];
    }

    /* K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += P_pred[4*i + k] * H[4*j + k];
            P_pred_H_T[2*i + j] = sum;
        }
    }

    /* K = P_pred @ H.T @ adjugate / det */
    /* x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                sum += P_pred_H_T[2*i + k] * adjugate[2*k + j];
            K[2*i + j] = sum / det;
            H_x_pred[4*j + i] = H[4*j + i] * x_pred[i];
        }
    }

    /* x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++)
        K_difference_sum[i] = 0;
    for (int i = 0; i < 2; i++) {
        double sum = 0;
        for (int j = 0; j < 4; j++) {
            sum += H_x_pred[4*i + j];
        }
        const double t = z[i] - sum;
        for (int j = 0; j < 4; j++) {
            K_difference_sum[j] += K[2*j + i] * t;
        }
        difference[i] = t;
    }

    /* x_new = x_pred + K @ (z - H @ x_pred) */
    /* return np.sum((x_new - truth) ** 2) */
    /* backward of: return np.sum((x_new - truth) ** 2) */
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        const double x_new = x_pred[i] + K_difference_sum[i];
        const double t = x_new - truth[i];
        sum += t * t;
        product_4[i] = 2.0 * t;
    }
    *kalman_step = sum;

    /* backward of: x_new = x_pred + K @ (z - H @ x_pred) */
    /* backward of: K = P_pred @ H.T @ adjugate / det */
    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    for (int i = 0; i < 4; i++)
        total_3[i] = 0;
    product_6_sum = 0;
    for (int j = 0; j < 2; j++) {
        double sum2 = 0;
        for (int i = 0; i < 4; i++) {
            const double t2 = product_4[i] * difference[j];
            sum2 += K[2*i + j] * product_4[i];
            quotient[2*i + j] = t2 / det;
            product_6_sum += t2 * K[2*i + j];
        }
        for (int i = 0; i < 4; i++) {
            product_5[4*j + i] = -sum2 * x_pred[i];
            total_3[i] += H[4*j + i] * sum2;
        }
        scatter_difference_3[j] = 0.0;
        scatter_difference_4[j + 2] = 0.0;
        scatter_difference_5[j] = 0.0;
        scatter_difference_6[j + 2] = 0.0;
    }

    /* backward of: x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++) {
        difference_2[i] = product_4[i] - total_3[i];
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    const double t2 = product_6_sum / det;
    quotient_2_S10 = t2 * S[2];
    quotient_2_S01 = t2 * S[1];
    quotient_2_S00 = t2 * S[0];
    quotient_2_S11 = t2 * S[3];

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += P_pred_H_T[2*k + i] * quotient[2*k + j];
            part_2_quotient[2*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += quotient[2*i + k] * adjugate[2*j + k];
            quotient_adjugate_T[2*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += quotient_adjugate_T[2*i + k] * H[4*k + j];
            quotient_adjugate_T_H[4*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += quotient_adjugate_T[2*k + i] * P_pred[4*k + j];
            total_4[4*i + j] = product_5[4*i + j] + sum2;
        }
    }

    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    const double scatter_difference_3_part = quotient_2_S01 - part_2_quotient[2];
    const double scatter_difference_4_part = quotient_2_S10 - part_2_quotient[1];
    const double scatter_difference_5_part = part_2_quotient[0] - quotient_2_S00;
    const double scatter_difference_6_part = part_2_quotient[3] - quotient_2_S11;
    scatter_difference_3[2] = scatter_difference_3_part;
    scatter_difference_3[3] = 0.0;
    scatter_difference_4[1] = scatter_difference_4_part;
    scatter_difference_4[0] = 0.0;
    scatter_difference_5[3] = scatter_difference_5_part;
    scatter_difference_5[2] = 0.0;
    scatter_difference_6[0] = scatter_difference_6_part;
    scatter_difference_6[1] = 0.0;

    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            total_7[2*i + j] = scatter_difference_3[2*i + j] + scatter_difference_4[2*i + j] + scatter_difference_5[2*i + j] + scatter_difference_6[2*i + j];
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += total_7[2*k + i] * H_P_pred[4*k + j];
            total_8[4*i + j] = total_4[4*i + j] + sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += total_7[2*i + k] * H[4*k + j];
            total_7_H[4*i + j] = sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += total_7_H[4*i + k] * P_pred[4*j + k];
            dH[4*i + j] = total_8[4*i + j] + sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += H[4*k + i] * total_7_H[4*k + j];
            total_10[4*i + j] = quotient_adjugate_T_H[4*i + j] + sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += total_10[4*i + k] * F[4*k + j];
            total_10_F[4*i + j] = sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += total_10[4*k + i] * F_P_P_T[4*k + j];
            product_11[4*i + j] = sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    /* backward of: x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += total_10_F[4*i + k] * P_P_T[4*j + k];
            dF[4*i + j] = product_11[4*i + j] + sum2 + difference_2[i] * x[j];
            F_T_difference_2[4*i + j] = F[4*j + i] * difference_2[j];
        }
    }

    /* backward of: x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        double sum2 = 0;
        for (int j = 0; j < 4; j++) {
            sum2 += F_T_difference_2[4*i + j];
        }
        dx[i] = sum2;
    }
}
