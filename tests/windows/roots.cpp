// A C++ notebook that mingw's g++ builds on Linux, for the tests to load on Windows.
#include <cmath>
#include <cstdint>
#include <hotplate.hpp>
#include <stdexcept>
#include <vector>

std::vector<double> roots(hp::in<double, "n"> x) {
    static const std::vector<double> origin(1); // has a destructor, which unloading runs
    std::vector<double> found = origin;
    for (std::int64_t i = 0; i < x.shape(0); ++i) {
        if (x(i) < 0) throw std::domain_error("a negative number has no root");
        found.push_back(std::sqrt(x(i)));
    }
    return found;
}
