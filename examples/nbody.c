// The Sun and its planets for two centuries, by a symplectic integrator of fourth order.
//
//     hotplate run examples/nbody.c --set years=1000 --save orbits.npz
//
// A symplectic method conserves a nearby energy exactly, so its energy error stays bounded for ever; that of a
// Runge-Kutta method grows.
// Sources: E. M. Standish, "Keplerian elements for approximate positions of the major planets" (JPL; elements at
// J2000.0); masses from the IAU list of best estimates; H. Yoshida, Phys. Lett. A 150 (1990) 262-268;
// orbital elements to vectors: C. D. Murray, S. F. Dermott, Solar System Dynamics (CUP 1999), chapter 2.
// Units: astronomical unit, day, mass of the Sun.
#include <hotplate.h>
#include <math.h>
#include <string.h>

enum { PLANETS = 8, BODIES = PLANETS + 1 };

struct orbit {
    double mass;
    double semi_major_axis;
    double eccentricity;
    double inclination; // this and the following in degrees
    double mean_longitude;
    double perihelion_longitude;
    double node_longitude;
};

struct body {
    double mass;
    double position[3];
    double velocity[3];
};

// %% Parameters
int64_t years(void) { return 200; }
double dt(void) { return 1.0; }       // days; Mercury goes round in 88
int64_t samples(void) { return 400; } // how often energy and positions are recorded

// The gravitational constant: the square of Gauss's 0.01720209895.
static const double G = 0.01720209895 * 0.01720209895;
static const double degree = 3.14159265358979323846 / 180;

// %% Initial state
// Mercury to Neptune. The third one is the Earth with its Moon.
void orbits(struct orbit out[PLANETS]) {
    static const struct orbit j2000[PLANETS] = {
        {1 / 6023600.0, 0.38709927, 0.20563593, 7.00497902, 252.25032350, 77.45779628, 48.33076593},
        {1 / 408523.71, 0.72333566, 0.00677672, 3.39467605, 181.97909950, 131.60246718, 76.67984255},
        {1 / 328900.56, 1.00000261, 0.01671123, -0.00001531, 100.46457166, 102.93768193, 0.0},
        {1 / 3098708.0, 1.52371034, 0.09339410, 1.84969142, -4.55343205, -23.94362959, 49.55953891},
        {1 / 1047.3486, 5.20288700, 0.04838624, 1.30439695, 34.39644051, 14.72847983, 100.47390909},
        {1 / 3497.898, 9.53667594, 0.05386179, 2.48599187, 49.95424423, 92.59887831, 113.66242448},
        {1 / 22902.98, 19.18916464, 0.04725744, 0.77263783, 313.23810451, 170.95427630, 74.01692503},
        {1 / 19412.24, 30.06992276, 0.00859048, 1.77004347, -55.12002969, 44.96476227, 131.78422574},
    };
    memcpy(out, j2000, sizeof j2000);
}

// Kepler's equation M = E - e sin E by Newton's method. Convergence is quadratic: eight rounds are plenty for e < 0.3.
static double eccentric_anomaly(double mean_anomaly, double e) {
    double anomaly = mean_anomaly + e * sin(mean_anomaly);
    for (int i = 0; i < 8; i++) anomaly -= (anomaly - e * sin(anomaly) - mean_anomaly) / (1 - e * cos(anomaly));
    return anomaly;
}

// The directions of x and y in the orbit's own plane, where x points to the perihelion, as vectors in the ecliptic.
struct plane {
    double x[3];
    double y[3];
};

// The product of the three rotations by node, inclination and perihelion, with its products of sines and cosines
// turned into sums: half angles lose nothing for a small inclination.
static struct plane plane_of(const struct orbit *o) {
    double perihelion = o->perihelion_longitude * degree, node = o->node_longitude * degree;
    double mirrored = 2 * node - perihelion, tilt = o->inclination * degree;
    double c = cos(tilt / 2) * cos(tilt / 2), s = sin(tilt / 2) * sin(tilt / 2);
    return (struct plane){
        .x = {c * cos(perihelion) + s * cos(mirrored), c * sin(perihelion) + s * sin(mirrored),
              sin(perihelion - node) * sin(tilt)},
        .y = {s * sin(mirrored) - c * sin(perihelion), c * cos(perihelion) - s * cos(mirrored),
              cos(perihelion - node) * sin(tilt)},
    };
}

static struct body on_orbit(const struct orbit *o) {
    double a = o->semi_major_axis, e = o->eccentricity;
    double motion = sqrt(G * (1 + o->mass) / (a * a * a));
    double anomaly = eccentric_anomaly((o->mean_longitude - o->perihelion_longitude) * degree, e);
    double minor = a * sqrt(1 - e * e), rate = motion / (1 - e * cos(anomaly));
    double x = a * (cos(anomaly) - e), y = minor * sin(anomaly);
    double vx = -a * rate * sin(anomaly), vy = minor * rate * cos(anomaly);
    struct plane plane = plane_of(o);
    struct body planet = {.mass = o->mass};
    for (int d = 0; d < 3; d++) {
        planet.position[d] = x * plane.x[d] + y * plane.y[d];
        planet.velocity[d] = vx * plane.x[d] + vy * plane.y[d];
    }
    return planet;
}

