/* ---- focal_loss_and_grad.h */

#ifndef FOCAL_LOSS_AND_GRAD_H
#define FOCAL_LOSS_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of focal_loss, written by Clearprop.
 * For z f64[30], y f64[30].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void focal_loss_and_grad(const double *z, const double *y, double *focal_loss, double *dz);

#endif

/* ---- focal_loss_and_grad.c */

/* The value and the gradient of focal_loss, written by Clearprop.
 * For z f64[30], y f64[30].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "focal_loss_and_grad.h"

void focal_loss_and_grad(const double *z, const double *y, double *focal_loss, double *dz)
{

    /* p = clearprop.sigmoid(z) */
    /* pt = y * p + (1 - y) * (1 - p) */
    /* return -np.mean((1 - pt) ** 2 * np.log(pt)) */
    /* backward of: return -np.mean((1 - pt) ** 2 * np.log(pt)) */
    /* backward of: p = clearprop.sigmoid(z) */
    double sum = 0;
    for (int i = 0; i < 30; i++) {
        const double t = 1.0 + exp(-z[i]);
        const double t2 = 1.0 - y[i];
        const double p = 1.0 / t;
        const double t3 = 1.0 - p;
        const double pt = y[i] / t + t2 * t3;
        const double t4 = 1.0 - pt;
        const double t5 = t4 * t4;
        const double t6 = log(pt);
        sum += t5 * t6;
        dz[i] = t3 / t * (2.0 * t4 * t6 - t5 / pt) * (y[i] - t2) / 30.0;
    }
    *focal_loss = -(sum / 30.0);
}
