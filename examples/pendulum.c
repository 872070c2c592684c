// How long a pendulum takes for a swing, however far it swings: theta'' = -(gravity / length) sin(theta), by the leapfrog
// method, beside the exact period.
//
//     hotplate run examples/pendulum.c --sweep amplitude=30:150:60 --sweep steps=3,30,300,3000 error extrapolated_error
//     hotplate run examples/pendulum.c --set steps=3 --save autopsy.npz
//
// Sources: L. Verlet, Phys. Rev. 159 (1967) 98-103, for the method;
// C. G. Carvalhaes, P. Suppes, Am. J. Phys. 76 (2008) 1150-1154, for the period by the arithmetic-geometric mean.
#include <hotplate.h>
#include <math.h>
#include <stdio.h>

static const double pi = 3.14159265358979323846;

// %% Parameters
double amplitude(void) { return 120; }  // degrees from hanging straight down
double length(void) { return 1.0; }     // metres
double gravity(void) { return 9.81; }   // metres per second squared
int64_t steps(void) { return 100; }     // in the time that a small swing takes
double tolerance(void) { return 1e-6; } // for the period's relative error

// %% Exactly
double start(hp_ctx *ctx, double amplitude) {
    if (!(amplitude > 0 && amplitude < 180)) hp_fail(ctx, "amplitude is %g: between 0 and 180 it swings", amplitude);
    return amplitude * pi / 180;
}

// What a clock maker counts with: the limit for small swings.
double small_swing(double length, double gravity) { return 2 * pi * sqrt(length / gravity); }

// The two means approach each other quadratically: 6 rounds leave nothing to improve for amplitudes up to 179.9.
double exact(double small_swing, double start) {
    double a = 1, b = cos(start / 2);
    for (int i = 0; i < 6; i++) {
        double mean = (a + b) / 2;
        b = sqrt(a * b);
        a = mean;
    }
    return small_swing / a;
}

// %% By leapfrog  timeout=60 retries=1 backoff="1"
// Whatever takes a minute has come at a bad time; after a second it gets another chance.
typedef struct {
    double angle, speed;
} motion;

static motion leap(motion now, double dt, double stiffness) {
    now.speed -= dt / 2 * stiffness * sin(now.angle);
    now.angle += dt * now.speed;
    now.speed -= dt / 2 * stiffness * sin(now.angle);
    return now;
}

static double energy(motion now, double stiffness) {
    return now.speed * now.speed / 2 + stiffness * (1 - cos(now.angle));
}

// By symmetry, four times what it takes from the turning point to the bottom.
static double swing(hp_ctx *ctx, double start, double dt, double stiffness) {
    motion before, now = {start, 0};
    int64_t done = 0;
    do {
        if (hp_check(ctx)) return 0;
        before = now;
        now = leap(now, dt, stiffness);
        done++;
    } while (now.angle > 0);
    double change = energy(now, stiffness) / energy((motion){start, 0}, stiffness) - 1;
    if (fabs(change) > 0.1) hp_fail(ctx, "a step of %.3g s is too long: energy changes by %.0f %%", dt, 100 * change);
    // At the bottom nothing accelerates it, so that its way between two steps is straight.
    double beyond = now.angle / (now.angle - before.angle);
    return 4 * dt * ((double)done - beyond);
}

double stiffness(double length, double gravity) { return gravity / length; }

double dt(double small_swing, int64_t steps) { return small_swing / (double)steps; }

double period(hp_ctx *ctx, double start, double dt, double stiffness) { return swing(ctx, start, dt, stiffness); }

double error(double period, double exact) { return fabs(period / exact - 1); }

// %% Where that is not enough  when="error > tolerance"
// Half the step leaves a quarter of the error, so that the leading term cancels in this combination (Richardson).
double extrapolated(hp_ctx *ctx, double start, double dt, double stiffness, double period) {
    return (4 * swing(ctx, start, dt / 2, stiffness) - period) / 3;
}

double extrapolated_error(double extrapolated, double exact) { return fabs(extrapolated / exact - 1); }

// %% Autopsy  trap="period extrapolated"
// After a failure only: what the first steps look like.
void autopsy(const char *failure, double start, double dt, double stiffness, int64_t steps, double out_angle[steps],
             double out_energy[steps]) {
    fprintf(stderr, "autopsy of %s\n", failure);
    motion now = {start, 0};
    for (int64_t i = 0; i < steps; i++) {
        out_angle[i] = now.angle;
        out_energy[i] = energy(now, stiffness);
        now = leap(now, dt, stiffness);
    }
}
