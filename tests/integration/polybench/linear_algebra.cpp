// Dense linear algebra on C++ views: products of matrices and vectors, each written from its formula.
#include <hotplate.hpp>

#include <algorithm>
#include <vector>

using hp::in;

// %% Matrix products  flags="-O3"
namespace {

// Adds A B to a row-major product of `columns` columns. A and B are anything that is indexed with two indices.
template <class Left, class Right>
void multiply(const Left &A, const Right &B, std::int64_t rows, std::int64_t inner, std::int64_t columns,
              double *product) {
    for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t p = 0; p < inner; ++p) {
            for (std::int64_t j = 0; j < columns; ++j) product[i * columns + j] += A(i, p) * B(p, j);
        }
    }
}

} // namespace

// (A B) (C D)
void three_mm(in<double, "n", "k"> A, in<double, "k", "m"> B, in<double, "m", "l"> C, in<double, "l", "p"> D,
              hp::out<double, "n", "p"> out) {
    const std::int64_t n = A.shape(0), m = B.shape(1), p = D.shape(1);
    std::vector<double> left(static_cast<std::size_t>(n * m)), right(static_cast<std::size_t>(m * p));
    multiply(A, B, n, A.shape(1), m, left.data());
    multiply(C, D, m, C.shape(1), p, right.data());
    const auto left_at = [&](std::int64_t i, std::int64_t j) { return left[static_cast<std::size_t>(i * m + j)]; };
    const auto right_at = [&](std::int64_t i, std::int64_t j) { return right[static_cast<std::size_t>(i * p + j)]; };
    std::fill_n(out.data(), out.size(), 0.0);
    multiply(left_at, right_at, n, m, p, out.data());
}

// %% Structured matrices
// alpha L^T B, where L is lower triangular with ones on its diagonal; only what lies below the diagonal is read.
void trmm(double alpha, in<double, "n", "n"> L, in<double, "n", "m"> B, hp::out<double, "n", "m"> out) {
    for (std::int64_t i = 0; i < B.shape(0); ++i) {
        for (std::int64_t j = 0; j < B.shape(1); ++j) {
            double sum = B(i, j);
            for (std::int64_t k = i + 1; k < B.shape(0); ++k) sum += L(k, i) * B(k, j);
            out(i, j) = alpha * sum;
        }
    }
}

// alpha (A B^T + B A^T) + beta C, the lower triangle; what lies above it stays as in C.
void syr2k(double alpha, double beta, in<double, "n", "m"> A, in<double, "n", "m"> B, in<double, "n", "n"> C,
           hp::out<double, "n", "n"> out) {
    for (std::int64_t i = 0; i < C.shape(0); ++i) {
        for (std::int64_t j = 0; j < C.shape(1); ++j) {
            double sum = 0;
            for (std::int64_t k = 0; k < A.shape(1); ++k) sum += A(i, k) * B(j, k) + B(i, k) * A(j, k);
            out(i, j) = j <= i ? alpha * sum + beta * C(i, j) : C(i, j);
        }
    }
}

// %% Matrix and vector
// A p and A^T r, from one pass over A.
void bicg(in<double, "n", "m"> A, in<double, "m"> p, in<double, "n"> r, hp::out<double, "n"> out_q,
          hp::out<double, "m"> out_s) {
    std::ranges::fill(out_s, 0.0);
    for (std::int64_t i = 0; i < A.shape(0); ++i) {
        out_q[i] = 0;
        for (std::int64_t j = 0; j < A.shape(1); ++j) {
            out_q[i] += A(i, j) * p[j];
            out_s[j] += A(i, j) * r[i];
        }
    }
}

// x1 + A y1 and x2 + A^T y2
void mvt(in<double, "n", "n"> A, in<double, "n"> x1, in<double, "n"> x2, in<double, "n"> y1, in<double, "n"> y2,
         hp::out<double, "n"> out_x1, hp::out<double, "n"> out_x2) {
    std::ranges::copy(x1, out_x1.begin());
    std::ranges::copy(x2, out_x2.begin());
    for (std::int64_t i = 0; i < A.shape(0); ++i) {
        for (std::int64_t j = 0; j < A.shape(1); ++j) {
            out_x1[i] += A(i, j) * y1[j];
            out_x2[j] += A(i, j) * y2[i];
        }
    }
}

// alpha A x + beta B x
std::vector<double> gesummv(double alpha, double beta, in<double, "n", "n"> A, in<double, "n", "n"> B,
                            in<double, "n"> x) {
    std::vector<double> sum(static_cast<std::size_t>(A.shape(0)));
    for (std::int64_t i = 0; i < A.shape(0); ++i) {
        for (std::int64_t j = 0; j < A.shape(1); ++j) {
            sum[static_cast<std::size_t>(i)] += (alpha * A(i, j) + beta * B(i, j)) * x[j];
        }
    }
    return sum;
}
