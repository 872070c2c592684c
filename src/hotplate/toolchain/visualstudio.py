"""Visual Studio: where it is, and what its command prompt sets so that cl works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Run = Callable[[list[str], Mapping[str, str], Path | None], tuple[int, str]]

_TOOLS = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
_KEPT = ("INCLUDE", "EXTERNAL_INCLUDE", "LIB", "LIBPATH", "PATH", "VCTOOLSINSTALLDIR", "WINDOWSSDKDIR")
_PROMPTS = {"AMD64": "x64", "ARM64": "arm64"}  # the argument of vcvarsall.bat by PROCESSOR_ARCHITECTURE


def installer(environ: Mapping[str, str]) -> Path | None:
    """vswhere.exe, the program that knows where Visual Studio is installed. None: it is not installed."""
    for name in ("ProgramFiles(x86)", "ProgramFiles"):
        folder = variable(environ, name)
        file = Path(folder, "Microsoft Visual Studio", "Installer", "vswhere.exe")
        if folder and file.is_file():
            return file
    return None


def installed_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Files that change when a Visual Studio is installed, updated or removed."""
    folder = variable(environ, "ProgramData")
    if folder:
        yield from sorted(Path(folder, "Microsoft", "VisualStudio", "Packages", "_Instances").glob("*/state.json"))


def prompt_variables(vswhere: Path, environ: Mapping[str, str], run: Run) -> tuple[tuple[str, str], ...] | str:
    """What Visual Studio's command prompt sets, for `Compiler.variables`; or the reason why there is none.

    Takes seconds, so the answer is to be remembered. PATH holds only the folders that were added.
    """
    words = ["-latest", "-products", "*", "-requires", _TOOLS, "-property", "installationPath", "-utf8"]
    _, found = run([str(vswhere), *words], environ, None)
    folder = found.strip().splitlines()[0] if found.strip() else ""
    script = Path(folder, "VC", "Auxiliary", "Build", "vcvarsall.bat")
    if not folder or not script.is_file():
        return "Visual Studio is there without its C++ compiler: add 'Desktop development with C++' in its Installer"
    prompt = _PROMPTS.get(variable(environ, "PROCESSOR_ARCHITECTURE"), "x64")
    # From within the script's folder: cmd has no way to quote both a path with blanks and what follows it.
    code, said = run(["cmd.exe", "/d", "/c", f"{script.name} {prompt} >nul && set"], environ, script.parent)
    variables = _changed(said, environ)
    if code != 0 or "INCLUDE" not in dict(variables):
        last = said.strip().splitlines()[-1:] or ["it printed nothing"]
        return f"{script} {prompt} does not set up the compiler (exit code {code}: {last[0]}); repair Visual Studio"
    return variables


def variable(environ: Mapping[str, str], name: str) -> str:
    """A variable of Windows, whose names have no case: a copy of `os.environ` has them all in capitals."""
    return environ.get(name) or environ.get(name.upper(), "")


def _changed(printed: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = (line.partition("=") for line in printed.splitlines() if "=" in line)
    values = {name.upper(): value for name, _, value in pairs}
    old = {folder.lower() for folder in variable(environ, "PATH").split(";")}
    added = [folder for folder in values.get("PATH", "").split(";") if folder and folder.lower() not in old]
    values["PATH"] = ";".join(added)
    return tuple((name, values[name]) for name in _KEPT if values.get(name) and values[name] != environ.get(name))
