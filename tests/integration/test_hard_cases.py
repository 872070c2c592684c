"""Code and habits that once gave a wrong result or a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import BuildError, CellFailed

if TYPE_CHECKING:
    from pathlib import Path


def run_text(tmp_path: Path, text: str, name: str = "nb.c", **how: object) -> hotplate.Run:
    path = tmp_path / name
    path.write_text(dedent(text), "utf-8")
    return hotplate.open(path, **how).run()  # type: ignore[arg-type]


def test_an_extent_has_the_value_that_its_macro_has_at_the_cell(tmp_path: Path) -> None:
    run = run_text(
        tmp_path,
        """\
        #define N 4
        void a(double out[N]) { for (int i = 0; i < N; i++) out[i] = i; }
        #undef N
        #define N 2
        void b(double out[N]) { for (int i = 0; i < N; i++) out[i] = i; }
        """,
    )
    assert (run["a"].shape, run["b"].shape) == ((4,), (2,))


@pytest.mark.parametrize("name", ["nb.c", "nb.cpp"])
def test_a_struct_has_the_fields_that_the_preprocessor_leaves(tmp_path: Path, name: str) -> None:
    text = """\
        #if 0
        struct point { double x; };
        #else
        struct point { double x, y;
        #ifdef WITH_Z
            double z;
        #endif
        };
        #endif
        struct point p(void) { struct point made = {1, 2}; return made; }
        """
    assert run_text(tmp_path, text, name)["p"].dtype.names == ("x", "y")
    assert run_text(tmp_path, text, name, flags=["-DWITH_Z"])["p"].dtype.names == ("x", "y", "z")


def test_a_header_gives_the_fields_that_flags_choose(tmp_path: Path) -> None:
    (tmp_path / "point.h").write_text("struct point { double x;\n#ifdef WITH_Y\ndouble y;\n#endif\n};\n", "utf-8")
    text = """\
        #include "point.h"
        // %% Points flags="-DWITH_Y"
        struct point p(void) { return (struct point){1, 2}; }
        """
    assert run_text(tmp_path, text)["p"].dtype.names == ("x", "y")


def test_a_struct_that_is_too_large_for_an_array_does_not_compile() -> None:
    with pytest.raises(BuildError):
        hotplate.inline("typedef struct { double x[8192]; } big;\nvoid f(long n, big out[n]) { (void)out; }")


def test_file_names_of_two_notebooks_are_their_own(tmp_path: Path) -> None:
    text = "const char *where(void) { return __FILE__; }\n"
    assert run_text(tmp_path, text, "one.c")["where"].endswith("one.c")
    assert run_text(tmp_path, text, "two.c")["where"].endswith("two.c")


def test_an_object_file_among_the_flags_counts(tmp_path: Path) -> None:
    text = '// %% Linked flags="h.o"\nint h(void);\nint f(void) { return h(); }\n'
    for value in (1, 2):
        (tmp_path / "h.c").write_text(f"int h(void) {{ return {value}; }}\n", "utf-8")
        subprocess.run(["cc", "-fPIC", "-c", "h.c", "-o", "h.o"], cwd=tmp_path, check=True)
        assert run_text(tmp_path, text)["f"] == value


def test_a_header_from_the_future_counts_like_any_other(tmp_path: Path) -> None:
    header = tmp_path / "k.h"
    header.write_text("#define K 1\n", "utf-8")
    tomorrow = header.stat().st_mtime + 86400
    subprocess.run(["touch", "-d", f"@{tomorrow:.0f}", str(header)], check=True)
    assert run_text(tmp_path, '#include "k.h"\nint f(void) { return K; }\n')["f"] == 1


def test_an_array_that_a_python_cell_gives_can_not_be_written_by_others(tmp_path: Path) -> None:
    path = tmp_path / "nb.c"
    path.write_text("double one(void) { return 1; }\n", "utf-8")
    notebook = hotplate.open(path)
    mine = np.zeros(3)

    @notebook.cell
    def shared(one: float) -> np.ndarray:
        return mine

    result = notebook.run()["shared"]
    assert not result.flags.writeable
    assert mine.flags.writeable
    assert np.shares_memory(result, mine)


def test_two_calls_do_not_share_hp_state_at_the_same_time() -> None:
    cell = hotplate.inline(
        """
        #include <hotplate.h>
        double hold(hp_ctx *ctx, const double go[1]) {
            volatile const double *flag = go;
            if (!hp_state(ctx, 1 << 20, 1)) return -1;
            for (long i = 0; i < 4000000000L && *flag == 0; i++) {}
            return *flag;
        }
        """
    )
    go = np.zeros(1)
    failures = []

    def call() -> None:
        try:
            cell(go)
        except CellFailed as failure:
            failures.append(str(failure))
            go[0] = 1  # lets the other one end

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 1
    assert "another call of this cell is using its hp_state" in failures[0]
    assert cell(go) == 1


def test_threads_may_load_and_close_cells_at_the_same_time() -> None:
    # In a process of its own: without the lease it ends by a signal.
    script = dedent(
        """
        import sys, threading, hotplate
        sys.setswitchinterval(1e-5)
        def work(i):
            for _ in range(60):
                cell = hotplate.inline(f"double f{i}(double x) {{ return x + {i}; }}")
                assert cell(1.0) == 1.0 + i
                cell.close()
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        print("done")
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


def test_a_handler_that_chains_back_does_not_recurse(tmp_path: Path) -> None:
    path = tmp_path / "nb.c"
    path.write_text("double f(double x) { return x; }\n", "utf-8")
    script = dedent(
        """
        import faulthandler, signal, sys, hotplate
        nb = hotplate.open(sys.argv[1])
        nb.run(x=1.0)
        faulthandler.register(signal.SIGINT, file=open("/dev/null", "w"), chain=True)
        nb.run(x=2.0)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr[-2000:]
