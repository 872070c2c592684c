"""`hotplate doctor`: what is there, what is missing, and the fix."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from typing import Any

import numpy as np

import hotplate
from hotplate.abi import CORE_VERSION
from hotplate.errors import HotplateError, SettingError
from hotplate.load import library_report
from hotplate.toolchain import Compiler, discover, pick
from hotplate.toolchain.toolchain import Toolchain, include_directory

_LANGUAGES = {"c": "C", "c++": "C++"}


def examine() -> dict[str, Any]:
    """Everything that `doctor` shows, as data. `ok` is false when no C compiler works."""
    toolchain = Toolchain()
    discovery = discover(os.environ, toolchain.cache.root)
    chosen: dict[str, Any] = {}
    problems = []
    for language, name in _LANGUAGES.items():
        try:
            chosen[language] = _compiler_facts(pick(discovery, language))
        except HotplateError as error:
            chosen[language] = None
            problems.append(f"{name}: {error}")
    if shutil.which(os.environ.get("PKG_CONFIG", "pkg-config")) is None:
        problems.append("pkg-config is missing, so `libs` can't be used; install it (`apt install pkg-config`)")
    facts, libraries, isolation = cache_facts(), library_facts(), isolation_facts(toolchain)
    shared, sandbox = shared_memory_facts(), sandbox_facts(toolchain)
    problems += [part["problem"] for part in (facts, libraries, shared) if part["problem"]]
    if chosen["c"]:  # else that has been said, and nothing else can be built
        problems += [part["problem"] for part in (isolation, sandbox) if part["problem"]]
    return {
        "ok": chosen["c"] is not None,
        "hotplate": hotplate.__version__,
        "interface": CORE_VERSION,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "platform": f"{sys.platform} {sysconfig.get_platform().rpartition('-')[2]}",
        "include": str(include_directory()),
        "chosen": chosen,
        "compilers": [_compiler_facts(compiler) for compiler in discovery.found],
        "rejected": [{"name": item.name, "reason": item.reason} for item in discovery.rejected],
        "cache": facts,
        "libraries": libraries,
        "isolation": isolation,
        "shared_memory": shared,
        "sandbox": sandbox,
        "problems": problems,
    }


def cache_facts() -> dict[str, Any]:
    """The build cache's place, size in bytes, cap and number of artifacts, and why it can't be written if so."""
    cache = Toolchain().cache
    statistics = cache.stats()
    problem = ""
    try:
        with cache.workspace():
            pass
    except HotplateError as error:
        problem = str(error)
    return {
        "root": str(cache.root),
        "bytes": statistics.bytes,
        "cap_bytes": cache.cap_bytes,
        "artifacts": statistics.artifacts,
        "problem": problem,
    }


def library_facts() -> dict[str, Any]:
    """The limit on old versions of cells that a process may keep, and this process' own libraries.

    What another process has loaded, only `hotplate.load.library_report()` there can tell.
    """
    try:
        report = library_report()
    except SettingError as error:
        return {"problem": str(error)}
    return {
        "opened": report.opened,
        "unloaded": report.unloaded,
        "in_use": report.in_use,
        "retired": report.retired,
        "pinned": {str(path): reason for path, reason in report.pinned.items()},
        "kept_bytes": report.kept_bytes,
        "limit": report.limit.versions,
        "limit_bytes": report.limit.mapped_bytes,
        "problem": "",
    }


def isolation_facts(toolchain: Toolchain) -> dict[str, Any]:
    """The worker of isolated cells: where it is, None until it is built; its size; the compiler that builds it.

    No compiler is named for one that came with hotplate. Nothing is built for this. `problem` tells what a build would
    lack; the compiler's own complaint comes with a build.
    """
    facts: dict[str, Any] = {"worker": None, "bytes": 0, "compiler": None, "problem": ""}
    try:
        worker = toolchain.programs.find_worker()
        if worker is None or worker.compiler is not None:
            facts["compiler"] = toolchain.programs.worker_compiler().name
    except HotplateError as error:
        return {**facts, "problem": str(error)}
    return {**facts, "worker": str(worker.path), "bytes": worker.size} if worker else facts


def shared_memory_facts() -> dict[str, Any]:
    """How many bytes the arrays of isolated cells may take in a process; None where there is no isolation yet.

    What another process has taken, only `hotplate.execute.workers.arena.usage()` there can tell.
    """
    facts: dict[str, Any] = {"limit_bytes": None, "variable": "HOTPLATE_SHARED_MEMORY", "problem": ""}
    if sys.platform not in ("linux", "win32"):
        return facts
    from hotplate.execute.workers import arena

    try:
        return {**facts, "variable": arena.VARIABLE, "limit_bytes": arena.limit(os.environ.get(arena.VARIABLE, ""))}
    except SettingError as error:
        return {**facts, "problem": str(error)}


def sandbox_facts(toolchain: Toolchain) -> dict[str, Any]:
    """What this machine can take from cells: each control's state, what enforces it, and why not in full.

    Found out by a small program that confines itself; it is built if need be. `controls` is None where there is no
    sandbox. `bubblewrap` is its path, None where it is not installed.
    """
    facts: dict[str, Any] = {"controls": None, "landlock": 0, "bubblewrap": None, "problem": ""}
    if sys.platform != "linux":
        return facts
    from hotplate.execute.workers.enforced import probe
    from hotplate.toolchain.confine import confining_program

    facts["bubblewrap"] = shutil.which("bwrap")
    try:
        found = probe([confining_program(toolchain.programs).path])
    except HotplateError as error:
        return {**facts, "problem": f"what the sandbox can enforce is not known: {error}"}
    controls = [
        {"name": entry.control, "state": str(entry.state), "by": list(entry.by), "reason": entry.reason}
        for entry in found.controls
    ]
    return {**facts, "controls": controls, "landlock": found.landlock}


def cache_line(facts: dict[str, Any]) -> str:
    """The cache in one line."""
    size, cap = facts["bytes"] / 2**20, facts["cap_bytes"] / 2**20
    return f"{facts['root']}: {facts['artifacts']} artifacts, {size:.1f} of {cap:.0f} MiB"


def render(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"hotplate {report['hotplate']} (interface {report['interface']}), {report['python']}, "
        f"NumPy {report['numpy']}, {report['platform']}",
        "",
    ]
    for language, name in _LANGUAGES.items():
        chosen = report["chosen"][language]
        lines.append(f"{name + ' cells':10} {_compiler_line(chosen) if chosen else 'no compiler'}")
    lines += ["", "found:"] + [f"  {_compiler_line(compiler)}" for compiler in report["compilers"]]
    if report["rejected"]:
        lines += ["not used:"] + [f"  {item['name']}: {item['reason']}" for item in report["rejected"]]
    lines += ["", f"headers    {report['include']}", f"cache      {cache_line(report['cache'])}"]
    lines += [f"libraries  {_library_line(report['libraries'])}"]
    lines += [f"isolation  {_isolation_line(report['isolation'])}"]
    if report["shared_memory"]["limit_bytes"]:
        lines += [f"           {_shared_memory_line(report['shared_memory'])}"]
    lines += [f"sandbox    {_sandbox_line(report['sandbox'])}"]
    if report["problems"]:
        lines += ["", "missing:"] + [f"  {problem}" for problem in report["problems"]]
    return "\n".join(lines)


def _compiler_facts(compiler: Compiler) -> dict[str, Any]:
    return {
        "family": str(compiler.family),
        "version": compiler.version,
        "target": compiler.target,
        "c": list(compiler.c_command),
        "c++": list(compiler.cxx_command or ()),
        "source": compiler.source,
    }


def _compiler_line(facts: dict[str, Any]) -> str:
    commands = [" ".join(facts[language]) for language in _LANGUAGES if facts[language]]
    return f"{facts['family']} {facts['version']} ({', '.join(commands)}; {facts['target']}; from {facts['source']})"


def _library_line(facts: dict[str, Any]) -> str:
    if facts["problem"]:
        return str(facts["problem"])
    size = f"{facts['limit_bytes'] >> 20} MiB"
    return (
        f"a process warns when more than {facts['limit']} old versions of cells, or {size} of them, can't be unloaded"
    )


def _isolation_line(facts: dict[str, Any]) -> str:
    if facts["problem"]:
        return str(facts["problem"]).splitlines()[0]
    if facts["worker"] is None:
        return f"its worker is not built yet; {facts['compiler']} will be asked to, for the first isolated cell"
    origin = f"built by {facts['compiler']}" if facts["compiler"] else "it came with hotplate"
    return f"{facts['worker']} ({facts['bytes'] / 1024:.0f} KiB, {origin})"


def _shared_memory_line(facts: dict[str, Any]) -> str:
    size = f"{facts['limit_bytes'] / 2**30:.1f} GiB"
    return f"its arrays may take {size} of shared memory in a process; {facts['variable']} sets that"


def _sandbox_line(facts: dict[str, Any]) -> str:
    if facts["problem"]:
        return str(facts["problem"]).splitlines()[0]
    if facts["controls"] is None:
        return "none on this operating system"
    enforced = [entry["name"] for entry in facts["controls"] if entry["state"] == "enforced"]
    lacking = [_lacking(entry) for entry in facts["controls"] if entry["state"] != "enforced"]
    walls = (
        f"bubblewrap ({facts['bubblewrap']}) beside it" if facts["bubblewrap"] else "no bubblewrap, which is optional"
    )
    return "; ".join([f"{', '.join(enforced) or 'nothing'} can be enforced", *lacking, walls])


def _lacking(entry: dict[str, Any]) -> str:
    return f"{entry['name']} {'only partly' if entry['state'] == 'partly' else 'not'}: {entry['reason']}"
