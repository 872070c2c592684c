#!/usr/bin/env python3
"""Builds the native core, and sets up a working copy in one step.

As a script it makes `.venv` when it has to and does a verb: see USAGE. As a module it is the build backend that
pyproject.toml names: setuptools' own, told of the core, so that no setup.py is needed. Importing it takes the
standard library alone, and Python 3.6 can still parse it: an old interpreter gets a message, not a SyntaxError.
"""

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cffi

if sys.version_info < (3, 11):
    newer = next(filter(shutil.which, ("python3.14", "python3.13", "python3.12", "python3.11")), None)
    hint = f"Run it as `{newer} build.py`." if newer else "Install one, from python.org or your system's packages."
    sys.exit(f"hotplate needs Python 3.11 or later; this is {sys.version.split()[0]} ({sys.executable}).\n{hint}")

ROOT = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"

USAGE = """\
python3 build.py VERB [ARGUMENTS...]

  run FILE [CELL...]       runs a notebook, as `hotplate run` does
  test [ARGUMENTS...]      runs the tests; the arguments are pytest's, and --core: nothing is installed that only the
                           tests of Jupyter, marimo and browsers need
  notebook FILE.ipynb      runs a Jupyter notebook, and keeps what its cells put out in it
  windows [ARGUMENTS...]   runs the tests for Windows under Wine; the arguments are pytest's
  check                    runs ruff, mypy, import-linter and the C compilers' warnings
  bench [ARGUMENTS...]     runs the benchmarks; the arguments are pytest's
  docs                     builds the documentation's site in build/docs, and tests it

The first call sets up .venv (HOTPLATE_VENV names another folder); later ones only look whether it is up to date.
Without a C compiler the core is built by zig, which pip installs.
"""

# ---- native core ----

LIMITED_API = "0x030B0000"  # Python 3.11, the first whose limited API has the buffer protocol
UNIX_FLAGS = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-fvisibility=hidden", "-pthread"]
CFFI_HEADERS = (
    "include/hotplate.h",
    "core/core.h",
    "remote/arena.h",
    "remote/remote.h",
    "core/page.h",
    "core/say.h",
    "python/call.h",
)


def ffibuilder() -> "cffi.FFI":
    """The builder of `hotplate._native`; cffi's setuptools hook looks for this name."""
    from cffi import FFI

    builder = FFI()
    builder.cdef(declarations((CSRC / header).read_text("utf-8") for header in CFFI_HEADERS))
    builder.set_source(
        "hotplate._native",
        "".join(f'#include "{header.replace("include/", "")}"\n' for header in CFFI_HEADERS),
        sources=[path.relative_to(ROOT).as_posix() for path in core_sources(sys.platform)],
        include_dirs=["csrc/include", "csrc"],
        depends=[path.relative_to(ROOT).as_posix() for path in sorted(CSRC.rglob("*.h"))],
        define_macros=[("Py_LIMITED_API", LIMITED_API)],
        py_limited_api=True,
        extra_compile_args=["/std:c11", "/O2", "/W4"] if sys.platform == "win32" else UNIX_FLAGS,
        libraries=["dl", "pthread"] if sys.platform == "linux" else [],  # glibc before 2.34 has them apart
    )
    return builder


def core_sources(platform: str) -> list[Path]:
    """The C files of the core on a platform."""
    folders = ("core", "win" if platform == "win32" else "posix", "remote", "python")
    return [path for folder in folders for path in sorted((CSRC / folder).glob("*.c"))]


def worker_sources(platform: str) -> list[Path]:
    """The C files of the worker on a platform."""
    folders = ("core", "win" if platform == "win32" else "posix", "worker")
    return [path for folder in folders for path in sorted((CSRC / folder).glob("*.c"))]


def shipped_sources(platform: str) -> list[Path]:
    """The C sources in a wheel: the public headers, and what hotplate's own programs are built from."""
    folders = ("include", "core", "win" if platform == "win32" else "posix", "worker", "confine")
    headers = sorted((CSRC / "remote").glob("*.h"))
    return [*headers, *(path for folder in folders for path in sorted((CSRC / folder).glob("*.[ch]*")))]


