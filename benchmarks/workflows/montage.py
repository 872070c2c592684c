"""Montage, a workflow that makes a mosaic of the sky from many images, as a notebook of 548 cells.

    python -m benchmarks.workflows.montage [--rows N] [--columns N] [--scale S] [OUTPUT.c]

The structure is the published one: every image is projected, every two that overlap are compared, one model of all
backgrounds is made of that, each image is corrected by it, and the corrected ones become the mosaic. So are the times
and sizes, those of 2MASS images (50 to the square degree): S. Bharathi, A. Chervenak, E. Deelman, G. Mehta, M.-H. Su,
K. Vahi, "Characterization of scientific workflows", WORKS 2008, as in its authors' workflow generator (Montage.java);
G. Juve et al., "Characterizing and profiling scientific workflows", FGCS 29(3), 2013, has the same structure. Times are
multiplied by `scale`. An image has 32 x 32 pixels for its 4,162,432 bytes, which is 1 for 1,016, and the other sizes
follow. What no later task reads is left out (areas, difference images).

The tasks do what they are called for, on stars that they make up, and then spend the time that is left. Each result
depends on nothing but the text, so any two runs with one compiler give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

IMAGES_PER_SQUARE_DEGREE = 50
ROUNDS_PER_SECOND = 500e6
"""How often `spend` goes round in a second: 8 cycles each at 4 GHz, built with -O2."""

_KERNELS = Path(__file__).with_name("kernels.c")


class Task(NamedTuple):
    """One cell: what kind of task it is, what it needs, and the published time in seconds."""

    name: str
    kind: str
    needs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Montage:
    """A mosaic of `rows` times `columns` images, each of which overlaps its up to eight neighbours."""

    rows: int = 10
    columns: int = 10
    scale: float = 1 / 2000
    """Which part of the published time a task spends."""

    @property
    def images(self) -> int:
        return self.rows * self.columns

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The images that overlap, the one further up or left first."""
        neighbours = ((0, 1), (1, -1), (1, 0), (1, 1))
        return tuple(
            (row * self.columns + column, (row + down) * self.columns + column + right)
            for row in range(self.rows)
            for column in range(self.columns)
            for down, right in neighbours
            if row + down < self.rows and 0 <= column + right < self.columns
        )

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """All cells in a valid order."""
        area = self.images / IMAGES_PER_SQUARE_DEGREE
        projected = [f"mProject_{i}" for i in range(self.images)]
        fits = [f"mDiffFit_{a}_{b}" for a, b in self.pairs]
        corrected = [f"mBackground_{i}" for i in range(self.images)]
        return (
            *(Task(name, "mProject", (), 13.59) for name in projected),
            *(
                Task(name, "mDiffFit", (projected[a], projected[b]), 10.59)
                for name, (a, b) in zip(fits, self.pairs, strict=True)
            ),
            Task("mConcatFit", "mConcatFit", tuple(fits), 0.08 * len(fits)),
            Task("mBgModel", "mBgModel", ("mConcatFit",), 0.13 * len(fits)),
            *(
                Task(name, "mBackground", (source, "mBgModel"), 10.74)
                for name, source in zip(corrected, projected, strict=True)
            ),
            Task("mImgtbl", "mImgtbl", tuple(corrected), 0.37 * self.images),
            Task("mAdd", "mAdd", (*corrected, "mImgtbl"), 30.11 * area),
            Task("mShrink", "mShrink", ("mAdd",), 12.21 * area**0.5),
            # 549,291 bytes a second; a quarter of the shrunken mosaic, which has 1/24.99 of the 173,465,280 bytes.
            Task("mJPEG", "mJPEG", ("mShrink",), 173_465_280 / 24.99 / 4 / 549_291 * area**0.5),
        )

    @property
    def seconds(self) -> dict[str, float]:
        """How long each cell should take."""
        return {task.name: task.seconds * self.scale for task in self.tasks}

    @cached_property
    def text(self) -> str:
        """The notebook."""
        sizes = {"ROWS": self.rows, "COLUMNS": self.columns, "PAIRS": len(self.pairs)}
        head = "".join(f"#define {name} {size}\n" for name, size in sizes.items()) + _KERNELS.read_text("utf-8")
        pairs = ", ".join(f"{{{a}, {b}}}" for a, b in self.pairs)
        table = f"static const int16_t overlapping[PAIRS][2] = {{{pairs}}};\n"
        sections = (
            f"\n// %% {kind}\n" + "".join(self._cell(task) for task in self.tasks if task.kind == kind)
            for kind in _ARRAYS
        )
        return "".join([head, table, *sections])

    def _cell(self, task: Task) -> str:
        parameters = [f"const {_ARRAYS[need.split('_')[0]].format(need)}" for need in task.needs]
        parameters.append(_ARRAYS[task.kind].format("out"))
        body = _BODIES[task.kind].format(
            *task.needs,
            numbers=", ".join(task.name.split("_")[1:]),
            rounds=round(task.seconds * self.scale * ROUNDS_PER_SECOND),
            all=", ".join(need for need in task.needs if need != "mImgtbl"),
        )
        return f"void {task.name}({', '.join(parameters)}) {{\n    {body}\n}}\n"


_ARRAYS = {
    "mProject": "float {}[PIXELS]",
    "mDiffFit": "double {}[3]",
    "mConcatFit": "double {}[3 * PAIRS]",
    "mBgModel": "double {}[3 * IMAGES]",
    "mBackground": "float {}[PIXELS]",
    "mImgtbl": "double {}[3 * IMAGES]",
    "mAdd": "float {}[HEIGHT * WIDTH]",
    "mShrink": "float {}[SMALL]",
    "mJPEG": "uint8_t {}[SMALL]",
}
"""What each kind of task gives."""
_BODIES = {
    "mProject": "project({numbers}, {rounds}, out);",
    "mDiffFit": "diff_fit({0}, {1}, {numbers}, {rounds}, out);",
    "mConcatFit": "const double *const fits[] = {{{all}}};\n    concat_fit(fits, {rounds}, out);",
    "mBgModel": "bg_model({0}, overlapping, {rounds}, out);",
    "mBackground": "background({0}, {1}, {numbers}, {rounds}, out);",
    "mImgtbl": "const float *const images[] = {{{all}}};\n    image_table(images, {rounds}, out);",
    "mAdd": "const float *const images[] = {{{all}}};\n    add(images, mImgtbl, {rounds}, out);",
    "mShrink": "shrink({0}, {rounds}, out);",
    "mJPEG": "jpeg({0}, {rounds}, out);",
}


def main() -> None:
    """Writes the notebook."""
    parser = argparse.ArgumentParser(description="Writes a Montage workflow as a notebook in C.")
    parser.add_argument("output", nargs="?", type=Path, help="the file to write (default: standard output)")
    parser.add_argument("--rows", type=int, default=Montage.rows)
    parser.add_argument("--columns", type=int, default=Montage.columns)
    parser.add_argument("--scale", type=float, default=Montage.scale, help="the part of the published times to spend")
    chosen = parser.parse_args()
    workflow = Montage(chosen.rows, chosen.columns, chosen.scale)
    if chosen.output is None:
        sys.stdout.write(workflow.text)
    else:
        chosen.output.write_text(workflow.text, "utf-8")


if __name__ == "__main__":
    main()
