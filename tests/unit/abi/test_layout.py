"""cffi's view of the interface's structs is the compiler's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hotplate.abi import CORE_VERSION, ffi, lib

CSRC = Path(__file__).parents[3] / "csrc"
PUBLIC = [
    "hp_dtype",
    "hp_device",
    "hp_tensor",
    "hp_value",
    "hp_field",
    "hp_record",
    "hp_port",
    "hp_symbol",
    "hp_cell",
    "hp_before",
    "hp_ctx",
    "hp_out",
]
CORE = ["hp_state_block", "hp_step", "hp_axis", "hp_conflict", "hp_port_plan", "hp_plan"]
STRUCTS = [*PUBLIC, *CORE]


def fields(struct: str) -> list[str]:
    return [name for name, _ in ffi.typeof(struct).fields]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Sizes and offsets as a C program compiled from the headers prints them."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    rows = []
    for struct in STRUCTS:
        rows.append(f'printf("{{\\"struct\\": \\"{struct}\\", \\"(all)\\": %zu", sizeof({struct}));')
        for name in fields(struct):
            size = f"sizeof((({struct} *)0)->{name})"
            rows.append(f'printf(", \\"{name}\\": [%zu, %zu]", offsetof({struct}, {name}), {size});')
        rows.append('printf("}\\n");')
    source = tmp_path_factory.mktemp("layout") / "layout.c"
    body = "\n    ".join(rows)
    includes = '#include "python/call.h"\n#include <stdio.h>\n'
    source.write_text(f"{includes}int main(void) {{\n    {body}\n    return 0;\n}}\n")
    program = source.with_suffix("")
    command = [compiler, "-std=c11", f"-I{CSRC}", f"-I{CSRC / 'include'}", str(source), "-o", str(program)]
    subprocess.run(command, check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {row.pop("struct"): row for row in map(json.loads, printed.splitlines())}


@pytest.mark.parametrize("struct", STRUCTS)
def test_a_struct_has_the_size_that_the_compiler_gives_it(struct: str, layout: dict[str, dict[str, Any]]) -> None:
    assert ffi.sizeof(struct) == layout[struct]["(all)"]


@pytest.mark.parametrize(("struct", "field"), [(struct, field) for struct in STRUCTS for field in fields(struct)])
def test_a_field_lies_where_the_compiler_puts_it(struct: str, field: str, layout: dict[str, dict[str, Any]]) -> None:
    declared = dict(ffi.typeof(struct).fields)[field]
    assert [ffi.offsetof(struct, field), ffi.sizeof(declared.type)] == layout[struct][field]


@pytest.mark.parametrize("header", ["include/hotplate.h", "core/core.h", "python/call.h"])
def test_every_struct_that_cffi_is_told_of_is_compared(header: str) -> None:
    marked = re.findall(r"/\* cffi: begin.*?\*/(.*?)/\* cffi: end \*/", (CSRC / header).read_text(), re.DOTALL)
    assert set(re.findall(r"\bstruct (hp_\w+) \{", "".join(marked))) <= set(STRUCTS)


def test_the_core_speaks_the_version_of_the_header() -> None:
    [version] = re.findall(r"#define HP_ABI_VERSION (\d+)", (CSRC / "include" / "hotplate.h").read_text())
    assert CORE_VERSION == lib.HP_ABI_VERSION == int(version)


def test_a_tensor_is_dlpacks_field_by_field() -> None:
    dlpack = ["data", "device", "ndim", "dtype", "shape", "strides", "byte_offset"]
    assert fields("hp_tensor") == dlpack
    assert [ffi.offsetof("hp_tensor", field) for field in dlpack] == [0, 8, 16, 20, 24, 32, 40]
