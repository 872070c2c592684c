"""The form of a call, the same for every family; each fills in its own words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.toolchain.compiler import Compiler
    from hotplate.toolchain.families.job import Job, Text

STANDARD = {"c": "gnu17", "c++": "gnu++20"}
"""The language standard of a notebook that does not choose one."""


class CommandLine(ABC):
    """How a compiler is called."""

    exports: ClassVar[str] = ""
    """What a file has to say to the linker so that it exports the cell's descriptor alone; "" if it needs none."""
    precompiled_name: str = ""
    """The file name of a precompiled prelude; "" for a family that hotplate does not precompile with."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler

    def compile_command(self, job: Job) -> list[str]:
        """The call that makes a library of one translation unit."""
        return [
            *self.compiler.command(job.language),
            *self._code(job.language, job.std),
            *self._builtins(job.defines),
            *self._dependencies(job),
            *self._includes(job),
            *self._start(job),
            *self._flags(job.flags),
            *self._library(job),
        ]

    def undefined_symbols_command(self, job: Job) -> list[str] | None:  # noqa: ARG002 - for the families that use it
        """The call that complains about undefined symbols, for a family whose `compile_command` does not; else None."""
        return None

    def precompile_command(self, job: Job) -> list[str]:
        """The call that precompiles the includes of a C++ notebook. Its settings match those of `compile_command`."""
        return [
            *self.compiler.command(job.language),
            *self._code(job.language, job.std),
            *self._dependencies(job),
            *self._includes(job),
            *self._flags(job.flags),
            *("-x", "c++-header", str(job.source), "-o", str(job.output)),
        ]

    def preprocess_command(self, text: Text) -> list[str]:
        """The call that prints a text after the preprocessor."""
        return [*self._read(text), *self._preprocess, str(text.source)]

    def check_command(self, text: Text, scratch: Path) -> list[str]:
        """The call that reads a text for its messages. What it leaves behind lies in the folder `scratch`."""
        return [*self._read(text), *self._check(scratch), str(text.source)]

    def editor_command(self, text: Text) -> list[str]:
        """The call as an editor should know it to understand a notebook."""
        words = (*self._editor(text.language, text.std), *self._includes(text), *self._flags(text.flags))
        return [*self.compiler.command(text.language), *words, "-c", str(text.source)]

    def settings(self, language: str, std: str) -> list[str]:
        """What decides about the code and the messages, apart from the notebook's own flags: a part of build keys."""
        return [*self._code(language, std), *self._linking]

    def _read(self, text: Text) -> list[str]:
        words = (*self._code(text.language, text.std), *self._includes(text), *self._flags(text.flags))
        return [*self.compiler.command(text.language), *words]

    _preprocess: tuple[str, ...] = ("-E",)

    def _check(self, scratch: Path) -> tuple[str, ...]:
        return ("-c", "-o", str(scratch / "unit.o"))

    @abstractmethod
    def _code(self, language: str, std: str) -> tuple[str, ...]:
        """What decides about the code and the messages."""

    @abstractmethod
    def _editor(self, language: str, std: str) -> tuple[str, ...]:
        """What of `_code` an editor needs."""

    @property
    @abstractmethod
    def _linking(self) -> tuple[str, ...]:
        """What closes the library: own functions win, an undefined symbol is an error, one name is exported."""

    @abstractmethod
    def _includes(self, text: Text) -> tuple[str, ...]:
        """Where headers are looked for: beside the notebook, among hotplate's, in the system.

        A unit lies elsewhere than its notebook, so `#include "mine.h"` has to be told to look beside the notebook.
        """

    @abstractmethod
    def _library(self, job: Job) -> tuple[str, ...]:
        """From the source to the library: files and what is linked."""

    def _dependencies(self, job: Job) -> tuple[str, ...]:
        return ("-MD", "-MF", str(job.depfile))

    def _builtins(self, names: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG002 - as above
        """Keeps the compiler from folding cos(1.0) to libm's value when the notebook defines a `cos` of its own."""
        return ()

    def _start(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002 - as above
        """What starts a unit from its precompiled prelude."""
        return ()

    def _flags(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        """The notebook's flags as this family takes them."""
        return flags
