/* ---- quaternion_rotation_and_grad.h */

#ifndef QUATERNION_ROTATION_AND_GRAD_H
#define QUATERNION_ROTATION_AND_GRAD_H

#include <stdint.h>

#define QUATERNION_ROTATION_AND_GRAD_WORKSPACE 768 /* bytes, aligned as for a double */

/* The value and the gradient of quaternion_rotation, written by Clearprop.
 * For q f64[4], v f64[3], target f64[3].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void quaternion_rotation_and_grad(
    const double *q,
    const double *v,
    const double *target,
    double *quaternion_rotation,
    double *dq,
    double *dv,
    void *workspace);

#endif

/* ---- quaternion_rotation_and_grad.c */

/* The value and the gradient of quaternion_rotation, written by Clearprop.
 * For q f64[4], v f64[3], target f64[3].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "quaternion_rotation_and_grad.h"

void quaternion_rotation_and_grad(
    const double *q,
    const double *v,
    const double *target,
    double *quaternion_rotation,
    double *dq,
    double *dv,
    void *workspace)
{
    double sqrt_q_squared_sum;
    double constant_2_uv;
    double difference_4;
    double constant_4_w;
    double *unit = (double *)workspace; /* 4 */
    double *joined = (double *)((char *)workspace + 64); /* 4 */
    double *cross = (double *)((char *)workspace + 128); /* 3 */
    double *total = (double *)((char *)workspace + 192); /* 3 */
    double *constant_4_w_product = (double *)((char *)workspace + 256); /* 3 */
    double *total_3 = (double *)((char *)workspace + 320); /* 3 */
    double *product_13_u = (double *)((char *)workspace + 384); /* 3 */
    double *total_7 = (double *)((char *)workspace + 448); /* 3 */
    double *scatter_difference_5 = (double *)((char *)workspace + 128); /* 3 */
    double *scatter_difference_6 = (double *)((char *)workspace + 192); /* 3 */
    double *scatter_difference_7 = (double *)((char *)workspace + 512); /* 3 */
    double *scatter_difference_9 = (double *)((char *)workspace + 576); /* 3 */
    double *scatter_difference_10 = (double *)((char *)workspace + 640); /* 3 */
    double *scatter_difference_11 = (double *)((char *)workspace + 704); /* 3 */

    /* unit = q / np.sqrt(np.sum(q**2)) */
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += q[i] * q[i];
    }
    const double t = sqrt(sum);
    for (int i = 0; i < 4; i++) {
        unit[i] = q[i] / t;
    }
    sqrt_q_squared_sum = t;

    /* uv = u @ v */
    /* [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] *  ... */
    /* cross = np.stack( */
    /* rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross */
    double uv = 0;
    double sum2 = 0;
    for (int i = 0; i < 3; i++) {
        uv += unit[i + 1] * v[i];
        sum2 += unit[i + 1] * unit[i + 1];
    }
    const double t2 = 2.0 * uv;
    const double t3 = unit[0] * unit[0] - sum2;
    for (int i = 0; i < 3; i++) {
        total[i] = t2 * unit[i + 1] + t3 * v[i];
    }
    const double cross_part = unit[2] * v[2] - unit[3] * v[1];
    const double cross_part2 = unit[3] * v[0] - unit[1] * v[2];
    const double cross_part3 = unit[1] * v[1] - unit[2] * v[0];
    cross[0] = cross_part;
    cross[1] = cross_part2;
    cross[2] = cross_part3;
    constant_2_uv = t2;
    difference_4 = t3;
    constant_4_w = 2.0 * unit[0];

    /* rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross */
    /* return np.sum((rotated - target) ** 2) */
    /* backward of: return np.sum((rotated - target) ** 2) */
    /* backward of: rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross */
    /* backward of: uv = u @ v */
    /* backward of: w, u = unit[0], unit[1:] */
    double sum3 = 0;
    double sum4 = 0;
    double sum5 = 0;
    double sum6 = 0;
    for (int i = 0; i < 3; i++) {
        const double rotated = total[i] + constant_4_w * cross[i];
        const double t4 = rotated - target[i];
        const double t5 = 2.0 * t4;
        sum3 += t4 * t4;
        sum4 += t5 * unit[i + 1];
        sum5 += t5 * v[i];
        sum6 += t5 * cross[i];
        constant_4_w_product[i] = constant_4_w * t5;
    }
    const double t6 = 2.0 * sum4;
    for (int i = 0; i < 3; i++) {
        const double rotated_i = total[i] + constant_4_w * cross[i];
        const double t7 = rotated_i - target[i];
        const double t8 = 2.0 * t7;
        total_3[i] = constant_2_uv * t8 + t6 * v[i];
        product_13_u[i] = 2.0 * sum5 * unit[i + 1];
        total_7[i] = difference_4 * t8 + t6 * unit[i + 1];
    }
    const double joined_part = 2.0 * sum6 + sum5 * constant_4_w;
    *quaternion_rotation = sum3;
    joined[0] = joined_part;

    /* backward of: [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] *  ... */
    /* backward of: uv = u @ v */
    const double scatter_difference_5_part = constant_4_w_product[2] * v[1] - constant_4_w_product[1] * v[2];
    const double scatter_difference_6_part = constant_4_w_product[1] * v[0] - constant_4_w_product[0] * v[1];
    const double scatter_difference_7_part = constant_4_w_product[0] * v[2] - constant_4_w_product[2] * v[0];
    const double scatter_difference_9_part = constant_4_w_product[1] * unit[3] - constant_4_w_product[2] * unit[2];
    const double scatter_difference_10_part = constant_4_w_product[2] * unit[1] - constant_4_w_product[0] * unit[3];
    const double scatter_difference_11_part = constant_4_w_product[0] * unit[2] - constant_4_w_product[1] * unit[1];
    scatter_difference_5[0] = scatter_difference_5_part;
    scatter_difference_6[2] = scatter_difference_6_part;
    scatter_difference_7[1] = scatter_difference_7_part;
    scatter_difference_7[0] = 0.0;
    scatter_difference_7[2] = 0.0;
    scatter_difference_9[0] = scatter_difference_9_part;
    scatter_difference_10[1] = scatter_difference_10_part;
    scatter_difference_10[0] = 0.0;
    scatter_difference_10[2] = 0.0;
    scatter_difference_11[2] = scatter_difference_11_part;

    /* backward of: uv = u @ v */
    for (int i = 0; i < 2; i++) {
        scatter_difference_5[i + 1] = 0.0;
        scatter_difference_6[i] = 0.0;
        scatter_difference_9[i + 1] = 0.0;
        scatter_difference_11[i] = 0.0;
    }

    /* backward of: uv = u @ v */
    /* backward of: w, u = unit[0], unit[1:] */
    for (int i = 0; i < 3; i++) {
        const double joined_part_i = total_3[i] + scatter_difference_5[i] + scatter_difference_6[i] + scatter_difference_7[i] - product_13_u[i];
        dv[i] = total_7[i] + scatter_difference_9[i] + scatter_difference_10[i] + scatter_difference_11[i];
        joined[i + 1] = joined_part_i;
    }

    /* backward of: unit = q / np.sqrt(np.sum(q**2)) */
    double sum7 = 0;
    for (int i = 0; i < 4; i++) {
        sum7 += joined[i] * unit[i];
    }
    const double t9 = sum7 / sqrt_q_squared_sum;
    for (int i = 0; i < 4; i++) {
        dq[i] = (joined[i] - t9 * q[i]) / sqrt_q_squared_sum;
    }
}
