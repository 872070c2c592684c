"""Compiles one unit into the cache, with its includes precompiled in C++."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hotplate import _platform
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import BuildError, RunCancelled
from hotplate.toolchain.diagnostics import parse_output, unit_lines
from hotplate.toolchain.entry import without_generated
from hotplate.toolchain.families import command_line
from hotplate.toolchain.families.job import Job, own_functions
from hotplate.toolchain.headers import changed_since, parse_dependencies
from hotplate.toolchain.keys import artifact_from, noted, prelude_key
from hotplate.toolchain.model import Artifact, BuildFailure
from hotplate.toolchain.pkgconfig import NO_PACKAGES, Packages, pkg_config
from hotplate.toolchain.process import printed_text, run_compiler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotplate.toolchain.cache import Cache, Entry
    from hotplate.toolchain.compiler import Compiler
    from hotplate.toolchain.confine import Confinement
    from hotplate.toolchain.families.base import CommandLine
    from hotplate.toolchain.model import Unit

_MISSING_FILE = (  # as cl, gcc, clang and tcc put it; gcc's would take cl's whole message for a name
    "Cannot open include file: '{}': No such file or directory",
    "{}: No such file or directory",
    "'{}' file not found",
    "include file '{}' not found",
)
_LONGEST_NAME = 48  # of a library: paths on Windows end at 260 letters, and the cache's own part takes 60
_CRASHED = 0xC0000000  # and above: Windows ended the program
_TRIES = 3  # against files that change while they are compiled


@dataclass(frozen=True, slots=True)
class Tools:
    """What a compilation works with."""

    cache: Cache
    compiler: Compiler
    include_dir: Path
    environ: Mapping[str, str]
    cancelled: Callable[[], bool]
    confinement: Confinement | None = None

    @property
    def words(self) -> CommandLine:
        """How the compiler is called."""
        return command_line(self.compiler)

    def run(self, argv: list[str], unit: Unit, folder: Path) -> tuple[int, str]:
        """Runs a compiler beside the notebook, so that relative paths in its flags work; it writes to `folder`."""
        if self.confinement:
            argv = self.confinement.command(argv, folder)
        code, output = run_compiler(argv, unit.notebook.parent, self.environ, self.cancelled)
        self.cache.raise_if_full(code, output)
        return code, output


@dataclass(slots=True)
class Compilation:
    """The way of one unit from text to library."""

    tools: Tools
    unit: Unit
    key: str
    text: str = ""
    packages: Packages = NO_PACKAGES

    def run(self) -> Artifact | BuildFailure:
        """Builds the unit, or waits for whoever is building it already."""
        try:
            self.text = self.unit.render()
        except BuildError as error:
            return BuildFailure(self.unit.cell, error.diagnostics, self._watched(()))
        self.packages = pkg_config(self.unit.libs, self.tools.environ)
        cache = self.tools.cache
        with cache.lock("unit", self.key, self.tools.cancelled) as held:
            if not held:
                raise RunCancelled(f"the build of {self.unit.cell} was cancelled")
            entry = cache.lookup(self.key)
            if entry:
                return artifact_from(entry, self.unit, self.tools.compiler, cached=True)
            for _ in range(_TRIES):
                built = self._attempt(self._prelude() if self._precompiles else None)
                if built:
                    return built
        return self._unsettled()

    def told(self, flags: tuple[str, ...]) -> str:
        """What the compiler prints when it compiles the unit with further flags. Nothing is kept. Raises BuildError."""
        tools, unit = self.tools, self.unit
        self.text = unit.render()
        self.packages = pkg_config(unit.libs, tools.environ)
        with tools.cache.workspace() as workspace:
            with tools.cache.writing():
                job = self._job(workspace, None)
            job = replace(job, flags=(*job.flags, *flags))
            code, output = tools.run(tools.words.compile_command(job), unit, workspace)
            if code != 0:
                raise BuildError(self._diagnostics(code, output, job.source))
        return output

    @property
    def _precompiles(self) -> bool:
        return bool(self.unit.prelude and self.tools.words.precompiled_name)

    @property
    def _located(self) -> str:
        return self.unit.located_prelude or self.unit.prelude

    def _attempt(self, prelude: Entry | None) -> Artifact | BuildFailure | None:
        """One call of the compiler. None: a file changed meanwhile, so nobody knows which text was compiled."""
        tools, unit = self.tools, self.unit
        with tools.cache.workspace() as workspace:
            with tools.cache.writing():
                job = self._job(workspace, prelude)
            started = time.perf_counter()
            code, output = tools.run(tools.words.compile_command(job), unit, workspace)
            if code == 0:
                code, output = self._check_symbols(job, output)
            seconds = time.perf_counter() - started
            if code != 0 and prelude and _blames_prelude(output):
                return self._attempt(None)
            found = self._diagnostics(code, output, job.source)
            if code != 0:
                return BuildFailure(unit.cell, found, self._watched(found))
            headers = self._headers(job, prelude)
            if changed_since(headers, job.source) or (prelude and self._known_prelude() != prelude):
                return None
            with tools.cache.writing():
                # A PDB is what debuggers read beside a DLL.
                _keep_only(job.source, job.output, job.output.with_suffix(".pdb"))
            meta = noted(unit, tools.compiler, seconds, found)
            entry = tools.cache.publish(workspace, job.output.name, self.key, headers, meta)
        return artifact_from(entry, unit, tools.compiler, cached=False)

    def _job(self, workspace: Path, prelude: Entry | None) -> Job:
        unit = self.unit
        text = self.text if prelude or not unit.prelude else f"{self._located}\n{self.text}"
        text = text.replace("@HP_UNIT_KEY@", self.key).replace("@HP_COMPILER@", self.tools.compiler.name)
        source = workspace / ("unit.cpp" if unit.language == "c++" else "unit.c")
        exports = workspace / "exports.map"
        if self.tools.words.exports:
            exports.write_text(self.tools.words.exports, encoding="utf-8", newline="\n")
        # The source is written last: what is newer than it may not be what the compiler read.
        source.write_text(text, encoding="utf-8", newline="\n")
        return Job(
            language=unit.language,
            std=unit.std,
            source=source,
            output=workspace / _library_name(unit.cell, self.key),
            depfile=workspace / "depfile",
            notebook_dir=unit.notebook.parent,
            include_dir=self.tools.include_dir,
            exports=exports,
            flags=(*unit.flags, *self.packages.cflags),
            libs=self.packages.libs,
            defines=own_functions(self.text),
            prelude=prelude.product if prelude else None,
        )

    def _check_symbols(self, job: Job, output: str) -> tuple[int, str]:
        check = replace(job, output=job.output.with_suffix(".check"), depfile=job.depfile.with_suffix(".check"))
        command = self.tools.words.undefined_symbols_command(check)
        if command is None:
            return 0, output
        _, said = self.tools.run(command, self.unit, job.output.parent)
        for file in (check.output, check.depfile):
            file.unlink(missing_ok=True)
        undefined = [line for line in said.splitlines() if "undefined symbol" in line]
        return (1, "\n".join([output, *undefined])) if undefined else (0, output)

    def _diagnostics(self, code: int, output: str, source: Path) -> tuple[Diagnostic, ...]:
        if not output.strip() and code == 0:
            return ()
        if code < 0:
            output += f"\nthe compiler was killed by signal {-code}; with signal 9, memory may have run out"
        elif code >= _CRASHED:
            output += f"\nthe compiler crashed with {code:#x}; with 0xc0000005, it may be damaged"
        lines = unit_lines(f"{self._located}\n{self.text}", str(source))
        return without_generated(parse_output(output, failed=code != 0, cell=self.unit.cell, lines_by_path=lines))

    def _headers(self, job: Job, prelude: Entry | None) -> tuple[Path, ...]:
        listed = parse_dependencies(printed_text(job.depfile.read_bytes()), job.notebook_dir)
        ours = self.tools.cache.root
        own = (path for path in listed if ours not in path.parents)
        named = (job.notebook_dir / flag.removeprefix("@") for flag in self.unit.flags)
        linked = (path for path in named if path.is_file())  # an object file, an archive, a file of options
        return tuple(dict.fromkeys((*own, *(prelude.headers if prelude else ()), *self.packages.files, *linked)))

    def _watched(self, diagnostics: tuple[Diagnostic, ...]) -> tuple[Path, ...]:
        # A compile that failed leaves no depfile, so what it would have read is known from its last good build only.
        missing = (self.unit.notebook.parent / name for d in diagnostics if (name := missing_file(d.message)))
        return tuple(dict.fromkeys((*self.tools.cache.last_headers(self.key), *self._own_includes(), *missing)))

    def _own_includes(self) -> tuple[Path, ...]:
        names = re.findall(r'^\s*#\s*include\s*"([^"]+)"', f"{self.unit.prelude}\n{self.text}", re.MULTILINE)
        return tuple(self.unit.notebook.parent / name for name in names)

    def _unsettled(self) -> BuildFailure:
        message = f"files that '{self.unit.cell}' includes keep changing while it is compiled"
        found = Diagnostic(Severity.ERROR, message, str(self.unit.notebook), cell=self.unit.cell)
        return BuildFailure(self.unit.cell, (found,), self._watched(()))

    def _prelude(self) -> Entry | None:
        """The precompiled includes. None: they don't compile, and the cell's own build will say why."""
        cache, key = self.tools.cache, prelude_key(self.unit, self.tools.compiler, self.tools.environ)
        entry = self._known_prelude()
        if entry:
            return entry
        with cache.lock("prelude", key, self.tools.cancelled) as held:
            if not held:
                raise RunCancelled(f"the build of {self.unit.cell} was cancelled")
            return cache.lookup(key) or self._precompile(key)

    def _known_prelude(self) -> Entry | None:
        """What there is for the headers as they are now."""
        return self.tools.cache.lookup(prelude_key(self.unit, self.tools.compiler, self.tools.environ))

    def _precompile(self, key: str) -> Entry | None:
        tools = self.tools
        # clang looks for this text where it was when it was precompiled, so it has to lie where it can stay.
        source = tools.cache.keep_text(f"{key}.hpp", self.unit.prelude)
        with tools.cache.workspace() as workspace:
            with tools.cache.writing():
                job = replace(self._job(workspace, None), source=source)
            job = replace(job, output=workspace / tools.words.precompiled_name)
            mark = workspace / "unit.cpp"
            code, _ = tools.run(tools.words.precompile_command(job), self.unit, workspace)
            if code != 0:
                return None
            headers = self._headers(job, None)
            if changed_since(headers, mark):
                return None
            with tools.cache.writing():
                _keep_only(job.output)
                # gcc falls back to the text beside it when it can't use what it precompiled.
                (workspace / "prelude.hpp").write_text(self.unit.prelude, encoding="utf-8")
            return tools.cache.publish(workspace, job.output.name, key, headers, {})


def _keep_only(*files: Path) -> None:
    """Removes what else a compiler left beside its product: depfiles, objects, import libraries."""
    for path in files[0].parent.iterdir():
        if path not in files:
            _platform.remove_tree(path)


def _library_name(cell: str, key: str) -> str:
    """A file name for the library of a cell, short and in ASCII.

    With the key in it: Windows takes a `version.dll` for its own, `aux.dll` for a device, and one name for one library.
    """
    name = cell[:_LONGEST_NAME] if cell.isascii() else "cell"
    return f"{name}-{key[:8]}{_platform.library_suffix()}"


def _blames_prelude(output: str) -> bool:
    return any(word in output for word in ("PCH", "precompiled", "AST file", ".pch", ".gch"))


def missing_file(message: str) -> str:
    """The header that a compiler says it can't find; "" for any other message."""
    for pattern in _MISSING_FILE:
        before, after = pattern.split("{}")
        if message.startswith(before) and message.endswith(after):
            name = message[len(before) : len(message) - len(after)]
            return "" if ": " in name else name  # "ld: cannot find -lfoo" is about no header
    return ""