def declarations(headers: Iterable[str]) -> str:
    """What cffi is told of the headers: the text between their marks, and the names of their constants."""
    texts = list(headers)
    marked = re.compile(r"/\* cffi: begin.*?\*/(.*?)/\* cffi: end \*/", re.DOTALL)
    text = "\n".join(part for header in texts for part in marked.findall(header))
    # cffi has no va_list. A struct with "...;" takes its size and offsets from the compiler, so its other fields hold.
    text = re.sub(r"^.*\bva_list\b.*$", "    ...;", text, flags=re.MULTILINE)
    names = ["HP_ABI_VERSION", *(name for header in texts for name in constants(header))]
    return text + "\n".join(f"#define {name} ..." for name in names) + "\n"


def constants(header: str) -> list[str]:
    """The names of a header's statuses and of its enumerators; the compiler knows the values."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    statuses = [f"HP_{name}" for name in re.findall(r"\bXX\((\w+),", code)]
    bodies = re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", re.sub(r"^\s*#.*$", "", code, flags=re.MULTILINE))
    entries = (entry.partition("=")[0].strip() for body in bodies for entry in body.split(","))
    return statuses + [entry for entry in entries if re.fullmatch(r"HP_\w+", entry)]


# ---- PEP 517 backend ----


def __getattr__(name: str) -> Any:
    """The hooks of PEP 517 and PEP 660; setuptools is imported when the first one is asked for."""
    if name.startswith(("build_", "prepare_metadata_for_", "get_requires_for_")):
        return getattr(backend(), name)
    raise AttributeError(name)


@functools.cache
def backend() -> Any:
    """The backend of setuptools with the core, the shipped sources and the source distribution's folders added."""
    import setuptools
    from setuptools.build_meta import _BuildMetaBackend
    from setuptools.command.build_ext import build_ext
    from setuptools.command.build_py import build_py
    from setuptools.command.sdist import sdist

    class BuildExt(build_ext):
        def run(self) -> None:
            super().run()
            if sys.platform == "win32":  # elsewhere whoever has cells has a compiler that can build it, too
                self.build_worker(Path(self.get_ext_fullpath("hotplate._native")).parent)

        def build_worker(self, folder: Path) -> None:
            """The program that isolated cells run in, beside the core."""
            sources = [path.relative_to(ROOT).as_posix() for path in worker_sources(sys.platform)]
            flags = ["/std:c11", "/O2", "/W4"] if self.compiler.compiler_type == "msvc" else UNIX_FLAGS
            include = ["csrc/include", "csrc"]
            objects = self.compiler.compile(sources, self.build_temp, include_dirs=include, extra_postargs=flags)
            self.compiler.link_executable(objects, "worker", str(folder))

    class BuildPy(build_py):
        def run(self) -> None:
            super().run()
            if self.editable_mode:  # a working copy has csrc
                return
            for source in shipped_sources(sys.platform):
                target = Path(self.build_lib, "hotplate", source.relative_to(ROOT))
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    class Sdist(sdist):
        def make_distribution(self) -> None:
            for folder in ("csrc", "tests", "examples", "docs", "benchmarks"):
                self.filelist.graft(folder)
            self.filelist.extend(["build.py", "CMakeLists.txt"])
            self.filelist.global_exclude("*.py[cod]")
            super().make_distribution()

    class Backend(_BuildMetaBackend):
        def run_setup(self, *_: Any, **__: Any) -> None:
            setuptools.setup(
                cffi_modules=["build.py:ffibuilder"],
                cmdclass={"build_ext": BuildExt, "build_py": BuildPy, "sdist": Sdist},
                options={"bdist_wheel": {"py_limited_api": "cp311"}},
            )

    return Backend()


# ---- environment ----

STAMP = "hotplate-setup.json"
CORE_STAMP = ROOT / "build" / STAMP


