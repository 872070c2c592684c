// A hot disc on a copper plate: the 2-D heat equation u_t = alpha (u_xx + u_yy) with the edges held at room
// temperature, by the alternating-direction implicit method (ADI).
//
//     hotplate run examples/heat2d.c --set n=241 --set m=241 --save plate.npz
//
// An explicit scheme would need dt <= dx^2 / (4 alpha). ADI is stable for any dt, second order in time and space, and
// solves nothing larger than tridiagonal systems: half a step implicit in y, half a step implicit in x.
// Source: D. W. Peaceman, H. H. Rachford, J. Soc. Indust. Appl. Math. 3 (1955) 28-41.
#include <hotplate.h>
#include <math.h>
#include <string.h>

// %% Parameters
// SI units, temperatures in degrees Celsius.
int64_t n(void) { return 121; }        // grid points in y
int64_t m(void) { return 161; }        // grid points in x
double spacing(void) { return 1e-3; }  // between grid points: a plate of 160 mm by 120 mm
double alpha(void) { return 1.11e-4; } // thermal diffusivity of copper at 300 K
double dt(void) { return 0.02; }       // the explicit limit is 0.00225
int64_t steps(void) { return 400; }
double room(void) { return 20.0; }
double hot(void) { return 300.0; }
double disc_radius(void) { return 0.02; }

// %% Initial state
void plate(int64_t n, int64_t m, double spacing, double room, double hot, double disc_radius, double out[n][m]) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double y = ((double)i - 0.5 * (double)(n - 1)) * spacing;
            double x = ((double)j - 0.5 * (double)(m - 1)) * spacing;
            out[i][j] = x * x + y * y <= disc_radius * disc_radius ? hot : room;
        }
    }
}

// %% Tridiagonal systems
// Each half step solves  -r u[k-1] + (1 + 2 r) u[k] - r u[k+1] = d[k]  between two known ends. Elimination (the Thomas
// algorithm) turns row k into  u[k] = d'[k] + c[k] u[k+1];  the matrix never changes, so c is computed once.
static void eliminate(int64_t count, double r, double *c) {
    c[0] = 0.0;
    for (int64_t k = 1; k < count - 1; k++) c[k] = r / (1 + 2 * r - r * c[k - 1]);
}

// Implicit in y, for all columns at once: the inner loop runs along a row, as memory does. The edges of u are known.
static void solve_columns(int64_t n, int64_t m, double r, const double *c, const double d[n][m], double u[n][m]) {
    for (int64_t i = 1; i < n - 1; i++) {
        double pivot = 1 + 2 * r - r * c[i - 1];
        for (int64_t j = 1; j < m - 1; j++) u[i][j] = (d[i][j] + r * u[i - 1][j]) / pivot;
    }
    for (int64_t i = n - 2; i > 0; i--) {
        for (int64_t j = 1; j < m - 1; j++) u[i][j] += c[i] * u[i + 1][j];
    }
}

// Implicit in x: one system for each row.
static void solve_rows(int64_t n, int64_t m, double r, const double *c, const double d[n][m], double u[n][m]) {
    for (int64_t i = 1; i < n - 1; i++) {
        for (int64_t j = 1; j < m - 1; j++) u[i][j] = (d[i][j] + r * u[i][j - 1]) / (1 + 2 * r - r * c[j - 1]);
        for (int64_t j = m - 2; j > 0; j--) u[i][j] += c[j] * u[i][j + 1];
    }
}

// %% Time steps
// The explicit half of a half step, d = u + r (second difference of u), across rows or along them.
static void spread_across_rows(int64_t n, int64_t m, double r, const double u[n][m], double d[n][m]) {
    for (int64_t i = 1; i < n - 1; i++) {
        for (int64_t j = 1; j < m - 1; j++) d[i][j] = u[i][j] + r * (u[i - 1][j] - 2 * u[i][j] + u[i + 1][j]);
    }
}

static void spread_along_rows(int64_t n, int64_t m, double r, const double u[n][m], double d[n][m]) {
    for (int64_t i = 1; i < n - 1; i++) {
        for (int64_t j = 1; j < m - 1; j++) d[i][j] = u[i][j] + r * (u[i][j - 1] - 2 * u[i][j] + u[i][j + 1]);
    }
}

static double mean(int64_t n, int64_t m, const double u[n][m]) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) sum += u[i][j];
    }
    return sum / (double)(n * m);
}

// The plate at the end, and after each step the time, the temperature of the centre and the mean.
void cooling(hp_ctx *ctx, int64_t n, int64_t m, int64_t steps, double dt, double alpha, double spacing,
             const double plate[n][m], double out_plate[n][m], double out_time[steps], double out_centre[steps],
             double out_mean[steps]) {
    double r = 0.5 * alpha * dt / (spacing * spacing);
    double *c = hp_alloc(ctx, (size_t)(n > m ? n : m) * sizeof(double));
    double (*d)[m] = hp_alloc(ctx, (size_t)(n * m) * sizeof(double));
    if (!c || !d) return;
    eliminate(n > m ? n : m, r, c);
    memcpy(out_plate, plate, (size_t)(n * m) * sizeof(double));
    for (int64_t step = 0; step < steps; step++) {
        if (hp_check(ctx)) return;
        spread_along_rows(n, m, r, out_plate, d);
        solve_columns(n, m, r, c, d, out_plate);
        spread_across_rows(n, m, r, out_plate, d);
        solve_rows(n, m, r, c, d, out_plate);
        out_time[step] = (double)(step + 1) * dt;
        out_centre[step] = out_plate[n / 2][m / 2];
        out_mean[step] = mean(n, m, out_plate);
        hp_progress(ctx, step + 1, steps);
    }
}

// %% Results
// The first time at which the centre has lost half of its excess over room temperature; NAN if it never does.
double half_life(int64_t steps, const double cooling_time[steps], const double cooling_centre[steps], double room,
                 double hot) {
    for (int64_t step = 0; step < steps; step++) {
        if (cooling_centre[step] - room <= 0.5 * (hot - room)) return cooling_time[step];
    }
    return NAN;
}
