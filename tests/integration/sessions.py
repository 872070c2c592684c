"""The notebook that the tests of sessions share, and what they ask of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hotplate
    from hotplate.events import Kind

MODEL = """\
#include <hotplate.h>
// %% Parameters
int64_t n(void) { return 4; }
// %% Work
void ramp(int64_t n, double start, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = start + (double)i; }
void doubled(int64_t n, const double ramp[n], double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = 2 * ramp[i]; }
void extent(int64_t n, const double doubled[n], double out_low[1], double out_high[1]) {
    out_low[0] = doubled[0];
    out_high[0] = doubled[n - 1];
}
double high(const double extent_high[1]) { return extent_high[0]; }
const char *note(void) { return "grüße"; }
struct body { double mass; int32_t r[3]; };
struct body earth(void) { return (struct body){5.97, {1, 2, 3}}; }
"""


def statuses(run: hotplate.Run) -> dict[str, str]:
    return {name: cell.status for name, cell in run.cells.items()}


def of_kind(run: hotplate.Run, kind: Kind) -> list[str]:
    return [event.cell for event in run.events if event.kind is kind]
