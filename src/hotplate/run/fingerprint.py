"""What a Python function is, in words that mean the same to every process: its code and what that refers to."""

from __future__ import annotations

import dis
import functools
import importlib.util
import sys
import types
from collections import namedtuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import xxhash

from hotplate.load import LoadedCell
from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


def fingerprint(function: Callable[..., Any]) -> str | None:
    """A hash of a function's code, defaults, closure and the globals that it names; None where one can't be told.

    Functions that it calls count by their own fingerprint, and so do classes and what it names of modules; those that
    are installed count by name and version. What it reads besides them (files, attributes of objects) is not seen.
    Bytecode differs between versions of Python, and so do fingerprints.
    """
    known = _settled_before.get(function) if type(function) is types.FunctionType else None
    if known is not None and _still_holds(known, function):
        return known.key
    state = xxhash.xxh3_128(b"python ")
    try:
        _feed_function(state, function, set())
    except _Unknown:
        return None
    key = state.hexdigest()
    _settle(function, key)
    return key


class _Settled(NamedTuple):
    """A fingerprint that holds as long as the function has this code, whose names stand for the same things."""

    code: types.CodeType
    uses: tuple[tuple[str, Any], ...]
    key: str


_settled_before: WeakKeyDictionary[Callable[..., Any], _Settled] = WeakKeyDictionary()
"""Most cells name nothing but modules that are installed; each takes 3 us to hash, in every recorded run."""
_NOTHING = object()


def _still_holds(known: _Settled, function: Any) -> bool:
    if function.__code__ is not known.code or _has_values(function):
        return False
    variables = function.__globals__
    for name, value in known.uses:  # noqa: SIM110 - all() takes longer than the loop
        if variables.get(name, _NOTHING) is not value:
            return False
    return True


def _settle(function: Any, key: str) -> None:
    """Remembers the fingerprint of a function, unless something that it uses may change and remain the same object."""
    if type(function) is types.FunctionType and not _has_values(function):
        variables = function.__globals__
        uses = tuple((name, variables.get(name, _NOTHING)) for name in _read(function.__code__).names)
        if all(value is _NOTHING or _is_of_package(value) for _, value in uses):
            _settled_before[function] = _Settled(function.__code__, uses, key)


def _has_values(function: Any) -> bool:
    """Whether there is more to a function than its code and its globals."""
    return bool(function.__defaults__ or function.__kwdefaults__ or function.__closure__)


def _is_of_package(value: Any) -> bool:
    """Whether something counts by the version of the installed package that it is of."""
    if isinstance(value, types.ModuleType):
        return _is_installed(value.__name__)
    named = isinstance(value, (type, types.BuiltinFunctionType))
    return named and bool(value.__module__) and _is_installed(value.__module__)


class _Unknown(Exception):
    """Something whose content can't be told."""


def _feed(state: xxhash.xxh3_128, value: Any, seen: set[object]) -> None:
    if isinstance(value, types.ModuleType) and _is_of_package(value):  # of others, nobody knows what is used
        state.update(f"module {value.__name__} {_version(value.__name__)}\0".encode())
    elif isinstance(value, LoadedCell):
        state.update(f"cell {_content(value.path)}\0".encode())
    elif _is_of_package(value):
        version = _version(value.__module__)
        state.update(f"name {value.__module__}.{value.__qualname__} {version}\0".encode())
    elif type(value) is type:
        _feed_class(state, value, seen)
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


def _feed_function(state: xxhash.xxh3_128, function: Any, seen: set[object]) -> None:
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
    _feed_named(state, function.__globals__, code.names, seen)
    if not all(map(_is_installed, code.imports)):  # they may not be there yet
        raise _Unknown


def _feed_named(state: xxhash.xxh3_128, variables: Mapping[str, Any], names: Iterable[str], seen: set[object]) -> None:
    """What code that has these names may use of a module."""
    for name in names:
        if name in variables:
            state.update(f"global {name}\0".encode())
            value = variables[name]
            if isinstance(value, types.ModuleType) and not _is_installed(value.__name__):
                _feed_module(state, value, names, seen)
            else:
                _feed(state, value, seen)


