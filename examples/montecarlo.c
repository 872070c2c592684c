// Monte Carlo on all cores that gives the same bits for any number of threads: pi, and the price of an option.
//
//     hotplate run examples/montecarlo.c
//     OMP_NUM_THREADS=1 hotplate run examples/montecarlo.c       the same numbers, to the last bit
//
// Two rules make it so. The random numbers are a function of the sample's index, not of a generator that threads
// would have to share; and nothing is added up in an order that threads decide: counts are integers, and sums of
// floating-point numbers go by blocks of fixed size, which are added in order at the end.
// Sources: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), on generators that only
// count; G. Steele, D. Lea, C. Flood (OOPSLA 2014) for the mixing function; G. E. P. Box, M. E. Muller, Ann. Math.
// Statist. 29 (1958) 610-611; F. Black, M. Scholes, J. Polit. Econ. 81 (1973) 637-654.
#include <hotplate.h>
#include <math.h>

// %% Parameters
uint64_t seed(void) { return 2024; }
int64_t blocks(void) { return 256; }
int64_t block_size(void) { return 16384; } // samples

// A mean and its standard error.
struct estimate {
    double mean;
    double error;
};

// %% Random numbers
static const double tau = 6.28318530717958647693;

// Number `index` of the stream: splitmix64's mixing function over a Weyl sequence.
static uint64_t random_bits(uint64_t stream, uint64_t index) {
    uint64_t z = stream * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Uniform in the open interval (0, 1): the middles of 2^52 equal parts, so that the logarithm below never sees a zero.
static double uniform(uint64_t stream, uint64_t index) {
    return ((double)(random_bits(stream, index) >> 12) + 0.5) * 0x1p-52;
}

// %% Pi  flags="-O3 -fopenmp"
// A quarter of the unit square's points lies in the quarter circle with probability pi / 4. Each block counts its own.
void hits(hp_ctx *ctx, int64_t blocks, int64_t block_size, uint64_t seed, int64_t out[blocks]) {
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < blocks; b++) {
        if (hp_check(ctx)) continue; // a parallel loop can't be left, only run dry
        int64_t inside = 0;
        for (int64_t s = 0; s < block_size; s++) {
            uint64_t sample = (uint64_t)(b * block_size + s);
            double x = uniform(seed, 2 * sample), y = uniform(seed, 2 * sample + 1);
            inside += x * x + y * y < 1;
        }
        out[b] = inside;
    }
}

struct estimate pi(int64_t blocks, int64_t block_size, const int64_t hits[blocks]) {
    int64_t inside = 0;
    for (int64_t b = 0; b < blocks; b++) inside += hits[b];
    double samples = (double)(blocks * block_size);
    double p = (double)inside / samples;
    return (struct estimate){.mean = 4 * p, .error = 4 * sqrt(p * (1 - p) / samples)};
}

// %% Option  flags="-O3 -fopenmp"
// A European call: the right to buy at `strike` after `maturity` years a share that is worth `spot` now and moves as a
// geometric Brownian motion.
struct option {
    double spot;
    double strike;
    double rate;       // of interest, a year, compounded continuously
    double volatility; // of the share's logarithm, for one year
    double maturity;   // in years
};

struct option option(void) {
    return (struct option){.spot = 100, .strike = 105, .rate = 0.03, .volatility = 0.2, .maturity = 1};
}

static double payoff(struct option o, double normal) {
    double drift = (o.rate - 0.5 * o.volatility * o.volatility) * o.maturity;
    double price = o.spot * exp(drift + o.volatility * sqrt(o.maturity) * normal);
    return exp(-o.rate * o.maturity) * fmax(price - o.strike, 0.0);
}

// Sum and sum of squares of each block. Every sample is the mean of a path and its mirror image (antithetic variates),
// which takes out the part of the noise that is odd in the random number.
void payoffs(hp_ctx *ctx, int64_t blocks, int64_t block_size, uint64_t seed, struct option option,
             double out_sum[blocks], double out_squares[blocks]) {
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < blocks; b++) {
        if (hp_check(ctx)) continue;
        double sum = 0.0, squares = 0.0;
        for (int64_t s = 0; s < block_size; s++) {
            uint64_t sample = (uint64_t)(b * block_size + s);
            double radius = sqrt(-2 * log(uniform(seed + 1, 2 * sample)));
            double normal = radius * cos(tau * uniform(seed + 1, 2 * sample + 1));
            double value = 0.5 * (payoff(option, normal) + payoff(option, -normal));
            sum += value;
            squares += value * value;
        }
        out_sum[b] = sum;
        out_squares[b] = squares;
    }
}

struct estimate price(int64_t blocks, int64_t block_size, const double payoffs_sum[blocks],
                      const double payoffs_squares[blocks]) {
    double sum = 0.0, squares = 0.0, samples = (double)(blocks * block_size);
    for (int64_t b = 0; b < blocks; b++) {
        sum += payoffs_sum[b];
        squares += payoffs_squares[b];
    }
    double mean = sum / samples;
    return (struct estimate){.mean = mean, .error = sqrt((squares / samples - mean * mean) / samples)};
}

// %% Check
static double normal_cdf(double z) { return 0.5 * erfc(-z * sqrt(0.5)); }

// The exact price, by the formula of Black and Scholes.
double black_scholes(struct option option) {
    double deviation = option.volatility * sqrt(option.maturity);
    double d1 = (log(option.spot / option.strike) + option.rate * option.maturity) / deviation + 0.5 * deviation;
    double discounted_strike = option.strike * exp(-option.rate * option.maturity);
    return option.spot * normal_cdf(d1) - discounted_strike * normal_cdf(d1 - deviation);
}
