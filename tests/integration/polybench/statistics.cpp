// Statistics of a table with one observation a row and one variable a column, on C++ views.
#include <hotplate.hpp>

#include <algorithm>
#include <vector>

// The means of the columns, and the unbiased covariance of every two.
void covariance(hp::in<double, "n", "m"> data, hp::out<double, "m"> out_mean, hp::out<double, "m", "m"> out_matrix) {
    const std::int64_t n = data.shape(0), m = data.shape(1);
    std::ranges::fill(out_mean, 0.0);
    for (const auto row : data) {
        for (std::int64_t j = 0; j < m; ++j) out_mean[j] += row[j] / static_cast<double>(n);
    }
    std::fill_n(out_matrix.data(), out_matrix.size(), 0.0);
    std::vector<double> centred(static_cast<std::size_t>(m));
    for (const auto row : data) {
        std::ranges::transform(row, out_mean, centred.begin(), [](double value, double mean) { return value - mean; });
        for (std::int64_t a = 0; a < m; ++a) {
            for (std::int64_t b = 0; b < m; ++b) {
                out_matrix(a, b) += centred[static_cast<std::size_t>(a)] * centred[static_cast<std::size_t>(b)];
            }
        }
    }
    for (double &value : std::span<double>(out_matrix)) value /= static_cast<double>(n - 1);
}
