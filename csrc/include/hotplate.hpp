// hotplate.hpp: arrays for cells written in C++20.
//
//   hp::in<double, "n", 3>   an argument: read-only, rank 2, second extent 3, any strides
//   hp::out<double, "n", 3>  a result: C-contiguous, allocated by the host before the call, to be filled by the cell
//
// Both are small values that point to memory of the host, valid until the cell returns; copy them freely.
// An extent is a name (unified over all arguments of the call), integer arithmetic over names ("2 * n + 1"), or a number.
// Indices are not checked. A cell's exceptions become its error.
//
// SPDX-License-Identifier: MIT
#ifndef HOTPLATE_HPP
#define HOTPLATE_HPP

#if __cplusplus < 202002L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#error "cells in C++ need C++20 or later: give the section std=\"c++20\", or leave its std out"
#endif

#include <array>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#if __has_include(<mdspan>)
#include <mdspan>
#endif
#if __has_include(<cxxabi.h>)
#include <cstdlib>
#include <cxxabi.h>
#endif

#include "hotplate.h"

namespace hp {

// One extent in a view's type: a name or expression, or a number.
struct extent {
    static constexpr std::size_t max_length = 47;
    char text[max_length + 1]{};
    std::int64_t value = -1;

    template <std::size_t N>
    consteval extent(const char (&expression)[N]) {
        static_assert(N <= max_length + 1, "an extent's expression has at most 47 characters");
        for (std::size_t i = 0; i < N; ++i) text[i] = expression[i];
    }
    template <class I>
        requires(std::integral<I> || std::is_enum_v<I>)
    consteval extent(I number) : value(static_cast<std::int64_t>(number)) {}

    [[nodiscard]] constexpr bool is_number() const { return text[0] == '\0'; }
};

// A multidimensional array of someone else's memory. Strides count elements.
template <class T, std::size_t Rank>
class view {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    static constexpr std::size_t rank = Rank;

    constexpr view(T *data, const std::int64_t *shape, const std::int64_t *strides) : data_(data) {
        for (std::size_t k = 0; k < Rank; ++k) shape_[k] = shape[k], strides_[k] = strides[k];
    }

    // The element at the given indices, one for each axis.
    template <std::integral... I>
        requires(sizeof...(I) == Rank)
    constexpr T &operator()(I... index) const {
        std::int64_t offset = 0;
        std::size_t k = 0;
        ((offset += static_cast<std::int64_t>(index) * strides_[k++]), ...);
        return data_[offset];
    }

    // An element of a rank-1 view, a row of a higher one.
    template <std::integral I>
    constexpr decltype(auto) operator[](I index) const {
        if constexpr (Rank == 1)
            return static_cast<T &>(data_[static_cast<std::int64_t>(index) * strides_[0]]);
        else
            return view<T, Rank - 1>(data_ + static_cast<std::int64_t>(index) * strides_[0], shape_.data() + 1,
                                     strides_.data() + 1);
    }

    [[nodiscard]] constexpr std::int64_t shape(std::size_t axis) const { return shape_[axis]; }
    [[nodiscard]] constexpr const std::array<std::int64_t, Rank> &shape() const { return shape_; }
    [[nodiscard]] constexpr std::int64_t stride(std::size_t axis) const { return strides_[axis]; }

    // The number of elements.
    [[nodiscard]] constexpr std::int64_t size() const {
        std::int64_t count = 1;
        for (const std::int64_t length : shape_) count *= length;
        return count;
    }
    [[nodiscard]] constexpr bool empty() const { return size() == 0; }

    // The address of the first element.
    [[nodiscard]] constexpr T *data() const { return data_; }

    // Whether the elements lie one after another in row-major order.
    [[nodiscard]] constexpr bool is_contiguous() const {
        if (empty()) return true;
        std::int64_t packed = 1;
        for (std::size_t k = Rank; k-- > 0;) {
            if (shape_[k] > 1 && strides_[k] != packed) return false;
            packed *= shape_[k];
        }
        return true;
    }

    // Over the elements of a rank-1 view, the rows of a higher one. Random access.
    class iterator {
      public:
        using iterator_concept = std::random_access_iterator_tag;
        using iterator_category = std::conditional_t<Rank == 1, std::random_access_iterator_tag, std::input_iterator_tag>;
        using difference_type = std::ptrdiff_t;
        using reference = decltype(std::declval<const view &>()[0]);
        using value_type = std::remove_cvref_t<reference>;
        using pointer = void;

