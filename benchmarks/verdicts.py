"""How often `hotplate bench --against` is right: tries with a deliberate slow-down, and tries with equal versions.

    python -m benchmarks.verdicts [TRIES] [--load N] [--kernel chain|stencil]

Each try is a git repository of its own with two commits of a notebook, and one call of the command line in a process of
its own. `--load N` keeps N other processes busy meanwhile. The last lines count the right verdicts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
#include <stdint.h>

int64_t n(void) {{ return {n}; }}

void x(int64_t n, double out[n]) {{
    for (int64_t i = 0; i < n; i++) out[i] = 1.0 / (double)(i + 1);
}}

{helper}"""
KERNELS = {
    # One addition waits for the other: what counts is the processor's clock.
    "chain": (
        100,
        """\
double work(int64_t n, const double x[n]) {{
    double sum = 0;
    for (int r = 0; r < {rounds}; r++) {{
        double part = {r};
        for (int64_t i = 0; i < n; i++) part = part * 0.5 + x[i];
        sum = part;
    }}
    return sum;
}}
""",
    ),
    # Vectors, and arrays that lie in the caches: what counts is also where things lie.
    "stencil": (
        20_000,
        """\
void work(int64_t n, const double x[n], double out[n]) {{
    out[0] = out[n - 1] = 0;
    for (int r = 0; r < {rounds}; r++) {{
        const double zero = {r};
        for (int64_t i = 1; i < n - 1; i++) out[i] = x[i] + 0.1 * (x[i - 1] - 2 * x[i] + x[i + 1]) + zero;
    }}
}}
""",
    ),
}
"""By name, the size and the cell; the inner loop gives the same in each of its rounds."""
ROUNDS = 200


@dataclass(frozen=True)
class Kind:
    """A way in which two commits differ, and what is the right thing to say."""

    name: str
    right: str
    rounds: int
    helper: str = ""
    r: str = "0"


KINDS = (
    Kind("5 % slower", "slower", ROUNDS + ROUNDS // 20),
    # The same machine code from another text, and other machine code that does the same work.
    Kind("equal", "same", ROUNDS, helper="static inline double unused(double v) { return v + 1; }\n\n"),
    Kind("equal work", "same", ROUNDS, r="(double)(r & 0)"),
)


def main() -> int:
    """Makes the tries; returns 0 if all slow-downs were found and 9 of 10 equal versions called equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tries", nargs="?", type=int, default=10)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--kernel", choices=KERNELS, default="chain")
    options = parser.parse_args()
    counts = {kind.name: Counter[str]() for kind in KINDS}
    with busy(options.load):
        for number in range(options.tries):
            for kind in KINDS:
                begun = time.monotonic()
                verdict, ratio, low, high = attempt(kind, options.kernel, number)
                counts[kind.name][verdict] += 1
                shown = f"{ratio:.4f} [{low:.4f}, {high:.4f}]"
                print(
                    f"{number + 1:3} {kind.name:12} {verdict:10} {shown}  {time.monotonic() - begun:.1f} s", flush=True
                )
    failed = False
    for kind in KINDS:
        right = counts[kind.name][kind.right]
        wanted = options.tries if kind.right == "slower" else 0.9 * options.tries
        failed |= right < wanted
        print(f"{kind.name}: right in {right} of {options.tries} ({dict(counts[kind.name])})")
    return int(failed)


def attempt(kind: Kind, kernel: str, number: int) -> tuple[str, float, float, float]:
    """One repository, one comparison: the verdict, and the ratio with its bounds."""
    size, text = KERNELS[kernel]
    with TemporaryDirectory() as folder:
        notebook = Path(folder, "work.c")
        git(folder, "init", "-q")
        for rounds, helper, r in ((ROUNDS, "", "0"), (kind.rounds, kind.helper, kind.r)):
            notebook.write_text((HEAD + text).format(n=size + number, rounds=rounds, helper=helper, r=r))
            git(folder, "add", "work.c")
            git(folder, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")
        command = [sys.executable, "-m", "hotplate", "bench", "work.c", "work", "--against", "HEAD~1", "--json", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise SystemExit(f"{done.stderr}\nhotplate bench returned {done.returncode}")
        (made,) = [it for b in json.loads(done.stdout)["benchmarks"] for it in b["extra_info"].get("comparisons", ())]
        return made["verdict"], made["ratio"], made["low"], made["high"]


def git(folder: str, *words: str) -> None:
    """Runs git there."""
    subprocess.run(["git", *words], cwd=folder, check=True)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Other processes that compute and use memory, in bursts, as other people's do."""
    code = (
        "import time, random\n"
        "while True:\n"
        "    end = time.monotonic() + random.random() * 0.2\n"
        "    while time.monotonic() < end: sum(list(range(20000)))\n"
        "    time.sleep(random.random() * 0.1)\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    sys.exit(main())
