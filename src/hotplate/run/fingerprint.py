"""What a Python function is, in words that mean the same to every process: its code and what that refers to."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import xxhash

from hotplate.load import LoadedCell
from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def fingerprint(function: Callable[..., Any]) -> str | None:
    """A hash of a function's code, defaults, closure and the globals that it names; None where one can't be told.

    Functions that it calls count by their own fingerprint, modules and classes by name and version. What it reads
    besides them (files, attributes of objects) is not seen. Bytecode differs between versions of Python, and so do
    fingerprints.
    """
    state = xxhash.xxh3_128(b"python ")
    try:
        _feed_function(state, function, set())
    except _Unknown:
        return None
    return state.hexdigest()


class _Unknown(Exception):
    """Something whose content can't be told."""


def _feed(state: xxhash.xxh3_128, value: Any, seen: set[int]) -> None:
    if isinstance(value, types.ModuleType):
        state.update(f"module {value.__name__} {getattr(value, '__version__', '')}\0".encode())
    elif isinstance(value, LoadedCell):
        state.update(f"cell {_content(value.path)}\0".encode())
    elif isinstance(value, (type, types.BuiltinFunctionType)) and value.__module__ not in ("__main__", None):
        state.update(f"name {value.__module__}.{value.__qualname__}\0".encode())
    elif isinstance(value, (types.FunctionType, functools.partial)):
        _feed_function(state, value, seen)
    elif isinstance(value, types.CodeType):
        state.update(_read(value).digest)
    elif isinstance(value, frozenset):  # what `x in {1, 2}` is compiled to
        _feed(state, tuple(sorted(map(repr, value))), seen)
    elif isinstance(value, tuple) and type(value) is tuple:
        state.update(f"tuple {len(value)}\0".encode())
        for part in value:
            _feed(state, part, seen)
    elif value is Ellipsis or value is NotImplemented:
        state.update(f"{value!r}\0".encode())
    elif (known := digest(value)) is not None:
        state.update(f"value {known}\0".encode())
    else:
        raise _Unknown


def _feed_function(state: xxhash.xxh3_128, function: Any, seen: set[int]) -> None:
    if isinstance(function, functools.partial):
        _feed(state, (function.func, function.args, tuple(sorted(function.keywords.items()))), seen)
        return
    if not isinstance(function, types.FunctionType):
        _feed_object(state, function, seen)
        return
    state.update(f"function {function.__qualname__}\0".encode())
    if id(function) in seen:  # it calls itself
        return
    seen.add(id(function))
    code = _read(function.__code__)
    state.update(code.digest)
    if function.__defaults__ or function.__kwdefaults__:
        state.update(b"defaults\0")
        _feed(state, function.__defaults__, seen)
        _feed(state, tuple(sorted((function.__kwdefaults__ or {}).items())), seen)
    for cell in function.__closure__ or ():
        try:
            _feed(state, cell.cell_contents, seen)
        except ValueError:  # a name that has no value yet
            raise _Unknown from None
    for name in code.names:
        if name in function.__globals__:
            state.update(f"global {name}\0".encode())
            _feed(state, function.__globals__[name], seen)


def _feed_object(state: xxhash.xxh3_128, value: Any, seen: set[int]) -> None:
    if not isinstance(value, (LoadedCell, type, types.BuiltinFunctionType)):
        raise _Unknown
    _feed(state, value, seen)


class _Code(NamedTuple):
    """What there is to know of a code object."""

    digest: bytes
    names: tuple[str, ...]
    """What may be a global that it uses, itself or in a function inside; sorted."""


_read_before: WeakKeyDictionary[types.CodeType, _Code] = WeakKeyDictionary()
"""Code can't change, and hashing it takes 6 µs, for each cell of a recorded run."""


def _read(code: types.CodeType) -> _Code:
    known = _read_before.get(code)
    if known is None:
        state = xxhash.xxh3_128(code.co_code)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
        state.update(repr(names).encode())
        for constant in code.co_consts:
            _feed(state, constant, set())
        known = _read_before[code] = _Code(state.digest(), tuple(sorted(set(_global_names(code)))))
    return known


def _global_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


@functools.lru_cache(256)
def _content(library: Path) -> str:
    try:
        return xxhash.xxh3_128_hexdigest(library.read_bytes())
    except OSError:
        raise _Unknown from None
