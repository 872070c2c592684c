// The 1-D heat equation u_t = alpha u_xx on 0 <= x <= length, with both ends held at zero, by the explicit scheme
// FTCS: forward in time, centred in space.
//
//     hotplate run examples/heat.c --set n=512 --save out.npz
//
// Sources: J. Crank, P. Nicolson, Proc. Camb. Phil. Soc. 43 (1947) 50-67, who start from this scheme;
// R. J. LeVeque, Finite Difference Methods for Ordinary and Partial Differential Equations (SIAM 2007), chapter 9.
#include <hotplate.h>
#include <math.h>
#include <string.h>

// %% Parameters
int64_t n(void) { return 1000; }    // grid points, both ends included
double length(void) { return 1.0; } // of the rod
double alpha(void) { return 1.0; }  // thermal diffusivity
double t_end(void) { return 0.1; }  // the time to simulate
int64_t frames(void) { return 50; } // snapshots on the way there

// %% Grid
double dx(double length, int64_t n) { return length / (double)(n - 1); }

// A Fourier mode exp(i k x) is multiplied by 1 - 4 r sin^2(k dx / 2) in each step, with r = alpha dt / dx^2.
// None grows as long as r <= 1/2. At r = 1/6 the leading error terms in time and space even cancel; 0.4 is no such
// case.
double dt_limit(double dx, double alpha) { return 0.4 * dx * dx / alpha; }

// Steps in all: enough to stay within the limit, and the same number for every frame.
int64_t steps(double t_end, double dt_limit, int64_t frames) {
    return frames * (int64_t)ceil(t_end / (dt_limit * (double)frames));
}

double dt(double t_end, int64_t steps) { return t_end / (double)steps; }

void x(int64_t n, double dx, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = (double)i * dx;
}

// %% Initial state
static const double pi = 3.14159265358979323846;

// Two sine modes. Each decays on its own, mode k at the rate alpha (k pi / length)^2, so the exact solution is known.
static double modes(double x, double t, double length, double alpha) {
    double slow = pi / length;
    double fast = 3 * slow;
    return sin(slow * x) * exp(-alpha * slow * slow * t) + 0.5 * sin(fast * x) * exp(-alpha * fast * fast * t);
}

void u0(int64_t n, const double x[n], double length, double alpha, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = modes(x[i], 0.0, length, alpha);
    out[0] = out[n - 1] = 0.0;
}

// %% Time steps  flags="-O3"
// `restrict` tells the compiler that the two rows don't overlap, which lets it use vector instructions.
static void step(int64_t n, double r, const double *restrict now, double *restrict next) {
    next[0] = now[0];
    for (int64_t i = 1; i < n - 1; i++) next[i] = now[i] + r * (now[i - 1] - 2 * now[i] + now[i + 1]);
    next[n - 1] = now[n - 1];
}

// The snapshots, and when each was taken.
void evolution(hp_ctx *ctx, int64_t n, int64_t frames, int64_t steps, double dt, double dx, double alpha,
               const double u0[n], double out_u[frames][n], double out_time[frames]) {
    double r = alpha * dt / (dx * dx);
    if (r > 0.5) {
        hp_fail(ctx, "dt = %g is unstable: with dx = %g it can be %g at most", dt, dx, 0.5 * dx * dx / alpha);
        return;
    }
    size_t row = (size_t)n * sizeof(double);
    double *now = hp_alloc(ctx, row);
    double *next = hp_alloc(ctx, row);
    if (!now || !next) return;
    memcpy(now, u0, row);
    int64_t per_frame = steps / frames;
    for (int64_t frame = 0; frame < frames; frame++) {
        for (int64_t s = 0; s < per_frame; s++) {
            if (hp_check(ctx)) return;
            step(n, r, now, next);
            double *swap = now;
            now = next;
            next = swap;
        }
        memcpy(out_u[frame], now, row);
        out_time[frame] = (double)((frame + 1) * per_frame) * dt;
        hp_progress(ctx, frame + 1, frames);
    }
}

// %% Results
// The final state.
void u(int64_t n, int64_t frames, const double evolution_u[frames][n], double out[n]) {
    memcpy(out, evolution_u[frames - 1], (size_t)n * sizeof(double));
}

void exact(int64_t n, const double x[n], double t_end, double length, double alpha, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = modes(x[i], t_end, length, alpha);
}

// The largest deviation from the exact solution. It falls with dx^2: halve dx and it is a quarter.
double error(int64_t n, const double u[n], const double exact[n]) {
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(u[i] - exact[i]));
    return largest;
}

// How the rod cools: in every frame, the temperature in the middle and the heat it still holds (trapezoidal rule; the
// ends are zero).
void summary(int64_t n, int64_t frames, double dx, const double evolution_u[frames][n], double out_middle[frames],
             double out_heat[frames]) {
    for (int64_t frame = 0; frame < frames; frame++) {
        double sum = 0.0;
        for (int64_t i = 0; i < n; i++) sum += evolution_u[frame][i];
        out_middle[frame] = evolution_u[frame][n / 2];
        out_heat[frame] = sum * dx;
    }
}
