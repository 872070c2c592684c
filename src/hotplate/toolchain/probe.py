"""Asks a command what compiler it is, and remembers the answer on disk so that a warm start runs nothing."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate._platform import cpu_identity, replace_file
from hotplate.toolchain.candidates import which
from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.process import printed_text, with_variables

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
    if candidate.problem:
        return _rejected(candidate, candidate.problem)
    if missing := _missing(candidate, environ):
        return _rejected(candidate, f"there is no command {missing!r}")
    key = _key(candidate, environ)
    remembered = _read(root / "probe" / f"{key}.json")
    if remembered:
        return replace(remembered, source=candidate.source)
    answer = _ask(candidate, environ, key)
    if isinstance(answer, Compiler):
        _write(root / "probe" / f"{key}.json", answer)
    return answer


def _missing(candidate: Candidate, environ: Mapping[str, str]) -> str:
    if candidate.installer:
        return ""  # its compiler is on no PATH yet
    commands = filter(None, (candidate.c_command, candidate.cxx_command))
    return next((words[0] for words in commands if which(words[0], environ) is None), "")


def _rejected(candidate: Candidate, reason: str) -> Rejected:
    return Rejected(candidate.name, reason, candidate.source, candidate.explicit)


def _key(candidate: Candidate, environ: Mapping[str, str]) -> str:
    """A hash of the commands, and of every binary named in them: in "ccache gcc" both count."""
    words = (*candidate.c_command, *(candidate.cxx_command or ()))
    files = [Path(path).resolve() for word in words if (path := which(word, environ))]
    if candidate.installer:
        from hotplate.toolchain.visualstudio import installed_files

        files = [candidate.installer, *installed_files(environ)]
    stamps = [[str(file), (status := file.stat()).st_mtime_ns, status.st_size] for file in files]
    facts = [_FORMAT, candidate.c_command, candidate.cxx_command, stamps, cpu_identity()]
    return xxhash.xxh3_128_hexdigest(json.dumps(facts).encode())


def _ask(candidate: Candidate, environ: Mapping[str, str], key: str) -> Compiler | Rejected:
    from hotplate.toolchain.identify import identify  # only for a compiler that is not remembered

    variables: tuple[tuple[str, str], ...] = ()
    if candidate.installer:
        from hotplate.toolchain.visualstudio import prompt_variables

        prompt = prompt_variables(candidate.installer, environ, run)
        if isinstance(prompt, str):
            return _rejected(candidate, prompt)
        variables = prompt
    environ = with_variables(environ, variables)
    c_command, cxx_command = (_found(words, environ) for words in (candidate.c_command, candidate.cxx_command or ()))
    facts = identify(c_command or cxx_command, lambda argv: run(argv, environ))
    if isinstance(facts, str):
        return _rejected(candidate, facts)
    known = [facts.version, facts.target, facts.native, variables, key]
    return Compiler(
        family=facts.family,
        c_command=c_command,
        cxx_command=None if facts.family is Family.TCC else cxx_command or None,
        version=facts.version,
        target=facts.target,
        native=facts.native,
        identity=xxhash.xxh3_128_hexdigest(json.dumps(known).encode()),
        variables=variables,
        source=candidate.source,
    )


def _found(words: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    return (which(words[0], environ) or words[0], *words[1:]) if words else ()


def run(argv: list[str], environ: Mapping[str, str], cwd: Path | None = None) -> tuple[int, str]:
    """Runs a program for its answer: its exit code and what it printed; -1 and the reason when that fails."""
    import subprocess  # only for a compiler that is not remembered

    try:
        done = subprocess.run(
            argv,
            # CL may hold /nologo, which takes away the only line in which cl says what it is.
            env={**{k: v for k, v in environ.items() if k not in {"CL", "_CL_"}}, "LC_ALL": "C", "VSLANG": "1033"},
            cwd=cwd,
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
    return done.returncode, printed_text(done.stdout)


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
