"""From a cell's text to its library: compilers, their command lines and messages, and the build cache.

A `Builder` compiles `Unit`s with a `Compiler` from `find_compiler`, several at a time, and keeps every result in a
`Cache`, so that what was built once is found again without running anything. What a unit is made of is decided above
this package, and libraries are loaded elsewhere.
"""

from __future__ import annotations

from hotplate.toolchain.builder import Builder
from hotplate.toolchain.cache import Cache, default_cap, default_root, size_setting
from hotplate.toolchain.compiler import Compiler, Family
from hotplate.toolchain.discover import Discovery, discover, find_compiler, pick
from hotplate.toolchain.model import Artifact, BuildFailure, Unit
from hotplate.toolchain.probe import Rejected

__all__ = [
    "Artifact",
    "BuildFailure",
    "Builder",
    "Cache",
    "Compiler",
    "Discovery",
    "Family",
    "Rejected",
    "Unit",
    "default_cap",
    "default_root",
    "discover",
    "find_compiler",
    "pick",
    "size_setting",
]
