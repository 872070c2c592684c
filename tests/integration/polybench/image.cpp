// Image processing on C++ views.
#include <hotplate.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

// y[k] = a0 x[k] + a1 x[k-1] + b1 y[k-1] + b2 y[k-2], with everything before the line taken as 0.
struct recursion {
    double a0, a1, b1, b2;
    double x1 = 0, y1 = 0, y2 = 0;

    double operator()(double x) {
        const double y = a0 * x + a1 * x1 + b1 * y1 + b2 * y2;
        x1 = x;
        y2 = y1;
        y1 = y;
        return y;
    }
};

// The smoothing filter k (1 + alpha |i|) exp(-alpha |i|) as a causal recursion plus an anticausal one. The second
// starts one point later, so that the middle counts once. k makes the weights add up to 1.
struct smoother {
    double k, decay, alpha;

    explicit smoother(double a) : k(0), decay(std::exp(-a)), alpha(a) {
        k = (1 - decay) * (1 - decay) / (1 + 2 * alpha * decay - decay * decay);
    }
    recursion forward() const { return {k, k * decay * (alpha - 1), 2 * decay, -decay * decay}; }
    recursion backward() const { return {k * decay * (alpha + 1), -k * decay * decay, 2 * decay, -decay * decay}; }

    // Smooths `count` points that lie `stride` apart, in place.
    void apply(double *line, std::int64_t count, std::int64_t stride, std::vector<double> &ahead) const {
        recursion up = forward(), down = backward();
        double next = 0;
        for (std::int64_t i = count - 1; i >= 0; --i) {
            ahead[static_cast<std::size_t>(i)] = down(next);
            next = line[i * stride];
        }
        for (std::int64_t i = 0; i < count; ++i) {
            line[i * stride] = up(line[i * stride]) + ahead[static_cast<std::size_t>(i)];
        }
    }
};

} // namespace

// Smooths an image along its rows, then along its columns. The work for a pixel is the same for any width of the filter
// (R. Deriche, Int. J. Comput. Vision 1 (1987) 167-187; "Recursively implementing the Gaussian and its derivatives",
// INRIA RR-1893, 1993).
void deriche(double alpha, hp::in<double, "n", "m"> image, hp::out<double, "n", "m"> out) {
    const std::int64_t n = image.shape(0), m = image.shape(1);
    const smoother smooth(alpha);
    std::vector<double> ahead(static_cast<std::size_t>(std::max(n, m)));
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < m; ++j) out(i, j) = image(i, j);
        smooth.apply(&out(i, 0), m, 1, ahead);
    }
    for (std::int64_t j = 0; j < m; ++j) smooth.apply(&out(0, j), n, m, ahead);
}