// The Sun comes first. Everything is moved to the frame in which the centre of mass rests at the origin.
void sky(const struct orbit orbits[PLANETS], struct body out[BODIES]) {
    out[0] = (struct body){.mass = 1.0};
    for (int b = 1; b < BODIES; b++) out[b] = on_orbit(&orbits[b - 1]);
    struct body centre = {0};
    for (int b = 0; b < BODIES; b++) {
        centre.mass += out[b].mass;
        for (int d = 0; d < 3; d++) centre.position[d] += out[b].mass * out[b].position[d];
        for (int d = 0; d < 3; d++) centre.velocity[d] += out[b].mass * out[b].velocity[d];
    }
    for (int b = 0; b < BODIES; b++) {
        for (int d = 0; d < 3; d++) out[b].position[d] -= centre.position[d] / centre.mass;
        for (int d = 0; d < 3; d++) out[b].velocity[d] -= centre.velocity[d] / centre.mass;
    }
}

// %% Dynamics
static double distance(const struct body *a, const struct body *b) {
    double square = 0.0;
    for (int d = 0; d < 3; d++) square += (a->position[d] - b->position[d]) * (a->position[d] - b->position[d]);
    return sqrt(square);
}

static double total_energy(int64_t n, const struct body bodies[n]) {
    double energy = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double *v = bodies[i].velocity;
        energy += 0.5 * bodies[i].mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        for (int64_t j = 0; j < i; j++) {
            energy -= G * bodies[i].mass * bodies[j].mass / distance(&bodies[i], &bodies[j]);
        }
    }
    return energy;
}

static void drift(int64_t n, struct body bodies[n], double dt) {
    for (int64_t i = 0; i < n; i++) {
        for (int d = 0; d < 3; d++) bodies[i].position[d] += dt * bodies[i].velocity[d];
    }
}

static void kick(int64_t n, struct body bodies[n], double dt) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++) {
            double r = distance(&bodies[i], &bodies[j]);
            double pull = G * dt / (r * r * r);
            for (int d = 0; d < 3; d++) {
                double toward = pull * (bodies[j].position[d] - bodies[i].position[d]);
                bodies[i].velocity[d] += bodies[j].mass * toward;
                bodies[j].velocity[d] -= bodies[i].mass * toward;
            }
        }
    }
}

// Yoshida's composition of three leapfrogs. The middle one goes backwards in time, so that the errors of third order
// cancel.
static void step(int64_t n, struct body bodies[n], double dt) {
    const double root = 1.2599210498948732; // the cube root of 2
    const double outer = 1 / (2 - root), inner = -root / (2 - root);
    drift(n, bodies, 0.5 * outer * dt);
    kick(n, bodies, outer * dt);
    drift(n, bodies, 0.5 * (outer + inner) * dt);
    kick(n, bodies, inner * dt);
    drift(n, bodies, 0.5 * (inner + outer) * dt);
    kick(n, bodies, outer * dt);
    drift(n, bodies, 0.5 * outer * dt);
}

// %% Integration  flags="-O3"
// `n` comes from the array: the cell takes any system of bodies, `nb.load("history")(sky=my_bodies, ...)`.
void history(hp_ctx *ctx, int64_t n, int64_t samples, int64_t years, double dt, const struct body sky[n],
             struct body out_sky[n], double out_time[samples], double out_energy[samples],
             double out_position[samples][n][3]) {
    memcpy(out_sky, sky, (size_t)n * sizeof *sky);
    double days = 365.25 * (double)years;
    int64_t taken = 0;
    for (int64_t sample = 0; sample < samples; sample++) {
        int64_t due = (int64_t)(days / dt * (double)(sample + 1) / (double)samples);
        for (; taken < due; taken++) {
            if (hp_check(ctx)) return;
            step(n, out_sky, dt);
        }
        out_time[sample] = (double)taken * dt;
        out_energy[sample] = total_energy(n, out_sky);
        for (int64_t b = 0; b < n; b++) memcpy(out_position[sample][b], out_sky[b].position, 3 * sizeof(double));
        hp_progress(ctx, sample + 1, samples);
    }
}

// %% Results
double energy(int64_t n, const struct body sky[n]) { return total_energy(n, sky); }

// The largest relative change of the total energy. It bounds what the step size costs.
double energy_drift(int64_t samples, double energy, const double history_energy[samples]) {
    double largest = 0.0;
    for (int64_t s = 0; s < samples; s++) largest = fmax(largest, fabs(history_energy[s] / energy - 1));
    return largest;
}

// Nearest to and farthest from the Sun that each body came, of the recorded positions.
void extremes(int64_t samples, int64_t n, const double history_position[samples][n][3], double out_nearest[n],
              double out_farthest[n]) {
    for (int64_t b = 0; b < n; b++) {
        out_nearest[b] = INFINITY;
        out_farthest[b] = 0.0;
        for (int64_t s = 0; s < samples; s++) {
            const double *p = history_position[s][b], *sun = history_position[s][0];
            double x = p[0] - sun[0], y = p[1] - sun[1], z = p[2] - sun[2];
            double r = sqrt(x * x + y * y + z * z);
            out_nearest[b] = fmin(out_nearest[b], r);
            out_farthest[b] = fmax(out_farthest[b], r);
        }
    }
}
