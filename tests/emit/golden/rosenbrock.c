/* ---- rosenbrock_and_grad.h */

#ifndef ROSENBROCK_AND_GRAD_H
#define ROSENBROCK_AND_GRAD_H

#include <stdint.h>

#define ROSENBROCK_AND_GRAD_WORKSPACE 128 /* bytes, aligned as for a double */

/* The value and the gradient of rosenbrock, written by Clearprop.
 * For x f64[6].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void rosenbrock_and_grad(const double *x, double *rosenbrock, double *dx, void *workspace);

#endif

/* ---- rosenbrock_and_grad.c */

/* The value and the gradient of rosenbrock, written by Clearprop.
 * For x f64[6].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "rosenbrock_and_grad.h"

void rosenbrock_and_grad(const double *x, double *rosenbrock, double *dx, void *workspace)
{
    double *dx_part_2 = (double *)workspace; /* 6 */
    double *dx_part_6 = (double *)((char *)workspace + 64); /* 6 */

    /* return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2) */
    /* backward of: return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2) */
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        const double t = x[i + 1] - x[i] * x[i];
        const double t2 = 1.0 - x[i];
        const double dx_part_2_part = 200.0 * t;
        const double dx_part_6_part = -2.0 * (t2 + dx_part_2_part * x[i]);
        sum += 100.0 * (t * t) + t2 * t2;
        dx_part_2[i + 1] = dx_part_2_part;
        dx_part_6[i] = dx_part_6_part;
    }
    *rosenbrock = sum;
    dx_part_2[0] = 0.0;
    dx_part_6[5] = 0.0;

    /* backward of: return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2) */
    for (int i = 0; i < 6; i++) {
        dx[i] = dx_part_2[i] + dx_part_6[i];
    }
}