class SetupError(Exception):
    """The set-up can't go on; the message says what is missing and the way out."""


def environment(*extras: str) -> Path:
    """The folder of a virtual environment with hotplate and these extras, made or updated if need be.

    Processes that need to change it take turns. A set-up that was killed half way starts afresh.
    """
    venv = Path(os.environ.get("HOTPLATE_VENV") or ROOT / ".venv").resolve()
    sources = fingerprint()
    if not is_ready(venv, extras, sources):
        with set_up_lock():
            if not is_ready(venv, extras, sources):
                set_up(venv, extras, sources)
    return venv


def is_ready(venv: Path, extras: Sequence[str], sources: str) -> bool:
    """Whether the environment can be used as it is: same Python, same sources, extras and native core there."""
    stamp = read_stamp(venv / STAMP)
    return (
        stamp.get("python") == interpreter(venv)
        and stamp.get("sources") == sources
        and set(extras) <= set(stamp.get("extras", ()))
        and program(venv, "python").exists()
        # Environments of one working copy share the core, so another one may have built it from other sources.
        and read_stamp(CORE_STAMP).get("sources") == sources
        and any(path.suffix in {".so", ".pyd"} for path in (ROOT / "src" / "hotplate").glob("_native.*"))
    )


def set_up(venv: Path, extras: Sequence[str], sources: str) -> None:
    """Makes the environment if it is not there or broken, and installs hotplate in it."""
    stamp = read_stamp(venv / STAMP)
    if stamp.get("python") != interpreter(venv) or not program(venv, "python").exists():
        create(venv)
        stamp = {"python": interpreter(venv)}
    wanted = sorted({*stamp.get("extras", ()), *extras})
    CORE_STAMP.unlink(missing_ok=True)
    write_stamp(venv / STAMP, {})  # whoever finds this knows that the installation was cut off
    try:
        install(venv, wanted)
    except SetupError:
        stamp.pop("sources", None)
        write_stamp(venv / STAMP, stamp)  # pip ended by itself, so the environment is sound
        raise
    write_stamp(CORE_STAMP, {"sources": sources})
    write_stamp(venv / STAMP, {**stamp, "extras": wanted, "sources": sources})


def create(venv: Path) -> None:
    """Makes an empty environment. Replaces only one that this script made."""
    if importlib.util.find_spec("ensurepip") is None:
        hint = "Its ensurepip is missing: install it (on Debian and Ubuntu, `apt install python3-venv`)."
        raise SetupError(f"{sys.executable} can't make virtual environments.\n{hint}")
    if venv.is_dir() and any(venv.iterdir()) and not (venv / STAMP).exists():
        hint = "Remove it, or set HOTPLATE_VENV to a folder that does not exist yet."
        raise SetupError(f"{venv} is there already and was not made by build.py.\n{hint}")
    say(f"creating {venv} with Python {sys.version.split()[0]}")
    venv.mkdir(parents=True, exist_ok=True)
    write_stamp(venv / STAMP, {})  # first in and never gone: whatever interrupts this, the folder is known as ours
    for entry in (path for path in venv.iterdir() if path.name != STAMP):
        remove = shutil.rmtree if entry.is_dir() and not entry.is_symlink() else os.unlink
        remove(entry)
    # The environment that is replaced may be the one that runs this, so its base makes the new one.
    call([getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(venv)])


