// Solvers for linear systems, each written from its definition.
#include <hotplate.h>
#include <math.h>
#include <string.h>

// %% Factorisations
// The lower triangular L with L L^T = A, for a symmetric positive definite A (only its lower triangle is read).
void cholesky(hp_ctx *ctx, int64_t n, const double A[n][n], double out[n][n]) {
    memset(out, 0, (size_t)(n * n) * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double rest = A[i][j];
            for (int64_t k = 0; k < j; k++) rest -= out[i][k] * out[j][k];
            if (i == j && rest <= 0) {
                hp_fail(ctx, "the matrix is not positive definite: pivot %lld is %g", (long long)i, rest);
                return;
            }
            out[i][j] = i == j ? sqrt(rest) : rest / out[j][j];
        }
    }
}

// Row i of the factors of A = L U without pivoting (the ones on L's diagonal are left out), in place: the rows above
// are done.
static void eliminate_row(int64_t n, double lu[n][n], int64_t i) {
    for (int64_t k = 0; k < i; k++) {
        lu[i][k] /= lu[k][k];
        for (int64_t j = k + 1; j < n; j++) lu[i][j] -= lu[i][k] * lu[k][j];
    }
}

// x with A x = b: A = L U, then L y = b from the top and U x = y from the bottom.
void ludcmp(hp_ctx *ctx, int64_t n, const double A[n][n], const double b[n], double out[n]) {
    double (*lu)[n] = hp_alloc(ctx, (size_t)(n * n) * sizeof(double));
    if (!lu) return;
    memcpy(lu, A, (size_t)(n * n) * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        eliminate_row(n, lu, i);
        out[i] = b[i];
        for (int64_t k = 0; k < i; k++) out[i] -= lu[i][k] * out[k];
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < n; k++) out[i] -= lu[i][k] * out[k];
        out[i] /= lu[i][i];
    }
}

// %% Toeplitz systems
// y with T y = -r, where T[i][j] = t[|i - j|], t = (1, r[0], r[1], ...). Durbin's recursion borders the solution of
// size k to one of size k + 1: it adds a multiple of its own mirror image. Source: G. H. Golub, C. F. Van Loan, Matrix
// Computations (4th edition, 2013), section 4.7.3.
void durbin(hp_ctx *ctx, int64_t n, const double r[n], double out[n]) {
    double *mirrored = hp_alloc(ctx, (size_t)n * sizeof(double));
    if (!mirrored) return;
    double beta = 1.0;
    for (int64_t k = 0; k < n; k++) {
        double rest = r[k];
        for (int64_t i = 0; i < k; i++) rest += r[k - 1 - i] * out[i];
        double last = -rest / beta;
        for (int64_t i = 0; i < k; i++) mirrored[i] = out[k - 1 - i];
        for (int64_t i = 0; i < k; i++) out[i] += last * mirrored[i];
        out[k] = last;
        beta *= 1 - last * last;
    }
}
