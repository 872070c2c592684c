// The three functions as a C library exports them; sizes are the caller's affair.
#include <stdint.h>

__attribute__((visibility("default"))) double dot(int64_t n, const double *x, const double *y) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

__attribute__((visibility("default"))) double weighted(int64_t n, const double *x, const double *y, double a) {
    return a * dot(n, x, y);
}

__attribute__((visibility("default"))) void add(int64_t n, const double *x, const double *y, double *out) {
    for (int64_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}