def install(venv: Path, extras: Sequence[str]) -> None:
    """Installs the build tools, then hotplate as an editable package with its extras."""
    import tomllib

    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        hint = "Install its headers (`apt install python3-dev`, `dnf install python3-devel`)."
        raise SetupError(f"{sys.executable} comes without Python.h, which the native core needs.\n{hint}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tools = list(project["build-system"]["requires"])
    compiler = find_compiler()
    if compiler is None:
        say("no C compiler found: installing zig (the package ziglang) and building the native core with it")
        tools += project["project"]["optional-dependencies"]["zig"]
        zig = f"{shlex.quote(str(program(venv, 'python')))} -m ziglang cc"
        # Python's own link line has options that zig's linker refuses (-Wl,-Bsymbolic-functions on Debian).
        compiler = {"CC": zig, "LDSHARED": f"{zig} -shared"}
    pip = [str(program(venv, "python")), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    say("installing the build tools")
    call([*pip, *tools])
    wanted = f"[{','.join(extras)}]" if extras else ""
    say(f"building the native core and installing hotplate{wanted}")
    call([*pip, "--no-build-isolation", "--editable", f"{ROOT}{wanted}"], compiler)


def find_compiler() -> dict[str, str] | None:
    """The environment variables that make setuptools find a C compiler; None: there is no compiler."""
    if os.environ.get("CC") or sys.platform == "win32":  # there setuptools asks the registry
        return {}
    own = sysconfig.get_config_var("CC") or "cc"  # may come with options
    found = next((name for name in (own, "cc", "gcc", "clang") if shutil.which(shlex.split(name)[0])), None)
    return None if found is None else {"CC": found}


def call(command: Sequence[str], variables: dict[str, str] | None = None) -> None:
    """Runs a command in silence; when it fails, raises SetupError with the command, its code and what it said last."""
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environ = {**os.environ, **(variables or {})}
    done = subprocess.run(command, env=environ, encoding="utf-8", errors="replace", check=False, **streams)
    if done.returncode:
        lines = [f"    {line}" for line in done.stdout.strip().splitlines() if not line.startswith("WARNING: Retrying")]
        head = f"exit code {done.returncode} from {shlex.join(command)}"
        raise SetupError("\n".join([head, *lines[-40:], *way_out(done.stdout)]))


def way_out(output: str) -> Iterator[str]:
    """What to do when pip could not fetch something."""
    if re.search(r"No matching distribution|Could not find a version|Max retries|name resolution", output):
        yield "Without a network: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER, a folder that `pip download` filled elsewhere."
        if find_compiler() is None:
            yield "Without a C compiler: `apt install gcc libc6-dev`, or `pip download ziglang` where a network is."


def fingerprint() -> str:
    """A hash of everything that the installation depends on."""
    digest = hashlib.sha256()
    native = (path for path in CSRC.rglob("*") if path.suffix in {".c", ".h", ".hpp"})
    for path in [ROOT / "pyproject.toml", ROOT / "build.py", *sorted(native)]:
        digest.update(f"{path.relative_to(ROOT).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def interpreter(venv: Path) -> list[str]:
    """What an environment is tied to: it must be made anew when Python or its own place changes."""
    return [sys.version, sys.base_prefix, str(venv)]


def read_stamp(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads(path.read_text("utf-8")))
    return {}


def write_stamp(path: Path, stamp: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(stamp), "utf-8")
    temporary.replace(path)


@contextlib.contextmanager
def set_up_lock() -> Iterator[None]:
    """Holds the set-up of this working copy; the system lets go of it when the process dies."""
    path = ROOT / "build" / "setup.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        if not try_lock(file.fileno()):
            say("waiting for another set-up of this working copy")
            while not try_lock(file.fileno()):
                time.sleep(0.1)
        yield


def try_lock(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError, PermissionError):
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def program(venv: Path, name: str) -> Path:
    return venv / "Scripts" / f"{name}.exe" if sys.platform == "win32" else venv / "bin" / name


def say(message: str) -> None:
    print(f"hotplate: {message}", file=sys.stderr, flush=True)


# ---- verbs ----


def main(arguments: list[str]) -> int:
    """Does the verb and returns the exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(USAGE, end="")
        return 0
    verb, *rest = arguments
    alone = {"check": check, "docs": docs}
    if verb not in {"run", "test", "bench", "windows", "notebook", *alone} or (verb in alone and rest):
        print(f"build.py: can't do `{' '.join(arguments)}`.\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    try:
        if verb == "windows":
            return windows(rest)
        return alone[verb]() if verb in alone else hand_over(verb, rest)
    except (SetupError, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next call goes on from here")
        return 130


def hand_over(verb: str, arguments: list[str]) -> int:
    """Becomes hotplate or pytest: one process, so signals and the exit code are its own."""
    if verb == "run":
        command = [str(program(environment(), "hotplate")), "run", *arguments]
    elif verb == "notebook":
        command = [str(program(environment("examples"), "jupyter-execute")), "--inplace", *arguments]
    elif verb == "bench":
        command = [str(program(environment("peers"), "python")), "-m", "pytest", "benchmarks", *arguments]
        os.chdir(ROOT)
    else:
        extras = ("test",) if "--core" in arguments else ("test", "examples", "browser")
        pytest = [str(program(environment(*extras), "python")), "-m", "pytest"]
        command = [*pytest, *(argument for argument in arguments if argument != "--core")]
        os.chdir(ROOT)
    if sys.platform == "win32":  # os.execv there returns to the shell before the program ends
        return subprocess.call(command)
    return os.execv(command[0], command)


def docs() -> int:
    """Builds the site, warnings being errors, then looks whether it is complete and needs nothing from elsewhere.

    It is built anew each time: what Sphinx remembers of the last build has no warnings any more.
    """
    python = str(program(environment("docs"), "python"))
    shutil.rmtree(ROOT / "build" / "docs", ignore_errors=True)
    folders = ["-d", str(ROOT / "build" / "doctrees"), str(ROOT / "docs"), str(ROOT / "build" / "docs")]
    built = subprocess.run([python, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", *folders], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    tested = subprocess.run([python, "-m", "pytest", "-q", "docs"], cwd=ROOT, check=False)
    say(f"the site is in {ROOT / 'build' / 'docs' / 'index.html'}")
    return tested.returncode


def windows(arguments: list[str]) -> int:
    """Runs the tests for Windows; how is told beside them."""
    if sys.platform != "linux":
        raise SetupError("`build.py windows` runs Windows' tests on Linux; on Windows itself, run `build.py test`.")
    spec = importlib.util.spec_from_file_location("wine", ROOT / "tests" / "windows" / "wine.py")
    assert spec is not None
    assert spec.loader is not None
    wine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wine)
    return int(wine.run_tests(sys.modules[__name__], arguments))


def check() -> int:
    """Runs every check, so that one call shows all that is wrong."""
    failed = []
    # With what the site needs, which is often built next: each set-up for more extras builds the core again.
    for name, command in checks(environment("check", "docs", "test")):
        say(f"check: {name}")
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    say(f"check failed: {', '.join(failed)}" if failed else "check: all passed")
    return 1 if failed else 0


def checks(venv: Path) -> Iterator[tuple[str, list[str]]]:
    """Each check: what it is called, and its command."""
    yield "ruff", [str(program(venv, "ruff")), "check", "--quiet", "--output-format=concise"]
    yield "ruff format", [str(program(venv, "ruff")), "format", "--check", "--quiet"]
    mypy = [str(program(venv, "mypy")), "--no-error-summary"]
    yield "mypy", mypy
    yield "mypy for Windows", [*mypy, "--platform=win32", "--cache-dir=.mypy_cache/win32", "src"]
    yield "import-linter", [str(program(venv, "lint-imports")), "--no-logo"]
    sources = [str(path) for path in core_sources(sys.platform)]
    if sys.platform == "linux":
        sources += [str(path) for folder in ("worker", "confine") for path in sorted((CSRC / folder).glob("*.c"))]
    headers = [str(CSRC / "include" / name) for name in ("hotplate.h", "hotplate.hpp")]
    for name in filter(shutil.which, ("gcc", "clang")):
        strict = [name, "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
        strict += [f"-I{CSRC / 'include'}", f"-I{CSRC}", "-isystem", sysconfig.get_path("include")]
        yield f"{name} as C", [*strict, f"-DPy_LIMITED_API={LIMITED_API}", "-std=c11", *sources]
        yield f"{name} as C++", [*strict, "-std=c++20", "-xc++", *headers]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
