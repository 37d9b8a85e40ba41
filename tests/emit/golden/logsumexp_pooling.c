/* ---- logsumexp_pooling_and_grad.h */

#ifndef LOGSUMEXP_POOLING_AND_GRAD_H
#define LOGSUMEXP_POOLING_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of logsumexp_pooling, written by Clearprop.
 * For x f64[6,20], w f64[6], beta f64.
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void logsumexp_pooling_and_grad(
    const double *x,
    const double *w,
    double beta,
    double *logsumexp_pooling,
    double *dx,
    double *dw,
    double *dbeta);

#endif

/* ---- logsumexp_pooling_and_grad.c */

/* The value and the gradient of logsumexp_pooling, written by Clearprop.
 * For x f64[6,20], w f64[6], beta f64.
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "logsumexp_pooling_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

void logsumexp_pooling_and_grad(
    const double *x,
    const double *w,
    double beta,
    double *logsumexp_pooling,
    double *dx,
    double *dw,
    double *dbeta)
{
    double w_pooled_2;
    double dbeta_part_2;

    /* m = (beta * x).max(axis=1) */
    /* pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta */
    /* return pooled @ w */
    /* backward of: pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta */
    *logsumexp_pooling = 0;
    w_pooled_2 = 0;
    dbeta_part_2 = 0;
    for (int i = 0; i < 6; i++) {
        double m_ = -INFINITY;
        for (int j = 0; j < 20; j++) {
            const double t = beta * x[20*i + j];
            m_ = maximum(m_, t);
        }
        double sum = 0;
        for (int j = 0; j < 20; j++) {
            const double t2 = beta * x[20*i + j];
            sum += exp(t2 - m_);
        }
        const double t3 = m_ + log(sum);
        const double t4 = w[i] / beta;
        for (int j = 0; j < 20; j++) {
            const double t5 = beta * x[20*i + j];
            const double t6 = t4 * exp(t5 - t3);
            dbeta_part_2 += t6 * x[20*i + j];
            dx[20*i + j] = beta * t6;
        }
        const double pooled = t3 / beta;
        dw[i] = pooled;
        *logsumexp_pooling += pooled * w[i];
        w_pooled_2 += w[i] * pooled;
    }

    /* backward of: pooled = (m + np.log(np.exp(beta * x - m[:, None]).sum(axis=1))) / beta */
    *dbeta = dbeta_part_2 - w_pooled_2 / beta;
}