def _feed_module(state: xxhash.xxh3_128, module: types.ModuleType, names: Iterable[str], seen: set[object]) -> None:
    """A module that may be edited."""
    state.update(f"module {module.__name__}\0".encode())
    if hasattr(module, "__getattr__"):
        raise _Unknown
    if (module.__name__, names) not in seen:
        seen.add((module.__name__, names))
        _feed_named(state, vars(module), names, seen)


def _feed_class(state: xxhash.xxh3_128, kind: type, seen: set[object]) -> None:
    """A class that may be edited."""
    state.update(f"class {kind.__qualname__}\0".encode())
    if id(kind) in seen:
        return
    seen.add(id(kind))
    _feed(state, kind.__bases__, seen)
    generated = _OF_EVERY_CLASS | (_OF_NAMED_TUPLES if hasattr(kind, "_field_defaults") else set())
    for name, value in sorted(vars(kind).items()):
        if name not in generated:
            state.update(f"attribute {name}\0".encode())
            _feed(state, _behind(value), seen)


def _behind(attribute: Any) -> Any:
    """What there is to know of an attribute of a class."""
    if isinstance(attribute, (staticmethod, classmethod)):
        return attribute.__func__
    if isinstance(attribute, property):
        return (attribute.fget, attribute.fset, attribute.fdel)
    if isinstance(attribute, (types.MemberDescriptorType, _FIELD)):
        return None
    return tuple(sorted(attribute.items())) if type(attribute) is dict else attribute


_NAMED_TUPLE = namedtuple("_NAMED_TUPLE", ("field",))
_FIELD = type(vars(_NAMED_TUPLE)["field"])
_OF_NAMED_TUPLES = vars(_NAMED_TUPLE).keys() - {"field", "_fields", "_field_defaults"}
_OF_EVERY_CLASS = {
    *("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__orig_bases__", "__firstlineno__"),
    *("__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
}


def _is_installed(module: str) -> bool:
    """Whether a module changes with its version only: one of Python, of an installed package, or hotplate's own."""
    top = module.partition(".")[0]
    if top == "__main__":  # which may have been found by the name of an installed program, as `python -m` does
        return False
    if top in sys.builtin_module_names or top in sys.stdlib_module_names or top == "hotplate":
        return True
    return _is_below_packages(top)


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


@functools.lru_cache(256)
def _is_below_packages(top: str) -> bool:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module that was made by hand
        return False
    places = [Path(place) for place in (spec.origin or "", *(spec.submodule_search_locations or ()))] if spec else []
    if any(not _PACKAGES.isdisjoint(place.parts) for place in places):
        return True
    # What `pip install --target` puts into any folder has its description beside it.
    return any(any(place.parent.glob(f"{top}-*.dist-info")) for place in places[1:])


_PACKAGES = {"site-packages", "dist-packages"}


def _feed_object(state: xxhash.xxh3_128, value: Any, seen: set[object]) -> None:
    if not isinstance(value, (LoadedCell, type, types.BuiltinFunctionType)):
        raise _Unknown
    _feed(state, value, seen)


class _Code(NamedTuple):
    """What there is to know of a code object."""

    digest: bytes
    names: tuple[str, ...]
    """What may be a global that it uses, itself or in a function inside, or an attribute of one; sorted."""
    imports: frozenset[str]
    """The modules that it imports itself; "" for one beside its own."""


_read_before: WeakKeyDictionary[types.CodeType, _Code] = WeakKeyDictionary()
"""Code can't change, and hashing it takes 6 µs, for each cell of a recorded run."""


def _read(code: types.CodeType) -> _Code:
    known = _read_before.get(code)
    if known is None:
        state = xxhash.xxh3_128(code.co_code)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
        arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
        state.update(repr((names, arguments, code.co_exceptiontable)).encode())
        for constant in code.co_consts:
            _feed(state, constant, set())
        known = _read_before[code] = _Code(
            state.digest(), tuple(sorted(set(_global_names(code)))), frozenset(_imports(code))
        )
    return known


def _global_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _imports(code: types.CodeType) -> Iterator[str]:
    if "IMPORT_NAME" in map(dis.opname.__getitem__, code.co_code[::2]):
        for found in dis.get_instructions(code):
            if found.opname == "IMPORT_NAME":
                yield found.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imports(constant)


@functools.lru_cache(256)
def _content(library: Path) -> str:
    try:
        return xxhash.xxh3_128_hexdigest(library.read_bytes())
    except OSError:
        raise _Unknown from None
