from __future__ import annotations

from pathlib import Path

import pytest

C_EXAMPLE = """\
// heat.c                                  a file that `cc -c` accepts as it is
#include <math.h>
#include <stdint.h>

// %% Parameters
double dx(void) { return 1e-2; }           // a cell without parameters; `--set dx=0.02` replaces it
int64_t n(void) { return 1000; }

// %% Initial state  flags="-O3"
static double bump(double x) { return exp(-50 * x * x); }   // static: a helper, not a cell

void u0(int64_t n, double dx, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = bump(i * dx - 0.5);
}

// %% Step
void u1(int64_t n, const double u0[n], double dx, double dt, double out[n]) { /* ... */ }
"""

CPP_EXAMPLE = """\
#include <hotplate.hpp>
using hp::in; using hp::out;

// %% Step
void u1(in<double, "n", 3> u0, double dt, out<double, "n", 3> out) {
    for (std::int64_t i = 0; i < u0.shape(0); ++i) out(i, 0) = u0(i, 1) * dt;
}
"""


@pytest.fixture
def c_path() -> Path:
    return Path("heat.c")


@pytest.fixture
def cpp_path() -> Path:
    return Path("heat.cpp")


@pytest.fixture
def c_example() -> str:
    return C_EXAMPLE


@pytest.fixture
def cpp_example() -> str:
    return CPP_EXAMPLE
