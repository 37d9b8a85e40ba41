/* ---- gaussian_mixture_and_grad.h */

#ifndef GAUSSIAN_MIXTURE_AND_GRAD_H
#define GAUSSIAN_MIXTURE_AND_GRAD_H

#include <stdint.h>

#define GAUSSIAN_MIXTURE_AND_GRAD_WORKSPACE 5120 /* bytes, aligned as for a double */

/* The value and the gradient of gaussian_mixture, written by Clearprop.
 * For x f64[50,2], logits f64[3], means f64[3,2], log_sds f64[3,2].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void gaussian_mixture_and_grad(
    const double *x,
    const double *logits,
    const double *means,
    const double *log_sds,
    double *gaussian_mixture,
    double *dlogits,
    double *dmeans,
    double *dlog_sds,
    void *workspace);

#endif

/* ---- gaussian_mixture_and_grad.c */

/* The value and the gradient of gaussian_mixture, written by Clearprop.
 * For x f64[50,2], logits f64[3], means f64[3,2], log_sds f64[3,2].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "gaussian_mixture_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

void gaussian_mixture_and_grad(
    const double *x,
    const double *logits,
    const double *means,
    const double *log_sds,
    double *gaussian_mixture,
    double *dlogits,
    double *dmeans,
    double *dlog_sds,
    void *workspace)
{
    double logits_max;
    double logsumexp_joint_sum;
    double *z = (double *)workspace; /* 50 x 3 x 2 */
    double *log_density = (double *)((char *)workspace + 2432); /* 50 x 3 */
    double *djoint = (double *)((char *)workspace + 3648); /* 50 x 3 */
    double *exp_log_sds = (double *)((char *)workspace + 4864); /* 3 x 2 */
    double *log_sds_sum = (double *)((char *)workspace + 3648); /* 3 */
    double *log_softmax_logits = (double *)((char *)workspace + 4928); /* 3 */
    double *exp_log_softmax_logits = (double *)((char *)workspace + 4992); /* 3 */
    double *dlog_softmax_logits = (double *)((char *)workspace + 5056); /* 3 */

    /* z = (x[:, None, :] - means) / np.exp(log_sds) */
    /* log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi) */
    /* joint = clearprop.log_softmax(logits) + log_density */
    logits_max = -INFINITY;
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int j = 0; j < 2; j++) {
            sum += log_sds[2*i + j];
            exp_log_sds[2*i + j] = exp(log_sds[2*i + j]);
        }
        log_sds_sum[i] = sum;
        logits_max = maximum(logits_max, logits[i]);
    }

    /* z = (x[:, None, :] - means) / np.exp(log_sds) */
    /* log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi) */
    for (int i = 0; i < 50; i++) {
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int k = 0; k < 2; k++) {
                const double z_ijk = (x[2*i + k] - means[2*j + k]) / exp_log_sds[2*j + k];
                sum += z_ijk * z_ijk;
                z[6*i + 2*j + k] = z_ijk;
            }
            log_density[3*i + j] = -0.5 * sum - log_sds_sum[j] - 1.8378770664093453;
        }
    }

    /* joint = clearprop.log_softmax(logits) + log_density */
    /* backward of: joint = clearprop.log_softmax(logits) + log_density */
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        const double t = logits[i] - logits_max;
        sum += exp(t);
    }
    const double t2 = log(sum);
    for (int i = 0; i < 3; i++) {
        const double t3 = logits[i] - logits_max;
        const double t4 = t3 - t2;
        log_softmax_logits[i] = t4;
        exp_log_softmax_logits[i] = exp(t4);
    }

    /* joint = clearprop.log_softmax(logits) + log_density */
    /* return -np.mean(clearprop.logsumexp(joint, axis=1)) */
    /* backward of: return -np.mean(clearprop.logsumexp(joint, axis=1)) */
    /* backward of: joint = clearprop.log_softmax(logits) + log_density */
    logsumexp_joint_sum = 0;
    for (int i = 0; i < 3; i++)
        dlog_softmax_logits[i] = 0;
    for (int i = 0; i < 50; i++) {
        double top = -INFINITY;
        for (int j = 0; j < 3; j++) {
            const double joint = log_softmax_logits[j] + log_density[3*i + j];
            top = maximum(top, joint);
        }
        double sum2 = 0;
        for (int j = 0; j < 3; j++) {
            const double joint_ij = log_softmax_logits[j] + log_density[3*i + j];
            sum2 += exp(joint_ij - top);
        }
        const double t5 = top + log(sum2);
        for (int j = 0; j < 3; j++) {
            const double joint_ij2 = log_softmax_logits[j] + log_density[3*i + j];
            const double djoint_ij = -0.02 * exp(joint_ij2 - t5);
            djoint[3*i + j] = djoint_ij;
            dlog_softmax_logits[j] += djoint_ij;
        }
        logsumexp_joint_sum += t5;
    }

    /* return -np.mean(clearprop.logsumexp(joint, axis=1)) */
    *gaussian_mixture = -(logsumexp_joint_sum / 50.0);

    /* backward of: joint = clearprop.log_softmax(logits) + log_density */
    double sum2 = 0;
    for (int i = 0; i < 3; i++) {
        sum2 += dlog_softmax_logits[i];
    }
    for (int i = 0; i < 3; i++) {
        dlogits[i] = dlog_softmax_logits[i] - sum2 * exp_log_softmax_logits[i];
    }

    /* backward of: log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi) */
    /* backward of: z = (x[:, None, :] - means) / np.exp(log_sds) */
    for (int j = 0; j < 3; j++) {
        for (int k = 0; k < 2; k++) {
            double sum3 = 0;
            double sum4 = 0;
            for (int i = 0; i < 50; i++) {
                const double t5 = djoint[3*i + j] * z[6*i + 2*j + k];
                sum3 += t5 * z[6*i + 2*j + k];
                sum4 += t5;
            }
            dlog_sds[2*j + k] = sum3 - dlog_softmax_logits[j];
            dmeans[2*j + k] = sum4 / exp_log_sds[2*j + k];
        }
    }
}
