// noconvert() throughout: like hotplate, it refuses an array of another dtype or layout instead of copying it.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <stdexcept>

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style>;

static std::size_t common_length(const Array &x, const Array &y) {
    if (x.ndim() != 1 || y.ndim() != 1 || x.size() != y.size()) throw std::invalid_argument("x and y differ in shape");
    return static_cast<std::size_t>(x.size());
}

static double dot(const Array &x, const Array &y) {
    const std::size_t n = common_length(x, y);
    const double *a = x.data(), *b = y.data();
    py::gil_scoped_release released;
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

static double weighted(const Array &x, const Array &y, double a) { return a * dot(x, y); }

static Array add(const Array &x, const Array &y) {
    const std::size_t n = common_length(x, y);
    Array out(static_cast<py::ssize_t>(n));
    const double *a = x.data(), *b = y.data();
    double *c = out.mutable_data();
    py::gil_scoped_release released;
    for (std::size_t i = 0; i < n; ++i) c[i] = a[i] + b[i];
    return out;
}

PYBIND11_MODULE(pybind11_peer, module) {
    module.def("dot", &dot, py::arg("x").noconvert(), py::arg("y").noconvert());
    module.def("weighted", &weighted, py::arg("x").noconvert(), py::arg("y").noconvert(), py::arg("a"));
    module.def("add", &add, py::arg("x").noconvert(), py::arg("y").noconvert());
}
