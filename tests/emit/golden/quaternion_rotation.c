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
    double q_norm;
    double two_uv;
    double w_squared_minus_uu;
    double two_w;
    double *unit = (double *)workspace; /* 4 */
    double *dunit = (double *)((char *)workspace + 64); /* 4 */
    double *cross = (double *)((char *)workspace + 128); /* 3 */
    double *rotated_part = (double *)((char *)workspace + 192); /* 3 */
    double *dcross = (double *)((char *)workspace + 256); /* 3 */
    double *du_part_7 = (double *)((char *)workspace + 320); /* 3 */
    double *two_drotated_v_u = (double *)((char *)workspace + 384); /* 3 */
    double *dv_part_2 = (double *)((char *)workspace + 448); /* 3 */
    double *du_part_4 = (double *)((char *)workspace + 128); /* 3 */
    double *du_part_5 = (double *)((char *)workspace + 192); /* 3 */
    double *du_part_6 = (double *)((char *)workspace + 512); /* 3 */
    double *dv_part_6 = (double *)((char *)workspace + 576); /* 3 */
    double *dv_part_7 = (double *)((char *)workspace + 640); /* 3 */
    double *dv_part_8 = (double *)((char *)workspace + 704); /* 3 */

    /* unit = q / np.sqrt(np.sum(q**2)) */
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += q[i] * q[i];
    }
    const double t = sqrt(sum);
    for (int i = 0; i < 4; i++) {
        unit[i] = q[i] / t;
    }
    q_norm = t;

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
        rotated_part[i] = t2 * unit[i + 1] + t3 * v[i];
    }
    const double cross_part = unit[2] * v[2] - unit[3] * v[1];
    const double cross_part2 = unit[3] * v[0] - unit[1] * v[2];
    const double cross_part3 = unit[1] * v[1] - unit[2] * v[0];
    cross[0] = cross_part;
    cross[1] = cross_part2;
    cross[2] = cross_part3;
    two_uv = t2;
    w_squared_minus_uu = t3;
    two_w = 2.0 * unit[0];

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
        const double rotated = rotated_part[i] + two_w * cross[i];
        const double t4 = rotated - target[i];
        const double drotated = 2.0 * t4;
        sum3 += t4 * t4;
        sum4 += drotated * unit[i + 1];
        sum5 += drotated * v[i];
        sum6 += drotated * cross[i];
        dcross[i] = two_w * drotated;
    }
    const double duv = 2.0 * sum4;
    for (int i = 0; i < 3; i++) {
        const double rotated_i = rotated_part[i] + two_w * cross[i];
        const double t5 = rotated_i - target[i];
        const double drotated_i = 2.0 * t5;
        du_part_7[i] = two_uv * drotated_i + duv * v[i];
        two_drotated_v_u[i] = 2.0 * sum5 * unit[i + 1];
        dv_part_2[i] = w_squared_minus_uu * drotated_i + duv * unit[i + 1];
    }
    const double dunit_part = 2.0 * sum6 + sum5 * two_w;
    *quaternion_rotation = sum3;
    dunit[0] = dunit_part;

    /* backward of: [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] *  ... */
    /* backward of: uv = u @ v */
    const double du_part_4_part = dcross[2] * v[1] - dcross[1] * v[2];
    const double du_part_5_part = dcross[1] * v[0] - dcross[0] * v[1];
    const double du_part_6_part = dcross[0] * v[2] - dcross[2] * v[0];
    const double dv_part_6_part = dcross[1] * unit[3] - dcross[2] * unit[2];
    const double dv_part_7_part = dcross[2] * unit[1] - dcross[0] * unit[3];
    const double dv_part_8_part = dcross[0] * unit[2] - dcross[1] * unit[1];
    du_part_4[0] = du_part_4_part;
    du_part_5[2] = du_part_5_part;
    du_part_6[1] = du_part_6_part;
    du_part_6[0] = 0.0;
    du_part_6[2] = 0.0;
    dv_part_6[0] = dv_part_6_part;
    dv_part_7[1] = dv_part_7_part;
    dv_part_7[0] = 0.0;
    dv_part_7[2] = 0.0;
    dv_part_8[2] = dv_part_8_part;

    /* backward of: uv = u @ v */
    for (int i = 0; i < 2; i++) {
        du_part_4[i + 1] = 0.0;
        du_part_5[i] = 0.0;
        dv_part_6[i + 1] = 0.0;
        dv_part_8[i] = 0.0;
    }

    /* backward of: uv = u @ v */
    /* backward of: w, u = unit[0], unit[1:] */
    for (int i = 0; i < 3; i++) {
        const double dunit_part_i = du_part_7[i] + du_part_4[i] + du_part_5[i] + du_part_6[i] - two_drotated_v_u[i];
        dv[i] = dv_part_2[i] + dv_part_6[i] + dv_part_7[i] + dv_part_8[i];
        dunit[i + 1] = dunit_part_i;
    }

    /* backward of: unit = q / np.sqrt(np.sum(q**2)) */
    double sum7 = 0;
    for (int i = 0; i < 4; i++) {
        sum7 += dunit[i] * unit[i];
    }
    const double t6 = sum7 / q_norm;
    for (int i = 0; i < 4; i++) {
        dq[i] = (dunit[i] - t6 * q[i]) / q_norm;
    }
}
