/* The heat equation by explicit steps: the sum of the last temperatures squared, and its gradient in the first
   ones, as one writes it for fixed sizes: STEPS, POINTS. */
#include <string.h>

static void step(const double *restrict u, double *restrict out) {
    out[0] = u[0];
    out[POINTS - 1] = u[POINTS - 1];
    for (int i = 1; i < POINTS - 1; i++) out[i] = u[i] + 0.2 * (u[i + 1] - 2 * u[i] + u[i - 1]);
}

static void back(const double *restrict g, double *restrict out) {
    out[0] = g[0] + 0.2 * g[1];
    out[1] = 0.6 * g[1] + 0.2 * g[2];
    for (int i = 2; i < POINTS - 2; i++) out[i] = 0.6 * g[i] + 0.2 * (g[i + 1] + g[i - 1]);
    out[POINTS - 2] = 0.6 * g[POINTS - 2] + 0.2 * g[POINTS - 3];
    out[POINTS - 1] = g[POINTS - 1] + 0.2 * g[POINTS - 2];
}

double gradient(const double *restrict start, double *restrict du) {
    double a[POINTS], b[POINTS], total = 0;
    memcpy(a, start, sizeof a);
    for (int t = 0; t < STEPS; t += 2) {
        step(a, b);
        step(b, a);
    }
    for (int i = 0; i < POINTS; i++) total += a[i] * a[i], a[i] *= 2;
    for (int t = 0; t < STEPS; t += 2) {
        back(a, b);
        back(b, a);
    }
    memcpy(du, a, sizeof a);
    return total;
}
