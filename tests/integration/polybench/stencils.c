// Stencils: each point of a grid is renewed from its neighbours. Points at the border keep their values.
#include <hotplate.h>
#include <string.h>

// %% Jacobi  flags="-O3"
// The mean of three neighbours, all from the step before.
void jacobi_1d(hp_ctx *ctx, int64_t n, int64_t steps, const double A[n], double out[n]) {
    double *before = hp_alloc(ctx, (size_t)n * sizeof(double));
    if (!before) return;
    memcpy(out, A, (size_t)n * sizeof(double));
    for (int64_t t = 0; t < steps; t++) {
        if (hp_check(ctx)) return;
        memcpy(before, out, (size_t)n * sizeof(double));
        for (int64_t i = 1; i < n - 1; i++) out[i] = (before[i - 1] + before[i] + before[i + 1]) / 3;
    }
}

// %% Heat
// One explicit step of the heat equation in a box, with r = alpha dt / h^2.
static void spread(int64_t n, double r, const double u[n][n][n], double next[n][n][n]) {
    for (int64_t i = 1; i < n - 1; i++) {
        for (int64_t j = 1; j < n - 1; j++) {
            for (int64_t k = 1; k < n - 1; k++) {
                next[i][j][k] = u[i][j][k] + r * (u[i + 1][j][k] - 2 * u[i][j][k] + u[i - 1][j][k]) +
                                r * (u[i][j + 1][k] - 2 * u[i][j][k] + u[i][j - 1][k]) +
                                r * (u[i][j][k + 1] - 2 * u[i][j][k] + u[i][j][k - 1]);
            }
        }
    }
}

void heat_3d(hp_ctx *ctx, int64_t n, int64_t steps, double r, const double A[n][n][n], double out[n][n][n]) {
    size_t bytes = (size_t)(n * n * n) * sizeof(double);
    double (*before)[n][n] = hp_alloc(ctx, bytes);
    if (!before) return;
    memcpy(out, A, bytes);
    for (int64_t t = 0; t < steps; t++) {
        if (hp_check(ctx)) return;
        memcpy(before, out, bytes);
        spread(n, r, before, out);
    }
}

// %% Gauss-Seidel
// The mean of the nine points around and at each place, in place: the row above and the left neighbour are new already.
void seidel_2d(hp_ctx *ctx, int64_t n, int64_t m, int64_t steps, const double A[n][m], double out[n][m]) {
    memcpy(out, A, (size_t)(n * m) * sizeof(double));
    for (int64_t t = 0; t < steps; t++) {
        if (hp_check(ctx)) return;
        for (int64_t i = 1; i < n - 1; i++) {
            for (int64_t j = 1; j < m - 1; j++) {
                double above = out[i - 1][j - 1] + out[i - 1][j] + out[i - 1][j + 1];
                double beside = out[i][j - 1] + out[i][j] + out[i][j + 1];
                double below = out[i + 1][j - 1] + out[i + 1][j] + out[i + 1][j + 1];
                out[i][j] = (above + beside + below) / 9;
            }
        }
    }
}
