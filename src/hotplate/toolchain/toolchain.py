"""Toolchain: the compilers, the cache and the builder of one notebook, ready to use."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hotplate
from hotplate.abi import CORE_VERSION
from hotplate.errors import ToolchainError
from hotplate.toolchain.builder import Builder
from hotplate.toolchain.cache import Cache, default_cap, default_root
from hotplate.toolchain.discover import discover, find_compiler
from hotplate.toolchain.families import command_line
from hotplate.toolchain.pkgconfig import pkg_config
from hotplate.toolchain.process import compiler_environment, confined_environment, run_compiler
from hotplate.toolchain.spelling import line_marker, spelling

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Emitter
    from hotplate.notebook.model import Attributes, NotebookModel
    from hotplate.toolchain.compiler import Compiler
    from hotplate.toolchain.confine import Confinement
    from hotplate.toolchain.families.job import Text
    from hotplate.toolchain.model import Artifact, BuildFailure, Unit
    from hotplate.toolchain.program import Programs


class Toolchain:
    """What a session builds with. Nothing is searched or opened before it is needed. Thread-safe.

    `compiler` is a family or a command; None takes the first that works (HOTPLATE_CC, CC, gcc, clang, zig, tcc; on
    Windows cl, clang-cl, gcc, zig, tcc).
    `flags` are further compiler arguments for every cell, behind those of its section.
    `confined` is for a notebook from a stranger: see hotplate.toolchain.confine. It takes Linux.
    """

    def __init__(
        self,
        *,
        compiler: str | None = None,
        flags: Sequence[str] = (),
        jobs: int | None = None,
        environ: Mapping[str, str] = os.environ,
        confined: bool = False,
    ) -> None:
        self.confined = confined
        self.flags = tuple(flags)
        self.sanitize: tuple[str, ...] = ()
        """The sanitizers that cells are built with."""
        self._chosen: Compiler | None = None
        """What `_find` gives without a search."""
        self._wanted = compiler
        self._jobs = jobs
        self._environ = environ

    def beside(self, compiler: str) -> Toolchain:
        """The same with another compiler; they share the cache."""
        other = Toolchain(
            compiler=compiler, flags=self.flags, jobs=self._jobs, environ=self._environ, confined=self.confined
        )
        other.cache = self.cache
        return other

    def sanitizing(self, language: str) -> Toolchain:
        """The same with AddressSanitizer and UBSan in cells of a language and in the worker; they share the cache.

        Raises ToolchainError when no compiler here does that.
        """
        from hotplate.toolchain.sanitize import CHECKS, sanitizer_flags, sanitizing_compiler  # only for who asks

        compiler = sanitizing_compiler(language, self._compilers_for(language))
        flags = (*self.flags, *sanitizer_flags(compiler))
        other = Toolchain(flags=flags, jobs=self._jobs, environ=self._environ, confined=self.confined)
        other.cache, other.sanitize, other._chosen = self.cache, CHECKS, compiler
        return other

    @cached_property
    def cache(self) -> Cache:
        """The build cache: HOTPLATE_CACHE_DIR, or the platform's place for caches."""
        return Cache(default_root(self._environ), default_cap(self._environ))

    @cached_property
    def builder(self) -> Builder:
        """Compiles units, or finds them in the cache."""
        return Builder(
            self.cache,
            self._find,
            jobs=self._jobs,
            include_dir=include_directory(),
            abi_version=CORE_VERSION,
            environ=self._compiling,
            confinement=self._confinement,
        )

    @cached_property
    def programs(self) -> Programs:
        """Compiles programs of hotplate's own, or finds them in the cache: the worker of isolated cells."""
        from hotplate.toolchain.program import Programs  # a run without isolated cells needs none

        return Programs(
            self.cache,
            compilers=lambda: self._compilers_for("c"),
            sources=source_directory(),
            jobs=self._jobs,
            environ=self._environ,
        )

    @cached_property
    def _compiling(self) -> Mapping[str, str]:
        return confined_environment(self._environ) if self.confined else self._environ

    @cached_property
    def _confinement(self) -> Confinement | None:
        if not self.confined:
            return None
        from hotplate.toolchain.confine import Confinement  # only for who asks

        return Confinement(self.programs, self.cache, self._environ)

    def build_all(
        self, units: Sequence[Unit], emitter: Emitter | None = None, cancel: threading.Event | None = None
    ) -> dict[str, Artifact | BuildFailure]:
        """See Builder.build_all."""
        return self.builder.build_all(units, emitter, cancel) if units else {}

    def compiler(self, language: str) -> Compiler:
        """The compiler for `"c"` or `"c++"`. Raises ToolchainError when there is none."""
        return self.builder.compiler(language)

    def preprocess(self, text: str, model: NotebookModel, attributes: Attributes) -> tuple[str, str]:
        """A notebook's text after the preprocessor: what comes from the notebook itself, and all of it.

        Both are "" when that fails, for the compiler will say why.
        """
        with self.cache.workspace() as workspace:
            source = workspace / ("text.cpp" if model.language.value == "c++" else "text.c")
            source.write_text(text, encoding="utf-8", newline="\n")
            packages = pkg_config(attributes.libs, self._compiling)
            flags = (*attributes.flags, *self.flags, *packages.cflags)
            given = self._text(model, source, attributes.std, flags)
            command = command_line(self.compiler(given.language)).preprocess_command(given)
            code, output = self._run(command, given, workspace)
        return (_own_lines(output, str(model.path)), output) if code == 0 else ("", "")

    def check_syntax(self, model: NotebookModel) -> tuple[Diagnostic, ...]:
        """What the compiler says about the file as it is, for text that is part of no cell."""
        from hotplate.toolchain.diagnostics import parse_output

        given = self._text(model, model.path)
        with self.cache.workspace() as scratch:
            command = command_line(self.compiler(given.language)).check_command(given, scratch)
            code, output = self._run(command, given, scratch)
        return parse_output(output, failed=code != 0, cell="", lines_by_path={str(model.path): model.lines})

    def compile_command(self, model: NotebookModel) -> dict[str, Any]:
        """The entry of a notebook's file in a compilation database, for editors.

        An editor knows one command for a file: the flags of all sections, and the newest of their standards.
        """
        from hotplate.toolchain.database import signed
        from hotplate.toolchain.editor import newest_standard, union

        attributes = [section.attributes for section in model.sections]
        own = [flags for a in attributes for flags in (a.flags, self._cflags(a.libs))]
        std = newest_standard(a.std for a in attributes)
        given = self._text(model, model.path, std, union([*own, self.flags]))
        command = command_line(self.compiler(given.language)).editor_command(given)
        return signed({"directory": str(model.path.parent), "file": str(model.path), "arguments": command})

    def _cflags(self, libs: tuple[str, ...]) -> tuple[str, ...]:
        """What packages ask of the compiler; nothing for what is not installed, which a build tells."""
        try:
            return pkg_config(libs, self._compiling).cflags
        except ToolchainError:
            return ()

    def _text(self, model: NotebookModel, source: Path, std: str = "", flags: tuple[str, ...] = ()) -> Text:
        from hotplate.toolchain.families.job import Text  # 1 ms, only for what is compiled

        return Text(
            language=model.language.value,
            std=std,
            source=source,
            notebook_dir=model.path.parent,
            include_dir=include_directory(),
            flags=flags,
        )

    def _run(self, command: list[str], text: Text, folder: Path) -> tuple[int, str]:
        """Runs the compiler for what it prints."""
        if self._confinement:
            command = self._confinement.command(command, folder)
        environ = compiler_environment(self._compiling, self.compiler(text.language))
        return run_compiler(command, text.notebook_dir, environ, lambda: False)

    def _compilers_for(self, language: str) -> Iterator[Compiler]:
        """The compiler of cells in a language, then, for whoever can't use that one, the others that there are."""
        yield self.compiler(language)
        yield from discover(self._environ, self.cache.root).found

    def _find(self, language: str) -> Compiler:
        if self._chosen is not None and self._chosen.command(language):
            return self._chosen
        return find_compiler(language, self._environ, self.cache.root, self._wanted)


def _own_lines(expanded: str, path: str) -> str:
    """The lines that a line marker of the preprocessor places in the file."""
    wanted, own, kept = spelling(path), False, []
    for line in expanded.split("\n"):
        if line.startswith("#") and (marker := line_marker(line)):
            own = spelling(marker[1]) == wanted
        elif own:
            kept.append(line)
    return "\n".join(kept)


def include_directory() -> Path:
    """Where hotplate.h and hotplate.hpp are."""
    return source_directory() / "include"


def source_directory() -> Path:
    """Where hotplate's own C sources are: in the installed package, or in csrc of a working copy."""
    package = Path(hotplate.__file__).resolve().parent
    installed = package / "csrc"
    return installed if installed.is_dir() else package.parents[1] / "csrc"
