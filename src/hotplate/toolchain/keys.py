"""What a build depends on, as a key; and what the cache notes down about one, back as an artifact."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.toolchain.families import command_line
from hotplate.toolchain.model import Artifact, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hotplate.toolchain.cache import Entry
    from hotplate.toolchain.compiler import Compiler

_FORMAT = 1  # of the artifacts; raise it when the same unit is built into something else
# Variables through which the environment adds headers, libraries or code.
_INFLUENTIAL = (
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
    "SOURCE_DATE_EPOCH",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_LIBDIR",
    # of cl and its linker
    "INCLUDE",
    "EXTERNAL_INCLUDE",
    "LIB",
    "LIBPATH",
    "CL",
    "_CL_",
    "LINK",
    "_LINK_",
)


def unit_key(unit: Unit, compiler: Compiler, abi_version: int, environ: Mapping[str, str]) -> str:
    """A hash of the unit's meaning, the compiler, its options, and what of the environment it listens to."""
    return _key("unit", unit, compiler, environ, [unit.cell, unit.fingerprint, unit.libs, abi_version])


def prelude_key(unit: Unit, compiler: Compiler, environ: Mapping[str, str]) -> str:
    """The same for the precompiled includes of a unit, which cells with equal options share."""
    return _key("prelude", unit, compiler, environ, [unit.libs])


def _key(kind: str, unit: Unit, compiler: Compiler, environ: Mapping[str, str], facts: list[object]) -> str:
    settings = command_line(compiler).settings(unit.language, unit.std)
    # The fingerprint of a unit has its includes in it, without their comments.
    prelude = unit.prelude if kind == "prelude" else ""
    common = [_FORMAT, kind, unit.language, prelude, unit.flags, settings, compiler.identity, _influences(environ)]
    return xxhash.xxh3_128_hexdigest(json.dumps([*common, *facts, _place(unit, kind)]).encode())


def program_key(
    facts: Iterable[object], settings: Iterable[str], compiler: Compiler, environ: Mapping[str, str]
) -> str:
    """The same for a program: `facts` tell its sources' names and the system, `settings` how it is compiled."""
    known = [_FORMAT, "program", *facts, *settings, compiler.identity, _influences(environ)]
    return xxhash.xxh3_128_hexdigest(json.dumps(known).encode())


def _influences(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _INFLUENTIAL if name in environ}


def _place(unit: Unit, kind: str) -> str:
    """The notebook's folder, if the same text may mean something else in another: own includes and relative flags."""
    text = unit.prelude if kind == "prelude" else f"{unit.prelude}\n{unit.fingerprint}"
    relative = unit.flags or re.search(r"#\s*(?:include|embed)\s*[^<\s]|__has_include\s*\(\s*\"", text)
    return str(unit.notebook.parent) if relative else ""


def noted(unit: Unit, compiler: Compiler, seconds: float, warnings: Iterable[Diagnostic]) -> dict[str, Any]:
    """What the cache keeps beside a library."""
    return {
        "cell": unit.cell,
        "notebook": str(unit.notebook),
        "compiler": compiler.name,
        "seconds": seconds,
        "warnings": [asdict(warning) for warning in warnings],
    }


def artifact_from(entry: Entry, unit: Unit, compiler: Compiler, *, cached: bool) -> Artifact:
    """The artifact behind a cache entry, with its warnings on the lines where the code is today."""
    kept = tuple(_diagnostic(facts) for facts in entry.meta.get("warnings", ()))
    if kept and cached:
        from hotplate.toolchain.diagnostics import relocate  # only for a cell that has warnings

        before = str(entry.meta.get("notebook", ""))
        moved = tuple(replace(d, path=str(unit.notebook)) if d.path == before else d for d in kept)
        kept = relocate(moved, {str(unit.notebook): _lines(unit.notebook)})
    return Artifact(
        cell=unit.cell,
        library=entry.product,
        build_key=entry.key,
        unit_key=str(entry.meta["unit_key"]),
        headers=entry.headers,
        compiler=compiler,
        seconds=float(entry.meta.get("seconds", 0.0)),
        cached=cached,
        warnings=kept,
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _diagnostic(facts: dict[str, Any]) -> Diagnostic:
    notes = tuple(_diagnostic(note) for note in facts["notes"])
    return Diagnostic(**{**facts, "severity": Severity(facts["severity"]), "notes": notes})
