// hp::in and hp::out: indexing, strides, iteration, conversion, and what the entry does with results and exceptions.
#include "check.h"
#include "core/core.h"
#include "remote/arena.h"
#include "hotplate.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <ranges>
#include <vector>

namespace {

struct Tensor {
    std::vector<std::int64_t> shape, strides;
    hp_tensor raw;
    Tensor(void *data, std::vector<std::int64_t> lengths, std::vector<std::int64_t> steps)
        : shape(std::move(lengths)), strides(std::move(steps)),
          raw{data, {1, 0}, static_cast<int32_t>(shape.size()), hp::abi::dtype<double>(), shape.data(), strides.data(), 0} {}
};

double numbers[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

void indices_follow_the_strides() {
    const Tensor transposed(numbers, {4, 3}, {1, 4});
    const hp::in<double, "n", 3> view(transposed.raw);
    CHECK(view(1, 2) == 9 && view.shape(0) == 4 && view.stride(1) == 4 && view.size() == 12);
    CHECK(!view.is_contiguous() && view.data() == numbers);
}

void iteration_gives_rows_then_elements() {
    const Tensor matrix(numbers, {3, 4}, {4, 1});
    const hp::in<double, "r", "c"> view(matrix.raw);
    double sum = 0;
    int rows = 0;
    for (const auto row : view) {
        ++rows;
        for (const double value : row) sum += value;
    }
    CHECK(rows == 3 && sum == 66);
    CHECK(view[2][3] == 11);
}

void algorithms_and_ranges_take_a_strided_view() {
    const Tensor every_third(numbers, {4}, {3});
    const hp::in<double, "n"> view(every_third.raw);
    static_assert(std::random_access_iterator<decltype(view.begin())>);
    static_assert(std::ranges::random_access_range<decltype(view)>);
    CHECK(std::accumulate(view.begin(), view.end(), 0.0) == 18);
    CHECK(*std::ranges::max_element(view) == 9);
    CHECK(std::ranges::lower_bound(view, 5.0) - view.begin() == 2);
    CHECK(view.begin()[3] == 9 && view.end() - view.begin() == 4);
}

void a_contiguous_view_is_a_span_and_a_strided_one_throws() {
    const Tensor row(numbers, {12}, {1}), column(numbers, {3}, {4});
    const std::span<const double> span = hp::in<double, "n">(row.raw);
    CHECK(span.size() == 12 && span.data() == numbers);
    bool threw = false;
    try {
        const std::span<const double> impossible = hp::in<double, "n">(column.raw);
        CHECK(impossible.empty());
    } catch (const std::invalid_argument &) {
        threw = true;
    }
    CHECK(threw);
}

void an_empty_axis_is_contiguous_whatever_its_strides() {
    const Tensor nothing(numbers, {0, 3}, {7, 2});
    const hp::in<double, "n", 3> view(nothing.raw);
    CHECK(view.empty() && view.is_contiguous() && view.begin() == view.end());
}

void out_writes_in_row_major_order() {
    double memory[6] = {};
    const Tensor matrix(memory, {2, 3}, {3, 1});
    const hp::out<double, "n", 3> out(matrix.raw);
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 3; ++j) out(i, j) = 10 * i + j;
    CHECK(memory[3] == 10 && memory[5] == 12 && out[1][2] == 12);
}

#if defined(__cpp_lib_mdspan)
void a_view_is_an_mdspan() {
    const Tensor transposed(numbers, {4, 3}, {1, 4});
    const std::mdspan<const double, std::dextents<std::int64_t, 2>, std::layout_stride> span =
        hp::in<double, "n", 3>(transposed.raw);
    CHECK(span.extent(0) == 4 && (span[1, 2] == 9));
}
#endif

struct Body {
    double mass;
    std::array<float, 3> position;
    int flags[2][2];
};

void fields_are_peeled_to_their_elements() {
    constexpr hp_field position = hp::abi::field<decltype(Body::position)>("position", offsetof(Body, position), nullptr);
    constexpr hp_field flags = hp::abi::field<decltype(Body::flags)>("flags", offsetof(Body, flags), nullptr);
    CHECK(position.ndim == 1 && position.shape[0] == 3 && position.dtype.bits == 32 && position.offset == 8);
    CHECK(flags.ndim == 2 && flags.shape[1] == 2 && flags.dtype.code == HP_INT);
    CHECK(hp::abi::dtype<Body>().code == HP_RECORD && hp::abi::dtype<Body>().lanes == sizeof(Body));
}

int32_t word = 0;
hp_host *host;

void an_exception_becomes_the_failure() {
    hp_host_begin(host);
    const auto body = [] { std::vector<int>(2).at(5) = 1; };
    CHECK(hp_host_verdict(host, hp::abi::guard(&host->ctx, body)) == HP_FAILED);
    CHECK(std::strncmp(host->message, "std::out_of_range: ", 19) == 0);
    hp_host_end(host, HP_OK);
    hp_host_begin(host);
    CHECK(hp_host_verdict(host, hp::abi::guard(&host->ctx, [] { throw 1; })) == HP_FAILED);
    hp_host_end(host, HP_OK);
}

void an_exception_after_a_request_to_stop_is_a_cancellation() {
    hp_host_begin(host);
    word = 1;
    const auto body = [] {
        if (hp_check(&host->ctx)) throw std::runtime_error("stopping");
    };
    CHECK(hp_host_verdict(host, hp::abi::guard(&host->ctx, body)) == HP_CANCELLED);
    word = 0;
    hp_host_end(host, HP_OK);
}

void a_range_is_copied_to_the_host() {
    hp_host_begin(host);
    hp_value value{};
    hp::abi::give(&host->ctx, value, std::vector<std::int32_t>{1, 2, 3});
    CHECK(value.kind == HP_TENSOR && value.as.tensor.shape[0] == 3);
    CHECK(static_cast<std::int32_t *>(value.as.tensor.data)[2] == 3 && value.as.tensor.dtype.bits == 32);
    std::free(value.as.tensor.shape);
    hp_array_free(value.as.tensor.data);
    hp_host_end(host, HP_OK);
}

} // namespace

int main() {
    indices_follow_the_strides();
    iteration_gives_rows_then_elements();
    algorithms_and_ranges_take_a_strided_view();
    a_contiguous_view_is_a_span_and_a_strided_one_throws();
    an_empty_axis_is_contiguous_whatever_its_strides();
    out_writes_in_row_major_order();
#if defined(__cpp_lib_mdspan)
    a_view_is_an_mdspan();
#endif
    fields_are_peeled_to_their_elements();
    host = hp_host_new(&word);
    an_exception_becomes_the_failure();
    an_exception_after_a_request_to_stop_is_a_cancellation();
    a_range_is_copied_to_the_host();
    hp_host_free(host);
    return 0;
}
