/* ---- rbf_kernel_and_grad.h */

#ifndef RBF_KERNEL_AND_GRAD_H
#define RBF_KERNEL_AND_GRAD_H

#include <stdint.h>

#define RBF_KERNEL_AND_GRAD_WORKSPACE 5248 /* bytes, aligned as for a double */

/* The value and the gradient of rbf_kernel, written by Clearprop.
 * For x f64[20,3], centres f64[15,3], alpha f64[15], length f64, y f64[20].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void rbf_kernel_and_grad(
    const double *x,
    const double *centres,
    const double *alpha,
    double length,
    const double *y,
    double *rbf_kernel,
    double *dalpha,
    double *dlength,
    void *workspace);

#endif

/* ---- rbf_kernel_and_grad.c */

/* The value and the gradient of rbf_kernel, written by Clearprop.
 * For x f64[20,3], centres f64[15,3], alpha f64[15], length f64, y f64[20].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "rbf_kernel_and_grad.h"

void rbf_kernel_and_grad(
    const double *x,
    const double *centres,
    const double *alpha,
    double length,
    const double *y,
    double *rbf_kernel,
    double *dalpha,
    double *dlength,
    void *workspace)
{
    double dlength_part_2;
    double *K_pre = (double *)workspace; /* 20 x 15 */
    double *K = (double *)((char *)workspace + 2432); /* 20 x 15 */
    double *K_alpha_2 = (double *)((char *)workspace + 4864); /* 20 */
    double *dK_alpha = (double *)((char *)workspace + 5056); /* 20 */

    /* d2 = ((x[:, None, :] - centres[None, :, :]) ** 2).sum(2) */
    /* K = np.exp(-d2 / (2 * length**2)) */
    /* return np.mean((K @ alpha - y) ** 2) */
    for (int i = 0; i < 20; i++)
        K_alpha_2[i] = 0;
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 15; j++) {
            double d2 = 0;
            for (int k = 0; k < 3; k++) {
                const double t = x[3*i + k] - centres[3*j + k];
                d2 += t * t;
            }
            const double t2 = d2 / (2.0 * (length * length));
            const double K_ij = exp(-t2);
            K_pre[15*i + j] = t2;
            K[15*i + j] = K_ij;
            K_alpha_2[i] += K_ij * alpha[j];
        }
    }

    /* return np.mean((K @ alpha - y) ** 2) */
    /* backward of: return np.mean((K @ alpha - y) ** 2) */
    double sum = 0;
    for (int i = 0; i < 20; i++) {
        const double t = K_alpha_2[i] - y[i];
        sum += t * t;
        dK_alpha[i] = t / 10.0;
    }
    *rbf_kernel = sum / 20.0;

    /* backward of: return np.mean((K @ alpha - y) ** 2) */
    /* backward of: K = np.exp(-d2 / (2 * length**2)) */
    dlength_part_2 = 0;
    for (int j = 0; j < 15; j++) {
        double dalpha_j = 0;
        for (int i = 0; i < 20; i++) {
            const double dK = dK_alpha[i] * alpha[j];
            dalpha_j += K[15*i + j] * dK_alpha[i];
            dlength_part_2 += dK * K_pre[15*i + j] * K[15*i + j];
        }
        dalpha[j] = dalpha_j;
    }

    /* backward of: K = np.exp(-d2 / (2 * length**2)) */
    *dlength = 4.0 * dlength_part_2 * length / (2.0 * (length * length));
}
