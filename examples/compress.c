// How much information does a chaotic orbit create? zlib gives the answer in bits.
//
//     hotplate run examples/compress.c --save entropy.npz
//
// The logistic map x -> r x (1 - x), seen only through the question "is x above 1/2?", sends one bit in each round. A
// periodic orbit repeats itself, so its bits compress to nothing; at r = 4 they are as random as a coin and do not
// compress at all. In between, Pesin's theorem says that the orbit makes as many bits a round as its Lyapunov exponent
// (in base 2), if that is positive. A compressor can never get below that; how near it comes is what this shows.
// Sources: R. M. May, Nature 261 (1976) 459-467; Ya. B. Pesin, Russ. Math. Surv. 32 (1977) 55-114;
// J. Ziv, A. Lempel, IEEE Trans. Inf. Theory 23 (1977) 337-343.
#include <hotplate.h>
#include <math.h>
#include <zlib.h>

// %% Parameters
int64_t count(void) { return 96; } // values of r
double r_first(void) { return 3.4; }
double r_last(void) { return 4.0; }
int64_t bytes(void) { return 8192; } // eight rounds each, for every r

void r(int64_t count, double r_first, double r_last, double out[count]) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = r_first + (r_last - r_first) * (double)i / (double)(count > 1 ? count - 1 : 1);
    }
}

// %% Orbits
enum { SETTLE = 1000, BITS = 8 }; // rounds until the orbit is on its attractor; rounds in a byte

// One row for each r, the earliest round in the lowest bit.
void symbols(hp_ctx *ctx, int64_t count, int64_t bytes, const double r[count], uint8_t out[count][bytes]) {
    for (int64_t i = 0; i < count; i++) {
        if (hp_check(ctx)) return;
        double x = 0.4;
        for (int s = 0; s < SETTLE; s++) x = r[i] * x * (1 - x);
        for (int64_t b = 0; b < bytes; b++) {
            unsigned byte = 0;
            for (unsigned bit = 0; bit < BITS; bit++) {
                x = r[i] * x * (1 - x);
                byte |= (unsigned)(x > 0.5) << bit;
            }
            out[i][b] = (uint8_t)byte;
        }
        hp_progress(ctx, i + 1, count);
    }
}

// The mean of log2 |f'(x)| along the orbit: how many bits of the initial value each round brings to light.
void lyapunov(hp_ctx *ctx, int64_t count, int64_t bytes, const double r[count], double out[count]) {
    int64_t rounds = bytes * BITS;
    for (int64_t i = 0; i < count; i++) {
        if (hp_check(ctx)) return;
        double x = 0.4, sum = 0.0;
        for (int s = 0; s < SETTLE; s++) x = r[i] * x * (1 - x);
        for (int64_t s = 0; s < rounds; s++) {
            sum += log2(fabs(r[i] * (1 - 2 * x)));
            x = r[i] * x * (1 - x);
        }
        out[i] = sum / (double)rounds;
    }
}

// %% Compression  libs="zlib"
// Bits a round after compression at the highest level.
void entropy(hp_ctx *ctx, int64_t count, int64_t bytes, const uint8_t symbols[count][bytes], double out[count]) {
    uLong space = compressBound((uLong)bytes);
    Bytef *packed = hp_alloc(ctx, space);
    if (!packed) return;
    for (int64_t i = 0; i < count; i++) {
        if (hp_check(ctx)) return;
        uLongf size = space;
        int status = compress2(packed, &size, symbols[i], (uLong)bytes, Z_BEST_COMPRESSION);
        if (status != Z_OK) {
            hp_fail(ctx, "zlib could not compress row %lld: %s", (long long)i, zError(status));
            return;
        }
        out[i] = (double)size / (double)bytes;
        hp_progress(ctx, i + 1, count);
    }
}

// The packed form of the last row, r = r_last. Its size is known only now, so the cell asks for the memory itself.
void packed(hp_ctx *ctx, int64_t count, int64_t bytes, const uint8_t symbols[count][bytes], hp_out *out) {
    uLong space = compressBound((uLong)bytes);
    Bytef *scratch = hp_alloc(ctx, space);
    if (!scratch) return;
    uLongf size = space;
    int status = compress2(scratch, &size, symbols[count - 1], (uLong)bytes, Z_BEST_COMPRESSION);
    if (status != Z_OK) {
        hp_fail(ctx, "zlib could not compress: %s", zError(status));
        return;
    }
    uint8_t *result = HP_ARRAY(out, uint8_t, (int64_t)size);
    if (!result) return;
    for (uLongf b = 0; b < size; b++) result[b] = scratch[b];
}

// %% Results
// The correlation of compressed size and positive Lyapunov exponent over all r: 1 would be a perfect instrument.
double agreement(int64_t count, const double entropy[count], const double lyapunov[count]) {
    double mean_e = 0.0, mean_l = 0.0;
    for (int64_t i = 0; i < count; i++) {
        mean_e += entropy[i] / (double)count;
        mean_l += fmax(lyapunov[i], 0.0) / (double)count;
    }
    double ee = 0.0, ll = 0.0, el = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double e = entropy[i] - mean_e, l = fmax(lyapunov[i], 0.0) - mean_l;
        ee += e * e;
        ll += l * l;
        el += e * l;
    }
    return el / sqrt(ee * ll);
}
