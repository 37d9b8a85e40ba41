/* A recurrent network, h = tanh(x Wx + h Wh + b), its loss (the sum of all h squared) and the gradient in its
   weights, as one writes it for fixed sizes: STEPS, BATCH, WIDTH. */
#include <math.h>
#include <string.h>

typedef float Row[WIDTH];

static void add_product(const Row *restrict x, const Row *restrict w, Row *restrict out) {
    for (int i = 0; i < BATCH; i++)
        for (int k = 0; k < WIDTH; k++) {
            const float a = x[i][k];
            for (int j = 0; j < WIDTH; j++) out[i][j] += a * w[k][j];
        }
}

static void add_outer(const Row *restrict x, const Row *restrict g, Row *restrict out) {
    for (int i = 0; i < BATCH; i++)
        for (int k = 0; k < WIDTH; k++) {
            const float a = x[i][k];
            for (int j = 0; j < WIDTH; j++) out[k][j] += a * g[i][j];
        }
}

float gradient(const float *restrict xs, const Row *restrict wx, const Row *restrict wh,
               const float *restrict b, Row *restrict dwx, Row *restrict dwh, float *restrict db,
               float *restrict memory) {
    Row *h = (Row *)memory, *x = (Row *)xs;
    float loss = 0;
    memset(h, 0, sizeof(Row) * BATCH);
    for (int t = 0; t < STEPS; t++) {
        Row *before = h + t * BATCH, *after = before + BATCH;
        for (int i = 0; i < BATCH; i++) memcpy(after[i], b, sizeof(Row));
        add_product(x + t * BATCH, wx, after);
        add_product(before, wh, after);
        for (int i = 0; i < BATCH; i++)
            for (int j = 0; j < WIDTH; j++) {
                after[i][j] = tanhf(after[i][j]);
                loss += after[i][j] * after[i][j];
            }
    }
    Row turned[WIDTH], g[BATCH], back[BATCH];
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++) turned[j][i] = wh[i][j];
    memset(dwx, 0, sizeof(Row) * WIDTH);
    memset(dwh, 0, sizeof(Row) * WIDTH);
    memset(db, 0, sizeof(Row));
    memset(back, 0, sizeof back);
    for (int t = STEPS - 1; t >= 0; t--) {
        Row *before = h + t * BATCH, *after = before + BATCH;
        for (int i = 0; i < BATCH; i++)
            for (int j = 0; j < WIDTH; j++) {
                const float y = after[i][j];
                g[i][j] = (back[i][j] + 2 * y) * (1 - y * y);
                db[j] += g[i][j];
            }
        add_outer(x + t * BATCH, g, dwx);
        add_outer(before, g, dwh);
        memset(back, 0, sizeof back);
        add_product(g, turned, back);
    }
    return loss;
}
