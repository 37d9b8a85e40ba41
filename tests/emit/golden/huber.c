/* ---- huber_and_grad.h */

#ifndef HUBER_AND_GRAD_H
#define HUBER_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of huber, written by Clearprop.
 * For prediction f64[40], target f64[40].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void huber_and_grad(
    const double *prediction,
    const double *target,
    double *huber,
    double *dprediction);

#endif

/* ---- huber_and_grad.c */

/* The value and the gradient of huber, written by Clearprop.
 * For prediction f64[40], target f64[40].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "huber_and_grad.h"

static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

void huber_and_grad(
    const double *prediction,
    const double *target,
    double *huber,
    double *dprediction)
{

    /* return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25))) */
    /* backward of: a = np.abs(r) */
    double sum = 0;
    for (int i = 0; i < 40; i++) {
        const double r = prediction[i] - target[i];
        const double a = fabs(r);
        const int t = a <= 0.5;
        const double dr = t ? 0.025 * r : sign(r) / 80.0;
        sum += t ? 0.5 * (r * r) : 0.5 * (a - 0.25);
        dprediction[i] = dr;
    }
    *huber = sum / 40.0;
}
