"""What `hotplate new` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.notebook import Language, language_of

if TYPE_CHECKING:
    from pathlib import Path

_C = """\
// {name}: a hotplate notebook. Each function is a cell; its parameters name the cells that it needs.
// Run it:  hotplate run {name}        Change a value:  hotplate run {name} --set n=20
#include <math.h>
#include <stdint.h>

// %% Parameters
int64_t n(void) {{ return 10; }}
double dx(void) {{ return 0.1; }}

// %% Samples
static double wave(double x) {{ return sin(2 * x); }}   // static: a helper, not a cell

void samples(int64_t n, double dx, double out[n]) {{
    for (int64_t i = 0; i < n; i++) out[i] = wave((double)i * dx);
}}

// %% Summary
double energy(int64_t n, const double samples[n]) {{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += samples[i] * samples[i];
    return sum / (double)n;
}}
"""

_CPP = """\
// {name}: a hotplate notebook. Each function is a cell; its parameters name the cells that it needs.
// Run it:  hotplate run {name}        Change a value:  hotplate run {name} --set n=20
#include <cmath>
#include <cstdint>
#include <numeric>

#include <hotplate.hpp>
using hp::in;
using hp::out;

// %% Parameters
std::int64_t n() {{ return 10; }}
double dx() {{ return 0.1; }}

// %% Samples
static double wave(double x) {{ return std::sin(2 * x); }}   // static: a helper, not a cell

void samples(std::int64_t n, double dx, out<double, "n"> out) {{
    for (std::int64_t i = 0; i < n; ++i) out[i] = wave(static_cast<double>(i) * dx);
}}

// %% Summary
double energy(in<double, "n"> samples) {{
    const double sum = std::inner_product(samples.begin(), samples.end(), samples.begin(), 0.0);
    return sum / static_cast<double>(samples.size());
}}
"""


def template_for(path: Path) -> str:
    """A small notebook in the language of the path's suffix. Raises NotebookError when it has none of ours."""
    return (_CPP if language_of(path) is Language.CPP else _C).format(name=path.name)