        constexpr iterator() = default;
        constexpr iterator(const view &over, std::int64_t at)
            : data_(over.data_), shape_(over.shape_), strides_(over.strides_), at_(at) {}
        constexpr reference operator*() const { return (*this)[0]; }
        constexpr reference operator[](difference_type n) const {
            if constexpr (Rank == 1)
                return data_[(at_ + n) * strides_[0]];
            else
                return view(data_, shape_.data(), strides_.data())[at_ + n];
        }
        constexpr iterator &operator+=(difference_type n) { return at_ += n, *this; }
        constexpr iterator &operator-=(difference_type n) { return at_ -= n, *this; }
        constexpr iterator &operator++() { return ++at_, *this; }
        constexpr iterator &operator--() { return --at_, *this; }
        constexpr iterator operator++(int) { return std::exchange(*this, *this + 1); }
        constexpr iterator operator--(int) { return std::exchange(*this, *this - 1); }
        friend constexpr iterator operator+(iterator i, difference_type n) { return i += n; }
        friend constexpr iterator operator+(difference_type n, iterator i) { return i += n; }
        friend constexpr iterator operator-(iterator i, difference_type n) { return i -= n; }
        friend constexpr difference_type operator-(const iterator &a, const iterator &b) { return a.at_ - b.at_; }
        friend constexpr bool operator==(const iterator &a, const iterator &b) { return a.at_ == b.at_; }
        friend constexpr auto operator<=>(const iterator &a, const iterator &b) { return a.at_ <=> b.at_; }

      private:
        T *data_ = nullptr;
        std::array<std::int64_t, Rank> shape_{};
        std::array<std::int64_t, Rank> strides_{};
        std::int64_t at_ = 0;
    };
    [[nodiscard]] constexpr iterator begin() const { return {*this, 0}; }
    [[nodiscard]] constexpr iterator end() const { return {*this, shape_[0]}; }

    // All elements in row-major order. Throws std::invalid_argument unless is_contiguous().
    constexpr operator std::span<T>() const {
        if (!is_contiguous()) throw std::invalid_argument("a std::span needs a contiguous array; this one is strided");
        return {data_, static_cast<std::size_t>(size())};
    }

#if defined(__cpp_lib_mdspan)
    constexpr operator std::mdspan<T, std::dextents<std::int64_t, Rank>, std::layout_stride>() const {
        using extents = std::dextents<std::int64_t, Rank>;
        return {data_, typename std::layout_stride::template mapping<extents>(extents(shape_), strides_)};
    }
#endif

  protected:
    T *data_;
    std::array<std::int64_t, Rank> shape_;
    std::array<std::int64_t, Rank> strides_;
};

// A read-only array argument.
template <class T, extent... Extents>
class in : public view<const T, sizeof...(Extents)> {
    static_assert(sizeof...(Extents) > 0, "hp::in needs an extent for each axis, as in hp::in<double, \"n\">");

  public:
    explicit in(const hp_tensor &tensor)
        : view<const T, sizeof...(Extents)>(static_cast<const T *>(tensor.data), tensor.shape, tensor.strides) {}
};

// A result array. Always C-contiguous, so that indices cost one multiplication an axis and inner loops vectorise.
template <class T, extent... Extents>
class out : public view<T, sizeof...(Extents)> {
    static_assert(sizeof...(Extents) > 0, "hp::out needs an extent for each axis, as in hp::out<double, \"n\">");

  public:
    explicit out(const hp_tensor &tensor)
        : view<T, sizeof...(Extents)>(static_cast<T *>(tensor.data), tensor.shape, tensor.strides) {}

    template <std::integral... I>
        requires(sizeof...(I) == sizeof...(Extents))
    constexpr T &operator()(I... index) const {
        std::int64_t offset = 0;
        std::size_t k = 0;
        ((offset = offset * length(k) + static_cast<std::int64_t>(index), ++k), ...);
        return this->data_[offset];
    }

