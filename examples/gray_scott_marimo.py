"""Patterns of two chemicals that react and spread, with the loop in C, as a marimo notebook.

marimo edit examples/gray_scott_marimo.py     with sliders; an edit of the C text reruns what depends on it
python examples/gray_scott_marimo.py          as a plain script
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import statistics
    import timeit

    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np

    import hotplate

    return hotplate, mo, np, plt, statistics, timeit


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # Patterns out of a reaction

    A chemical $u$ is fed to a dish, spreads, and is eaten by $v$, which grows from it, spreads half as fast and is
    drained. On a grid whose opposite edges meet:

    $$\dot u = 0.16\,\nabla^2 u - u v^2 + F (1 - u) \qquad \dot v = 0.08\,\nabla^2 v + u v^2 - (F + k)\, v$$

    P. Gray, S. K. Scott, *Chemical Engineering Science* 39 (1984) 1087-1097; J. E. Pearson, *Science* 261 (1993)
    189-192, who found the patterns.
    """)
    return


@app.cell
def _(mo):
    feed = mo.ui.slider(0.02, 0.07, 0.001, value=0.055, label="feed $F$", show_value=True)
    kill = mo.ui.slider(0.045, 0.07, 0.001, value=0.062, label="kill $k$", show_value=True)
    mo.hstack([feed, kill], justify="start")
    return feed, kill


@app.cell
def _(np):
    # A dish of u with twenty drops of v.
    u0, v0 = np.ones((200, 200)), np.zeros((200, 200))
    for _row, _column in np.random.default_rng(0).integers(0, 190, (20, 2)):
        _drop = slice(_row, _row + 10), slice(_column, _column + 10)
        u0[_drop], v0[_drop] = 0.5, 0.5
    return u0, v0


@app.cell
def _(np):
    def spread(w):
        return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4 * w

    def in_numpy(u, v, feed, kill, steps):
        for _ in range(steps):
            eaten = u * v * v
            next_u = u + (0.16 * spread(u) - eaten + feed * (1 - u))
            v = v + (0.08 * spread(v) + eaten - (feed + kill) * v)
            u = next_u
        return u, v

    return (in_numpy,)


@app.cell
def _(hotplate):
    gray_scott = hotplate.inline(r"""
    #include <hotplate.h>
    #include <stdint.h>
    #include <string.h>

    // The rim of a grid repeats the opposite edge, so that every point has four neighbours.
    static void set_rim(int64_t n, double w[n + 2][n + 2]) {
        for (int64_t i = 1; i <= n; i++) {
            w[i][0] = w[i][n];
            w[i][n + 1] = w[i][1];
        }
        memcpy(w[0], w[n], sizeof w[0]);
        memcpy(w[n + 1], w[1], sizeof w[0]);
    }

    // `restrict`: the grids don't overlap, so the compiler may use vector instructions.
    static void step(int64_t n, double u[restrict n + 2][n + 2], double v[restrict n + 2][n + 2], double feed,
                     double kill, double next_u[restrict n + 2][n + 2], double next_v[restrict n + 2][n + 2]) {
        set_rim(n, u);
        set_rim(n, v);
        for (int64_t i = 1; i <= n; i++) {
            for (int64_t j = 1; j <= n; j++) {
                double spread_u = u[i - 1][j] + u[i + 1][j] + u[i][j - 1] + u[i][j + 1] - 4 * u[i][j];
                double spread_v = v[i - 1][j] + v[i + 1][j] + v[i][j - 1] + v[i][j + 1] - 4 * v[i][j];
                double eaten = u[i][j] * v[i][j] * v[i][j];
                next_u[i][j] = u[i][j] + (0.16 * spread_u - eaten + feed * (1 - u[i][j]));
                next_v[i][j] = v[i][j] + (0.08 * spread_v + eaten - (feed + kill) * v[i][j]);
            }
        }
    }

    void gray_scott(hp_ctx *ctx, int64_t n, const double u0[n][n], const double v0[n][n], double feed, double kill,
                    int64_t steps, double out_u[n][n], double out_v[n][n]) {
        double(*w)[2][n + 2][n + 2] = hp_alloc(ctx, 2 * sizeof *w); // u and v, now and next
        if (!w) return;
        for (int64_t i = 0; i < n; i++) {
            memcpy(&w[0][0][i + 1][1], u0[i], sizeof u0[i]);
            memcpy(&w[0][1][i + 1][1], v0[i], sizeof v0[i]);
        }
        for (int64_t s = 0; s < steps; s++) {
            if (hp_check(ctx)) return; // interrupted
            step(n, w[s % 2][0], w[s % 2][1], feed, kill, w[(s + 1) % 2][0], w[(s + 1) % 2][1]);
        }
        for (int64_t i = 0; i < n; i++) {
            memcpy(out_u[i], &w[steps % 2][0][i + 1][1], sizeof out_u[i]);
            memcpy(out_v[i], &w[steps % 2][1][i + 1][1], sizeof out_v[i]);
        }
    }
    """)
    return (gray_scott,)


@app.cell
def _(gray_scott, in_numpy, np, statistics, timeit, u0, v0):
    def median_seconds(function, rounds=9):
        return statistics.median(timeit.repeat(lambda: function(u0, v0, 0.055, 0.062, 100), number=1, repeat=rounds))

    difference = np.abs(np.subtract(in_numpy(u0, v0, 0.055, 0.062, 100), gray_scott(u0, v0, 0.055, 0.062, 100))).max()
    speed_up = median_seconds(in_numpy) / median_seconds(gray_scott)
    print(f"100 steps: C is {speed_up:.0f} times as fast as NumPy; the results differ by {difference:.0e} at most")
    return difference, speed_up


@app.cell
def _(feed, gray_scott, kill, plt, u0, v0):
    dish = gray_scott(u0, v0, feed.value, kill.value, 10_000)
    _figure, _axes = plt.subplots(figsize=(4, 4), layout="constrained")
    _axes.imshow(dish.v, cmap="magma")
    _axes.set_axis_off()
    _figure
    return (dish,)


if __name__ == "__main__":
    app.run()
