"""The notebook that the tests of isolation share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hotplate
    from hotplate.execute.workers.pool import WorkerPool

CELLS = """
#include <hotplate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// %% Here

void grid(int64_t n, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = (double)i;
}
double rounded(double total) { return total + 0.5; }

// %% There isolate=yes

void doubled(int64_t n, const double grid[n], double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = 2 * grid[i];
}
double total(int64_t n, const double doubled[n]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += doubled[i];
    return sum;
}
double grid_total(int64_t n, const double grid[n]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += grid[i];
    return sum;
}
int64_t process(void) { return getpid(); }
double sum(int64_t n, int64_t m, const double x[n][m]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) sum += x[i][j];
    return sum;
}
void negative(int64_t n, const double x[n], double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = -x[i];
}
void evens(int64_t n, const int64_t x[n], hp_out *out) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += x[i] % 2 == 0;
    int64_t *y = HP_ARRAY(out, int64_t, count);
    if (!y) return;
    for (int64_t i = 0; i < n; i++)
        if (x[i] % 2 == 0) *y++ = x[i];
}
const char *greeting(const char *name) {
    static char text[64];
    snprintf(text, sizeof text, "hello %s", name);
    return text;
}
struct point { double x, y; int32_t tag[2]; };
struct point middle(struct point a, struct point b) {
    return (struct point){(a.x + b.x) / 2, (a.y + b.y) / 2, {a.tag[0], b.tag[1]}};
}
void divided(int64_t a, int64_t b, int64_t out_quotient[1], int64_t out_rest[1]) {
    out_quotient[0] = a / b;
    out_rest[0] = a % b;
}
int64_t dies(int64_t how) {
    if (how) abort();
    return how;
}
int64_t counts(hp_ctx *ctx, int64_t how) {
    int64_t *count = hp_state(ctx, sizeof *count, 1);
    if (how < 0) abort();
    return *count += how;
}
int64_t loops(int64_t n) {
    for (volatile int64_t i = n;; i = i + 1) continue;
    return n;
}
/* Returns 1 once `x[0]` is no longer 0: then its memory is that of the session, not a copy. */
int64_t sees(hp_ctx *ctx, int64_t n, const double x[n]) {
    hp_progress(ctx, 1, n);
    while (((const volatile double *)x)[0] == 0)
        if (hp_check(ctx)) return 0;
    return 1;
}
int64_t writes(int64_t n, const double x[n]) {
    ((volatile double *)(uintptr_t)x)[0] = 1;
    return n;
}
int64_t talks(int64_t lines) {
    for (int64_t i = 0; i < lines; i++) printf("out %d\\n", (int)i);
    fprintf(stderr, "err\\n");
    return lines;
}
int64_t talks_then_waits(hp_ctx *ctx) {
    printf("first\\n");
    while (!hp_check(ctx)) usleep(1000);
    return 0;
}
int64_t crashes_when_asked(hp_ctx *ctx) {
    while (!hp_check(ctx)) usleep(1000);
    abort();
}
int64_t dies_talking(void) {
    printf("told before the end");
    fflush(stdout);
    abort();
}
"""


def pool_of(notebook: hotplate.Notebook, cell: str = "process") -> WorkerPool:
    """Where the workers of a notebook are."""
    pool: WorkerPool = notebook.load(cell)._pool  # type: ignore[attr-defined]  # an isolated cell has one
    return pool


def lives(process: int) -> bool:
    """Whether there is a process of this number, be it a dead one that nobody has taken away."""
    return Path(f"/proc/{process}").exists()
