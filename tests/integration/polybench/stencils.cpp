// Stencils on C++ views: each point of a grid is renewed from its neighbours. Points at the border keep their values.
#include <hotplate.hpp>

#include <algorithm>
#include <vector>

using hp::in;

// %% Jacobi  flags="-O3"
// The mean of a point and its four neighbours, all from the step before.
void jacobi_2d(hp_ctx *ctx, std::int64_t steps, in<double, "n", "m"> A, hp::out<double, "n", "m"> out) {
    const std::int64_t n = A.shape(0), m = A.shape(1);
    for (std::int64_t i = 0; i < n; ++i) std::ranges::copy(A[i], out[i].begin());
    std::vector<double> before(static_cast<std::size_t>(n * m));
    const auto u = [&](std::int64_t i, std::int64_t j) { return before[static_cast<std::size_t>(i * m + j)]; };
    for (std::int64_t t = 0; t < steps; ++t) {
        if (hp_check(ctx)) return;
        std::copy_n(out.data(), out.size(), before.begin());
        for (std::int64_t i = 1; i < n - 1; ++i) {
            for (std::int64_t j = 1; j < m - 1; ++j) {
                out(i, j) = (u(i, j) + u(i, j - 1) + u(i, j + 1) + u(i - 1, j) + u(i + 1, j)) / 5;
            }
        }
    }
}

// %% Maxwell
// The electric field (ex, ey) and the magnetic field hz in two dimensions, by finite differences in the time domain:
// the fields sit on staggered grids and leap over each other in time (K. S. Yee, IEEE Trans. Antennas Propag. 14 (1966)
// 302-307). At step t the row ey[0] is driven by source[t].
void fdtd_2d(hp_ctx *ctx, in<double, "steps"> source, in<double, "n", "m"> ex, in<double, "n", "m"> ey,
             in<double, "n", "m"> hz, hp::out<double, "n", "m"> out_ex, hp::out<double, "n", "m"> out_ey,
             hp::out<double, "n", "m"> out_hz) {
    const std::int64_t n = ex.shape(0), m = ex.shape(1);
    for (std::int64_t i = 0; i < n; ++i) {
        std::ranges::copy(ex[i], out_ex[i].begin());
        std::ranges::copy(ey[i], out_ey[i].begin());
        std::ranges::copy(hz[i], out_hz[i].begin());
    }
    for (const double drive : source) {
        if (hp_check(ctx)) return;
        std::ranges::fill(out_ey[0], drive);
        for (std::int64_t i = 1; i < n; ++i) {
            for (std::int64_t j = 0; j < m; ++j) out_ey(i, j) -= 0.5 * (out_hz(i, j) - out_hz(i - 1, j));
        }
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t j = 1; j < m; ++j) out_ex(i, j) -= 0.5 * (out_hz(i, j) - out_hz(i, j - 1));
        }
        for (std::int64_t i = 0; i < n - 1; ++i) {
            for (std::int64_t j = 0; j < m - 1; ++j) {
                const double curl = out_ex(i, j + 1) - out_ex(i, j) + out_ey(i + 1, j) - out_ey(i, j);
                out_hz(i, j) -= 0.7 * curl;
            }
        }
    }
}

// %% Alternating directions
namespace {

// Solves  -r x[k-1] + (1 + 2 r) x[k] - r x[k+1] = d[k]  in place, between known ends, for `count` points that lie
// `stride` apart (the Thomas algorithm).
void solve(double r, double *x, std::int64_t count, std::int64_t stride, std::vector<double> &upper) {
    upper[0] = 0;
    for (std::int64_t k = 1; k < count - 1; ++k) {
        const double pivot = 1 + 2 * r - r * upper[static_cast<std::size_t>(k - 1)];
        upper[static_cast<std::size_t>(k)] = r / pivot;
        x[k * stride] = (x[k * stride] + r * x[(k - 1) * stride]) / pivot;
    }
    for (std::int64_t k = count - 2; k > 0; --k) {
        x[k * stride] += upper[static_cast<std::size_t>(k)] * x[(k + 1) * stride];
    }
}

// The explicit half: x + r (second difference of x) along lines whose points lie `stride` apart; `across` is the
// distance from line to line. The border keeps its values.
void spread(double r, std::vector<double> &from, double *to, std::int64_t n, std::int64_t stride, std::int64_t across) {
    std::copy(to, to + n * n, from.begin());
    for (std::int64_t line = 1; line < n - 1; ++line) {
        for (std::int64_t k = 1; k < n - 1; ++k) {
            const double *x = from.data() + line * across + k * stride;
            to[line * across + k * stride] = x[0] + r * (x[-stride] - 2 * x[0] + x[stride]);
        }
    }
}

} // namespace

// The heat equation in a square by Peaceman and Rachford's scheme, r = alpha dt / (2 h^2): half a step implicit along
// columns, half a step implicit along rows.
void adi(hp_ctx *ctx, std::int64_t steps, double r, in<double, "n", "n"> u, hp::out<double, "n", "n"> out) {
    const std::int64_t n = u.shape(0);
    std::vector<double> before(static_cast<std::size_t>(n * n)), upper(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) std::ranges::copy(u[i], out[i].begin());
    for (std::int64_t t = 0; t < steps; ++t) {
        if (hp_check(ctx)) return;
        spread(r, before, out.data(), n, 1, n);
        for (std::int64_t j = 1; j < n - 1; ++j) solve(r, out.data() + j, n, n, upper);
        spread(r, before, out.data(), n, n, 1);
        for (std::int64_t i = 1; i < n - 1; ++i) solve(r, out.data() + i * n, n, 1, upper);
    }
}
