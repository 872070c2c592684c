// Dynamic programming on an RNA sequence.
#include <hotplate.hpp>

#include <algorithm>

namespace {

enum base : std::uint8_t { A, C, G, U };

// Watson and Crick's pairs: A with U, C with G.
constexpr bool pair(std::uint8_t a, std::uint8_t b) { return a + b == A + U; }

} // namespace

// The largest number of pairs that a strand can form with itself without crossings, for every stretch i..j; neighbours
// don't pair. Below the diagonal it is 0. Source: R. Nussinov, A. B. Jacobson, Proc. Natl. Acad. Sci. 77 (1980)
// 6309-6313.
void nussinov(hp::in<std::uint8_t, "n"> strand, hp::out<std::int32_t, "n", "n"> out) {
    const std::int64_t n = strand.size();
    std::fill_n(out.data(), out.size(), 0);
    for (std::int64_t i = n - 1; i >= 0; --i) {
        for (std::int64_t j = i + 2; j < n; ++j) {
            std::int32_t best = out(i + 1, j - 1) + (pair(strand[i], strand[j]) ? 1 : 0);
            for (std::int64_t k = i; k < j; ++k) best = std::max(best, out(i, k) + out(k + 1, j));
            out(i, j) = best;
        }
    }
}
