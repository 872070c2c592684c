// Dense linear algebra: products of matrices and vectors, each written from its formula.
#include <hotplate.h>

// %% Matrix products  flags="-O3"
// alpha A B + beta C
void gemm(int64_t n, int64_t k, int64_t m, double alpha, double beta, const double A[n][k], const double B[k][m],
          const double C[n][m], double out[n][m]) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) out[i][j] = beta * C[i][j];
        for (int64_t p = 0; p < k; p++) {
            for (int64_t j = 0; j < m; j++) out[i][j] += alpha * A[i][p] * B[p][j];
        }
    }
}

// alpha A B C + beta D. The product A B is kept as scratch.
void two_mm(hp_ctx *ctx, int64_t n, int64_t k, int64_t m, int64_t l, double alpha, double beta, const double A[n][k],
            const double B[k][m], const double C[m][l], const double D[n][l], double out[n][l]) {
    double *row = hp_alloc(ctx, (size_t)m * sizeof(double));
    if (!row) return;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) row[j] = 0.0;
        for (int64_t p = 0; p < k; p++) {
            for (int64_t j = 0; j < m; j++) row[j] += alpha * A[i][p] * B[p][j];
        }
        for (int64_t j = 0; j < l; j++) out[i][j] = beta * D[i][j];
        for (int64_t p = 0; p < m; p++) {
            for (int64_t j = 0; j < l; j++) out[i][j] += row[p] * C[p][j];
        }
    }
}

// %% Structured matrices
// alpha S B + beta C, where S is symmetric and only its lower triangle is read.
void symm(int64_t n, int64_t m, double alpha, double beta, const double S[n][n], const double B[n][m],
          const double C[n][m], double out[n][m]) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) out[i][j] = beta * C[i][j];
        for (int64_t p = 0; p < n; p++) {
            double s = p <= i ? S[i][p] : S[p][i];
            for (int64_t j = 0; j < m; j++) out[i][j] += alpha * s * B[p][j];
        }
    }
}

// alpha A A^T + beta C, the lower triangle; what lies above it stays as in C.
void syrk(int64_t n, int64_t m, double alpha, double beta, const double A[n][m], const double C[n][n],
          double out[n][n]) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            double dot = 0.0;
            for (int64_t k = 0; k < m; k++) dot += A[i][k] * A[j][k];
            out[i][j] = j <= i ? alpha * dot + beta * C[i][j] : C[i][j];
        }
    }
}

// %% Matrix and vector
// A^T (A x)
void atax(int64_t n, int64_t m, const double A[n][m], const double x[m], double out[m]) {
    for (int64_t j = 0; j < m; j++) out[j] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double dot = 0.0;
        for (int64_t j = 0; j < m; j++) dot += A[i][j] * x[j];
        for (int64_t j = 0; j < m; j++) out[j] += A[i][j] * dot;
    }
}

// B = A + u1 v1^T + u2 v2^T;  x = beta B^T y + z;  w = alpha B x
void gemver(int64_t n, double alpha, double beta, const double A[n][n], const double u1[n], const double v1[n],
            const double u2[n], const double v2[n], const double y[n], const double z[n], double out_B[n][n],
            double out_x[n], double out_w[n]) {
    for (int64_t j = 0; j < n; j++) out_x[j] = z[j];
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            out_B[i][j] = A[i][j] + u1[i] * v1[j] + u2[i] * v2[j];
            out_x[j] += beta * out_B[i][j] * y[i];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        out_w[i] = 0.0;
        for (int64_t j = 0; j < n; j++) out_w[i] += alpha * out_B[i][j] * out_x[j];
    }
}

// %% Tensor
// out[r][q][p] = sum over s of A[r][q][s] C[s][p]
void doitgen(int64_t n, int64_t m, int64_t k, const double A[n][m][k], const double C[k][k], double out[n][m][k]) {
    for (int64_t r = 0; r < n; r++) {
        for (int64_t q = 0; q < m; q++) {
            for (int64_t p = 0; p < k; p++) out[r][q][p] = 0.0;
            for (int64_t s = 0; s < k; s++) {
                for (int64_t p = 0; p < k; p++) out[r][q][p] += A[r][q][s] * C[s][p];
            }
        }
    }
}
