"""What has to be right in a library before it is loaded, for every compiler."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from hotplate.toolchain import Artifact, Builder, BuildFailure, Compiler, Family, Unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeBuilder = Callable[..., Builder]
    MakeUnit = Callable[..., Unit]


def built(builder: Builder, unit: Unit) -> Artifact:
    result = builder.build(unit)
    assert isinstance(result, Artifact), result
    return result


def symbols(library: Path) -> list[str]:
    if not shutil.which("nm"):
        pytest.skip("nm (binutils) is not installed")
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return [line.split()[-1] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        pytest.param("gamma", "double gamma(double x) { return 100 * x; }", 200.0, id="gamma"),
        pytest.param("y0", "double y0(double x) { return 10 * x; }", 20.0, id="y0"),
        pytest.param("cos", "double cos(double x) { return 7 * x; }", 14.0, id="cos"),
    ],
)
def test_a_cell_named_like_a_library_function_is_the_one_that_runs(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit, value_of: Callable[[Path, float], float],
    name: str, body: str, expected: float,
) -> None:  # fmt: skip
    # Through a pointer too, which goes through the dynamic linker unless the library binds to itself.
    text = f"{body}\nstatic double (*volatile keep)(double) = {name};\ndouble cell(double x) {{ return keep(x); }}"
    artifact = built(builder_for(any_compiler), make_unit(text))
    assert value_of(artifact.library, 2.0) == expected


def test_a_call_of_ones_own_cos_with_a_constant_is_not_folded(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit, value_of: Callable[[Path, float], float]
) -> None:
    text = "double cos(double x) { return 7 * x; }\ndouble cell(double x) { return cos(1.0) + x; }"
    artifact = built(builder_for(any_compiler), make_unit(text))
    assert value_of(artifact.library, 1.0) == 8.0


def test_only_the_descriptor_is_exported(any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit) -> None:
    if any_compiler.family is Family.TCC:
        pytest.skip("tcc has no version scripts; -Bsymbolic keeps its names apart")
    text = '__attribute__((visibility("default"))) double cell(double x) { return x; }'
    artifact = built(builder_for(any_compiler), make_unit(text))
    assert symbols(artifact.library) == ["hotplate_cell"]


def test_an_undefined_symbol_is_an_error_that_names_symbol_cell_and_line(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    unit = make_unit("double nope(double);\ndouble cell(double x) {\n    return nope(x);\n}")
    result = builder_for(any_compiler).build(unit)
    assert isinstance(result, BuildFailure)
    [found] = result.diagnostics
    assert "'nope'" in found.message
    assert (found.cell, found.path, found.line, found.column) == ("cell", str(unit.notebook), 3, 12)


def test_the_static_of_a_template_is_not_unique_in_the_process(
    cxx_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    text = "template <class T> T &once() { static T value = T(); return value; }\n" \
           "double cell(double x) { return once<double>() += x; }"  # fmt: skip
    artifact = built(builder_for(cxx_compiler), make_unit(text, language="c++"))
    table = subprocess.run(["nm", artifact.library], check=True, capture_output=True, text=True).stdout
    assert "once" in table
    assert " u " not in table


def test_a_library_says_what_it_was_built_from(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    artifact = built(builder_for(any_compiler), make_unit("double cell(double x) { return x; }"))
    content = artifact.library.read_bytes()
    assert artifact.unit_key.encode() in content
    assert any_compiler.name.encode() in content


def test_m_pi_and_the_math_library_are_there(
    any_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit, value_of: Callable[[Path, float], float]
) -> None:
    text = "#include <math.h>\ndouble cell(double x) { return cos(M_PI * x); }"
    assert value_of(built(builder_for(any_compiler), make_unit(text)).library, 1.0) == -1.0


def test_a_precompiled_prelude_gives_the_same_cell(
    cxx_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit, value_of: Callable[[Path, float], float]
) -> None:
    text = "double cell(double x) { std::vector<double> v(3, x); return v[2] * (double)v.size(); }"
    builder = builder_for(cxx_compiler)
    artifact = built(builder, make_unit(text, language="c++", prelude="#include <vector>\n"))
    assert value_of(artifact.library, 2.0) == 6.0
    assert any(path.name == "vector" for path in artifact.headers)
    assert list((builder.cache.root / "artifacts").rglob("prelude.*"))
    second = make_unit(text.replace("v[2]", "v[1]"), language="c++", prelude="#include <vector>\n")
    assert value_of(built(builder, second).library, 3.0) == 9.0


def test_a_prelude_that_does_not_compile_is_reported_in_its_own_words(
    cxx_compiler: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    unit = make_unit("double cell(double x) { return x; }", language="c++", prelude='#include "not_there.hpp"\n')
    result = builder_for(cxx_compiler).build(unit)
    assert isinstance(result, BuildFailure)
    assert "not_there.hpp" in result.diagnostics[0].message
    assert unit.notebook.parent / "not_there.hpp" in result.headers
