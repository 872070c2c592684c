// Statistics of a table with one observation a row and one variable a column.
#include <hotplate.h>
#include <math.h>

// Pearson's correlation of every two columns.
void correlation(hp_ctx *ctx, int64_t n, int64_t m, const double data[n][m], double out_mean[m],
                 double out_deviation[m], double out_matrix[m][m]) {
    double (*standard)[m] = hp_alloc(ctx, (size_t)(n * m) * sizeof(double));
    if (!standard) return;
    for (int64_t j = 0; j < m; j++) {
        double sum = 0.0, squares = 0.0;
        for (int64_t i = 0; i < n; i++) sum += data[i][j];
        out_mean[j] = sum / (double)n;
        for (int64_t i = 0; i < n; i++) squares += (data[i][j] - out_mean[j]) * (data[i][j] - out_mean[j]);
        out_deviation[j] = sqrt(squares / (double)n);
        for (int64_t i = 0; i < n; i++) {
            standard[i][j] = (data[i][j] - out_mean[j]) / (sqrt((double)n) * out_deviation[j]);
        }
    }
    for (int64_t a = 0; a < m; a++) {
        for (int64_t b = 0; b < m; b++) {
            out_matrix[a][b] = 0.0;
            for (int64_t i = 0; i < n; i++) out_matrix[a][b] += standard[i][a] * standard[i][b];
        }
    }
}
