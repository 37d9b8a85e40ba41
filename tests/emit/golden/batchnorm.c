/* ---- batchnorm_and_grad.h */

#ifndef BATCHNORM_AND_GRAD_H
#define BATCHNORM_AND_GRAD_H

#include <stdint.h>

#define BATCHNORM_AND_GRAD_WORKSPACE 2560 /* bytes, aligned as for a double */

/* The value and the gradient of batchnorm, written by Clearprop.
 * For x f64[32,10], gamma f64[10], beta f64[10], target f64[32,10].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void batchnorm_and_grad(
    const double *x,
    const double *gamma_,
    const double *beta,
    const double *target,
    double *batchnorm,
    double *dx,
    double *dgamma,
    double *dbeta,
    void *workspace);

#endif

/* ---- batchnorm_and_grad.c */

/* The value and the gradient of batchnorm, written by Clearprop.
 * For x f64[32,10], gamma f64[10], beta f64[10], target f64[32,10].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "batchnorm_and_grad.h"

void batchnorm_and_grad(
    const double *x,
    const double *gamma_,
    const double *beta,
    const double *target,
    double *batchnorm,
    double *dx,
    double *dgamma,
    double *dbeta,
    void *workspace)
{
    double part_sum;
    double *kept1 = (double *)workspace; /* 32 x 10 */

    /* mu = x.mean(0) */
    /* xmu = x - mu */
    /* var = (xmu**2).mean(0) */
    /* ivar = 1 / np.sqrt(var + 1e-5) */
    /* xhat = xmu * ivar */
    /* out = gamma * xhat + beta */
    /* return np.mean((out - target) ** 2) */
    /* backward of: return np.mean((out - target) ** 2) */
    /* backward of: out = gamma * xhat + beta */
    /* backward of: xhat = xmu * ivar */
    part_sum = 0;
    for (int j = 0; j < 10; j++) {
        double sum = 0;
        for (int i = 0; i < 32; i++) {
            sum += x[10*i + j];
        }
        const double mu = sum / 32.0;
        double sum2 = 0;
        for (int i = 0; i < 32; i++) {
            const double xmu = x[10*i + j] - mu;
            sum2 += xmu * xmu;
        }
        const double var = sum2 / 32.0;
        const double t = sqrt(var + 1e-05);
        double dbeta_j = 0;
        double dgamma_ = 0;
        double sum3 = 0;
        double sum4 = 0;
        for (int i = 0; i < 32; i++) {
            const double xmu_ij = x[10*i + j] - mu;
            const double xhat = xmu_ij / t;
            const double out = gamma_[j] * xhat + beta[j];
            const double t2 = out - target[10*i + j];
            const double dout = 0.00625 * t2;
            const double dxhat = gamma_[j] * dout;
            dbeta_j += dout;
            dgamma_ += dout * xhat;
            sum3 += dxhat;
            sum4 += dxhat * xhat;
            part_sum += t2 * t2;
            kept1[10*i + j] = dout;
        }
        const double t3 = sum3 / 32.0;
        const double t4 = sum4 / 32.0;
        for (int i = 0; i < 32; i++) {
            const double xmu_ij2 = x[10*i + j] - mu;
            const double xhat_ij = xmu_ij2 / t;
            const double dxhat_ij = gamma_[j] * kept1[10*i + j];
            dx[10*i + j] = (dxhat_ij - t3 - t4 * xhat_ij) / t;
        }
        dbeta[j] = dbeta_j;
        dgamma[j] = dgamma_;
    }

    /* return np.mean((out - target) ** 2) */
    *batchnorm = part_sum / 320.0;
}
