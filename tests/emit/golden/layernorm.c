/* ---- layernorm_and_grad.h */

#ifndef LAYERNORM_AND_GRAD_H
#define LAYERNORM_AND_GRAD_H

#include <stdint.h>

#define LAYERNORM_AND_GRAD_WORKSPACE 1536 /* bytes, aligned as for a double */

/* The value and the gradient of layernorm, written by Clearprop.
 * For x f64[16,12], gain f64[12], bias f64[12], target f64[16,12].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void layernorm_and_grad(
    const double *x,
    const double *gain,
    const double *bias,
    const double *target,
    double *layernorm,
    double *dx,
    double *dgain,
    double *dbias,
    void *workspace);

#endif

/* ---- layernorm_and_grad.c */

/* The value and the gradient of layernorm, written by Clearprop.
 * For x f64[16,12], gain f64[12], bias f64[12], target f64[16,12].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "layernorm_and_grad.h"

void layernorm_and_grad(
    const double *x,
    const double *gain,
    const double *bias,
    const double *target,
    double *layernorm,
    double *dx,
    double *dgain,
    double *dbias,
    void *workspace)
{
    double *kept1 = (double *)workspace; /* 16 x 12 */

    /* mean = x.mean(axis=-1, keepdims=True) */
    /* var = x.var(axis=-1, keepdims=True) */
    /* xhat = (x - mean) / np.sqrt(var + 1e-5) */
    /* out = gain * xhat + bias */
    /* return np.sum((out - target) ** 2) */
    /* backward of: return np.sum((out - target) ** 2) */
    /* backward of: out = gain * xhat + bias */
    /* backward of: xhat = (x - mean) / np.sqrt(var + 1e-5) */
    *layernorm = 0;
    for (int i = 0; i < 12; i++)
        dbias[i] = 0;
    for (int i = 0; i < 12; i++)
        dgain[i] = 0;
    for (int i = 0; i < 16; i++) {
        double sum = 0;
        for (int j = 0; j < 12; j++) {
            sum += x[12*i + j];
        }
        const double mean = sum / 12.0;
        double sum2 = 0;
        for (int j = 0; j < 12; j++) {
            const double t = x[12*i + j] - mean;
            sum2 += t * t;
        }
        const double var = sum2 / 12.0;
        const double t2 = sqrt(var + 1e-05);
        double sum3 = 0;
        double sum4 = 0;
        for (int j = 0; j < 12; j++) {
            const double t3 = x[12*i + j] - mean;
            const double xhat = t3 / t2;
            const double out = gain[j] * xhat + bias[j];
            const double t4 = out - target[12*i + j];
            const double dout = 2.0 * t4;
            const double dxhat = gain[j] * dout;
            sum3 += dxhat;
            sum4 += dxhat * xhat;
            *layernorm += t4 * t4;
            dbias[j] += dout;
            dgain[j] += dout * xhat;
            kept1[12*i + j] = dout;
        }
        const double t5 = sum3 / 12.0;
        const double t6 = sum4 / 12.0;
        for (int j = 0; j < 12; j++) {
            const double t7 = x[12*i + j] - mean;
            const double xhat_ij = t7 / t2;
            const double dxhat_ij = gain[j] * kept1[12*i + j];
            dx[12*i + j] = (dxhat_ij - t5 - t6 * xhat_ij) / t2;
        }
    }
}
