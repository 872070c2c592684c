// The Mandelbrot set, coloured smoothly: all c for which z -> z^2 + c, from z = 0, stays bounded.
//
//     hotplate run examples/mandelbrot.cpp --set width=300 --set height=200 --save pixels.npz
//     python examples/mandelbrot.py mandelbrot.png
//
// Source of the smooth count: H.-O. Peitgen, P. H. Richter, The Beauty of Fractals (Springer 1986), section 4, on the
// potential of the set.
#include <hotplate.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

using hp::in;
using hp::out;

// %% Parameters
std::int64_t width() { return 960; }
std::int64_t height() { return 640; }
double centre_re() { return -0.743643; } // the valley of the sea horses
double centre_im() { return 0.131826; }
double span() { return 0.006; }       // width of the picture in the complex plane
std::int64_t limit() { return 2000; } // iterations after which a point counts as inside

// %% Escape times  flags="-O3"
// The number of iterations until |z| is large, made continuous: |z| squares in each round once it is large, so
// log2 log2 |z| says how far past the border the last round went. Points inside are -1.
static double escape_time(double re, double im, std::int64_t limit) {
    constexpr double radius2 = 1 << 16;
    double x = 0, y = 0;
    for (std::int64_t i = 0; i < limit; ++i) {
        const double x2 = x * x, y2 = y * y;
        if (x2 + y2 > radius2) return static_cast<double>(i) + 1 - std::log2(0.5 * std::log2(x2 + y2));
        y = 2 * x * y + im;
        x = x2 - y2 + re;
    }
    return -1;
}

// Row 0 is the top of the picture, where the imaginary part is largest.
void escape(hp_ctx *ctx, std::int64_t width, std::int64_t height, double centre_re, double centre_im, double span,
            std::int64_t limit, out<double, "height", "width"> out) {
    const double pixel = span / static_cast<double>(width);
    for (std::int64_t i = 0; i < height; ++i) {
        if (hp_check(ctx)) return;
        const double im = centre_im - (static_cast<double>(i) - 0.5 * static_cast<double>(height - 1)) * pixel;
        for (std::int64_t j = 0; j < width; ++j) {
            const double re = centre_re + (static_cast<double>(j) - 0.5 * static_cast<double>(width - 1)) * pixel;
            out(i, j) = escape_time(re, im, limit);
        }
        hp_progress(ctx, i + 1, height);
    }
}

// %% Colours
// The share of the picture that belongs to the set.
double inside(in<double, "height", "width"> escape) {
    std::ptrdiff_t count = 0;
    for (const auto row : escape) count += std::ranges::count(row, -1.0);
    return static_cast<double>(count) / static_cast<double>(escape.size());
}

// Each channel is a cosine of its own phase, so that the palette goes round without a seam. The square root stretches
// the wide outer bands and tightens the narrow inner ones.
static std::array<std::uint8_t, 3> colour(double time) {
    constexpr std::array phase{0.55, 0.62, 0.75};
    std::array<std::uint8_t, 3> rgb{};
    if (time < 0) return rgb;
    const double turn = 0.11 * std::sqrt(std::max(time, 0.0));
    for (std::size_t k = 0; k < rgb.size(); ++k) {
        const double level = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * (turn + phase[k]));
        rgb[k] = static_cast<std::uint8_t>(255 * level + 0.5);
    }
    return rgb;
}

void pixels(in<double, "height", "width"> escape, out<std::uint8_t, "height", "width", 3> out) {
    for (std::int64_t i = 0; i < escape.shape(0); ++i) {
        for (std::int64_t j = 0; j < escape.shape(1); ++j) {
            const auto rgb = colour(escape(i, j));
            for (std::int64_t k = 0; k < 3; ++k) out(i, j, k) = rgb[static_cast<std::size_t>(k)];
        }
    }
}
