/* ---- triplet_loss_and_grad.h */

#ifndef TRIPLET_LOSS_AND_GRAD_H
#define TRIPLET_LOSS_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of triplet_loss, written by Clearprop.
 * For anchor f64[10,4], positive f64[10,4], negative f64[10,4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void triplet_loss_and_grad(
    const double *anchor,
    const double *positive,
    const double *negative,
    double *triplet_loss,
    double *danchor,
    double *dpositive,
    double *dnegative);

#endif

/* ---- triplet_loss_and_grad.c */

/* The value and the gradient of triplet_loss, written by Clearprop.
 * For anchor f64[10,4], positive f64[10,4], negative f64[10,4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "triplet_loss_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

void triplet_loss_and_grad(
    const double *anchor,
    const double *positive,
    const double *negative,
    double *triplet_loss,
    double *danchor,
    double *dpositive,
    double *dnegative)
{
    double total;

    /* near = ((anchor - positive) ** 2).sum(1) */
    /* far = ((anchor - negative) ** 2).sum(1) */
    /* return np.mean(clearprop.relu(near - far + 0.5)) */
    /* backward of: return np.mean(clearprop.relu(near - far + 0.5)) */
    /* backward of: far = ((anchor - negative) ** 2).sum(1) */
    /* backward of: near = ((anchor - positive) ** 2).sum(1) */
    total = 0;
    for (int i = 0; i < 10; i++) {
        double near = 0;
        double far = 0;
        for (int j = 0; j < 4; j++) {
            const double t = anchor[4*i + j] - positive[4*i + j];
            const double t2 = anchor[4*i + j] - negative[4*i + j];
            near += t * t;
            far += t2 * t2;
        }
        const double t3 = near - far + 0.5;
        const double t4 = (double)(t3 > 0.0) / 10.0;
        const double t5 = -2.0 * t4;
        const double t6 = 2.0 * t4;
        for (int j = 0; j < 4; j++) {
            const double t7 = anchor[4*i + j] - positive[4*i + j];
            const double t8 = anchor[4*i + j] - negative[4*i + j];
            const double t9 = t5 * t8;
            const double t10 = t6 * t7;
            dnegative[4*i + j] = -t9;
            danchor[4*i + j] = t9 + t10;
            dpositive[4*i + j] = -t10;
        }
        total += maximum(t3, 0.0);
    }

    /* return np.mean(clearprop.relu(near - far + 0.5)) */
    *triplet_loss = total / 10.0;
}
