/* ---- standardisation_and_grad.h */

#ifndef STANDARDISATION_AND_GRAD_H
#define STANDARDISATION_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of standardisation, written by Clearprop.
 * For x f64[30], target f64[30].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void standardisation_and_grad(
    const double *x,
    const double *target,
    double *standardisation,
    double *dx);

#endif

/* ---- standardisation_and_grad.c */

/* The value and the gradient of standardisation, written by Clearprop.
 * For x f64[30], target f64[30].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "standardisation_and_grad.h"

void standardisation_and_grad(
    const double *x,
    const double *target,
    double *standardisation,
    double *dx)
{

    /* z = (x - x.mean()) / x.std() */
    /* return np.sum(z * target) + np.var(x) */
    /* backward of: z = (x - x.mean()) / x.std() */
    double sum = 0;
    double sum2 = 0;
    double sum3 = 0;
    for (int i = 0; i < 30; i++) {
        sum += x[i];
        sum2 += x[i];
        sum3 += target[i];
    }
    const double t = sum2 / 30.0;
    double sum4 = 0;
    for (int i = 0; i < 30; i++) {
        const double t2 = x[i] - t;
        sum4 += t2 * t2;
    }
    const double t3 = sum / 30.0;
    const double t4 = sum4 / 30.0;
    const double t5 = sqrt(t4);
    double sum5 = 0;
    for (int i = 0; i < 30; i++) {
        const double t6 = x[i] - t3;
        const double z = t6 / t5;
        sum5 += z * target[i];
    }
    const double t7 = sum3 / 30.0;
    const double t8 = sum5 / 30.0;
    for (int i = 0; i < 30; i++) {
        const double t9 = x[i] - t3;
        const double z_i = t9 / t5;
        dx[i] = 0.06666666666666667 * t9 + (target[i] - t7 - t8 * z_i) / t5;
    }
    *standardisation = sum5 + t4;
}
