// noconvert() throughout: like hotplate, it refuses an array of another dtype or layout instead of copying it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <stdexcept>

namespace nb = nanobind;
using In = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, double, nb::ndim<1>>;

static std::size_t common_length(const In &x, const In &y) {
    if (x.shape(0) != y.shape(0)) throw std::invalid_argument("x and y differ in length");
    return x.shape(0);
}

static double dot(const In &x, const In &y) {
    const std::size_t n = common_length(x, y);
    nb::gil_scoped_release released;
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += x.data()[i] * y.data()[i];
    return sum;
}

static double weighted(const In &x, const In &y, double a) { return a * dot(x, y); }

static Out add(const In &x, const In &y) {
    const std::size_t n = common_length(x, y);
    auto *values = new double[n];
    nb::capsule owner(values, [](void *p) noexcept { delete[] static_cast<double *>(p); });
    {
        nb::gil_scoped_release released;
        for (std::size_t i = 0; i < n; ++i) values[i] = x.data()[i] + y.data()[i];
    }
    return Out(values, {n}, owner);
}

NB_MODULE(nanobind_peer, module) {
    module.def("dot", &dot, nb::arg("x").noconvert(), nb::arg("y").noconvert());
    module.def("weighted", &weighted, nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("a"));
    module.def("add", &add, nb::arg("x").noconvert(), nb::arg("y").noconvert());
}