  private:
    static constexpr std::array<std::int64_t, sizeof...(Extents)> numbers{(Extents.is_number() ? Extents.value : -1)...};
    constexpr std::int64_t length(std::size_t axis) const { return numbers[axis] >= 0 ? numbers[axis] : this->shape_[axis]; }
};

// What generated entries use. Not for cells.
namespace abi {

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;

template <class T>
inline constexpr bool is_record = std::is_class_v<T> && !is_complex<T>;

template <class T>
consteval uint8_t code() {
    static_assert(!std::is_same_v<T, long double>, "long double has no portable NumPy dtype: use double");
    static_assert(!std::is_pointer_v<T> && !std::is_reference_v<T>, "a pointer or reference can't cross to NumPy");
    static_assert(std::is_trivially_copyable_v<T>, "only trivially copyable types can cross to NumPy");
    static_assert(!is_record<T> || std::is_standard_layout_v<T>, "only standard-layout structs can cross to NumPy");
    if constexpr (std::is_same_v<T, bool>)
        return HP_BOOL;
    else if constexpr (std::is_enum_v<T>)
        return code<std::underlying_type_t<T>>();
    else if constexpr (std::is_floating_point_v<T>)
        return HP_FLOAT;
    else if constexpr (std::is_integral_v<T>)
        return std::is_signed_v<T> ? HP_INT : HP_UINT;
    else if constexpr (is_complex<T>)
        return HP_COMPLEX;
    else
        return HP_RECORD;
}

template <class T>
consteval hp_dtype dtype() {
    if constexpr (is_record<T>) {
        static_assert(sizeof(T) <= UINT16_MAX, "a struct of an array has at most 65535 bytes");
        return {code<T>(), 8, static_cast<uint16_t>(sizeof(T))};
    } else {
        return {code<T>(), static_cast<uint8_t>(8 * sizeof(T)), 1};
    }
}

template <class T>
inline constexpr bool is_view = false;
template <class T, extent... E>
inline constexpr bool is_view<in<T, E...>> = true;
template <class T, extent... E>
inline constexpr bool is_view<out<T, E...>> = true;

// Where a by-value argument or result of type T lies.
template <class T>
void *place(const hp_value &value) {
    if constexpr (is_record<T>)
        return value.as.tensor.data;
    else
        return const_cast<uint8_t *>(value.as.bytes);
}

// The argument of a parameter declared as T.
template <class T>
auto argument(const hp_value &value) {
    using V = std::remove_cvref_t<T>;
    if constexpr (is_view<V>) {
        return V(value.as.tensor);
    } else if constexpr (std::is_same_v<V, const char *> || std::is_same_v<V, std::string_view> ||
                         std::is_same_v<V, std::string>) {
        return V(value.as.text);
    } else {
        static_assert(std::is_trivially_copyable_v<V>, "a parameter by value must be a number or a POD struct");
        V result;
        std::memcpy(&result, place<V>(value), sizeof result);
        return result;
    }
}

// hp_out's array of T.
template <class T>
T *out_array(hp_out *out, std::initializer_list<std::int64_t> shape) {
    return static_cast<T *>(out->ctx->out_array(out->ctx, out->value, dtype<T>(), static_cast<int32_t>(shape.size()), shape.begin()));
}

// Hands a return value to the host: copied once, so that nothing of the library outlives the call.
template <class R>
void give(hp_ctx *ctx, hp_value &value, const R &result) {
    if constexpr (std::is_same_v<R, const char *>) {
        value.kind = result ? HP_TEXT : HP_NONE;
        value.as.text = result;
    } else if constexpr (std::is_same_v<R, std::string>) {
        if (result.find('\0') != std::string::npos)
            return hp_fail(ctx, "the text has a NUL character inside; cut it there, or return a std::vector<char>");
        auto *copy = static_cast<char *>(hp_alloc(ctx, result.size() + 1));
        if (!copy) return;
        std::memcpy(copy, result.c_str(), result.size() + 1);
        value.kind = HP_TEXT;
        value.as.text = copy;
    } else if constexpr (std::ranges::contiguous_range<const R>) {
        using T = std::ranges::range_value_t<R>;
        hp_out target{ctx, &value};
        const auto count = static_cast<std::int64_t>(std::ranges::size(result));
        if (T *data = out_array<T>(&target, {count}); data && count)
            std::memcpy(data, std::ranges::data(result), static_cast<std::size_t>(count) * sizeof(T));
    } else {
        static_assert(std::is_trivially_copyable_v<R>, "a result must be a number, text, a POD struct or a contiguous range");
        std::memcpy(place<R>(value), &result, sizeof result);
    }
}

inline void report(hp_ctx *ctx, const std::exception &error) {
    const char *name = typeid(error).name();
#if __has_include(<cxxabi.h>)
    int status = 0;
    char *readable = ::abi::__cxa_demangle(name, nullptr, nullptr, &status);
    hp_fail(ctx, "%s: %s", readable ? readable : name, error.what());
    std::free(readable);
#else
    for (const std::string_view kind : {"class ", "struct "}) // cl's names are readable, but for what they begin with
        if (std::string_view(name).starts_with(kind)) name += kind.size();
    hp_fail(ctx, "%s: %s", name, error.what());
#endif
}

// Runs the cell; an exception becomes its error, unless it is how the cell answers a request to stop.
template <class Body>
int32_t guard(hp_ctx *ctx, Body body) noexcept {
    try {
        body();
    } catch (const std::exception &error) {
        if (!ctx->observed) report(ctx, error);
    } catch (...) {
        if (!ctx->observed) hp_fail(ctx, "an exception that is no std::exception");
    }
    return HP_OK;
}

// The layout of a struct's field of type F: C arrays and std::array are peeled.
template <class F>
struct shape_of {
    using element = F;
    static constexpr int32_t rank = 0;
    static constexpr void fill(int64_t *) {}
};
template <class F, std::size_t N>
struct shape_of<F[N]> {
    using element = typename shape_of<F>::element;
    static constexpr int32_t rank = shape_of<F>::rank + 1;
    static constexpr void fill(int64_t *shape) { shape[0] = N, shape_of<F>::fill(shape + 1); }
};
template <class F, std::size_t N>
struct shape_of<std::array<F, N>> : shape_of<F[N]> {};

template <class F>
consteval hp_field field(const char *name, std::size_t offset, const hp_record *record) {
    static_assert(shape_of<F>::rank <= 4, "a field has at most 4 axes");
    hp_field result{name, offset, dtype<typename shape_of<F>::element>(), record, shape_of<F>::rank, {}};
    shape_of<F>::fill(result.shape);
    return result;
}

} // namespace abi
} // namespace hp

#define HP_DTYPE_INIT(T) ::hp::abi::dtype<T>()

#endif
