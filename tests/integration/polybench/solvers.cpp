// Factorisations and a triangular solve on C++ views, each written from its definition.
#include <hotplate.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

using hp::in;

// %% Factorisations
// U, and below its diagonal L without its ones, with L U = A; no pivoting.
void lu(in<double, "n", "n"> A, hp::out<double, "n", "n"> out) {
    const std::int64_t n = A.shape(0);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            double rest = A(i, j);
            for (std::int64_t k = 0; k < std::min(i, j); ++k) rest -= out(i, k) * out(k, j);
            out(i, j) = j < i ? rest / out(j, j) : rest;
        }
        if (out(i, i) == 0) throw std::domain_error("pivot " + std::to_string(i) + " is zero: permute the rows first");
    }
}

// Q with orthonormal columns and an upper triangular R with a positive diagonal, Q R = A: the modified Gram-Schmidt
// process, which takes each finished direction out of all the columns after it.
void gramschmidt(in<double, "n", "m"> A, hp::out<double, "n", "m"> out_Q, hp::out<double, "m", "m"> out_R) {
    const std::int64_t n = A.shape(0), m = A.shape(1);
    std::fill_n(out_R.data(), out_R.size(), 0.0);
    for (std::int64_t i = 0; i < n; ++i) std::ranges::copy(A[i], out_Q[i].begin());
    for (std::int64_t k = 0; k < m; ++k) {
        double square = 0;
        for (std::int64_t i = 0; i < n; ++i) square += out_Q(i, k) * out_Q(i, k);
        out_R(k, k) = std::sqrt(square);
        for (std::int64_t i = 0; i < n; ++i) out_Q(i, k) /= out_R(k, k);
        for (std::int64_t j = k + 1; j < m; ++j) {
            for (std::int64_t i = 0; i < n; ++i) out_R(k, j) += out_Q(i, k) * out_Q(i, j);
            for (std::int64_t i = 0; i < n; ++i) out_Q(i, j) -= out_R(k, j) * out_Q(i, k);
        }
    }
}

// %% Triangular systems
// x with L x = b, from the top.
void trisolv(in<double, "n", "n"> L, in<double, "n"> b, hp::out<double, "n"> out) {
    for (std::int64_t i = 0; i < b.size(); ++i) {
        double rest = b[i];
        for (std::int64_t j = 0; j < i; ++j) rest -= L(i, j) * out[j];
        out[i] = rest / L(i, i);
    }
}
