"""A value as JSON text that refers to artifacts, and back.

JSON's own forms stand for None, bool, int, finite float, str and list. Everything else is an object with one key, which
names its form. Arrays and texts of more than 4 KiB are artifacts, of which the text has the name.
"""

from __future__ import annotations

import binascii
import json
import math
import re
import struct
import sys
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hotplate.run.store.content import Content, dtype_text, restore_dtype
from hotplate.values import has_records, result_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INLINE = 4 << 10
"""Bytes up to which an array or a text stands in the JSON text itself."""
_LONGEST = 1 << 16  # letters of JSON text in a row; a longer one is an artifact
_DEEPEST = 64  # Python's own parser of JSON gives up at some hundreds, depending on who calls it
_EXACT = 1 << 63  # integers beyond are written as hexadecimal text: Python refuses decimal ones of 4,300 digits
_ALL = slice(None)
_REFERENCE = re.compile(r'"([0-9a-f]{32}\.(?:npy|bin))"')
_DOUBLE = struct.Struct(">d")


class Unstorable(Exception):
    """A value that has no such form; its text is the reason."""


class TooLarge(Unstorable):
    """A value whose artifacts take more than all values together may."""


def encode(value: Any, limit: float = math.inf) -> tuple[str, tuple[Content, ...]]:
    """The JSON text of a value, and the artifacts that it refers to, of `limit` bytes at most. Raises Unstorable.

    About 0.4 µs for a number. Arrays are hashed, not copied: whoever keeps the contents relies on their bytes.
    """
    kind = type(value)
    if kind is float and math.isfinite(value):
        return repr(value), ()
    if kind is int and -_EXACT <= value < _EXACT:
        return str(value), ()
    encoder = _Encoder()
    text = encoder.text(value, 0)
    if len(text) > _LONGEST:
        inside = list(encoder.contents)
        text = f'{{"tree":{json.dumps([encoder.keep(text.encode("ascii")), *inside])}}}'
    if encoder.contents and sum(content.size for content in encoder.contents.values()) > limit:
        raise TooLarge(f"larger than HOTPLATE_RUNS_SIZE ({limit:,} bytes)")
    return text, tuple(encoder.contents.values())


def decode(text: str, read: Callable[[str], Any]) -> Any:
    """The value of a JSON text. `read` gives the array or the bytes of an artifact by its name, and may raise.

    Raises ValueError for a text that no value has, and for a class that is not there any more.
    """
    try:
        return _Decoder(read).value(json.loads(text))
    except (LookupError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise ValueError(f"this is no recorded value: {error}") from error


def artifact_names(text: str) -> list[str]:
    """The artifacts that a JSON text refers to; maybe some that only look so, in a text that is a value."""
    return _REFERENCE.findall(text)


class _Encoder:
    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}

    def text(self, value: Any, depth: int) -> str:
        """The JSON text of a value that is `depth` containers deep."""
        if depth > _DEEPEST:
            raise Unstorable(f"it is nested more than {_DEEPEST} deep, or contains itself")
        write = _WRITERS.get(type(value))
        if write is not None:
            return write(self, value, depth)
        if isinstance(value, np.generic):
            return _tagged("scalar", self.array(np.asarray(value)))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self.named(value, depth)
        raise Unstorable(f"it has an object of the class {_class_name(value)} in it, whose content can't be told")

    def artifact(self, tag: str, data: Any) -> str:
        """The text of a reference to an artifact with this content."""
        return _tagged(tag, quoted(self.keep(data)))

    def keep(self, data: Any) -> str:
        """The name of the artifact that this content becomes."""
        content = Content.of(data)
        self.contents[content.name] = content
        return content.name

    def array(self, array: np.ndarray[Any, Any]) -> str:
        """Small ones in full; of the others, one in Fortran's order is stored as its transpose, in C's."""
        if array.dtype.hasobject:
            raise Unstorable("it has an array of Python objects in it, whose content can't be told")
        if has_records(array.dtype):
            raise Unstorable(
                f"it has elements of the class {_name_of(array.dtype.type)} in it, which would not come back"
            )
        try:
            dtype = dtype_text(array.dtype)
        except (ValueError, TypeError) as error:
            raise Unstorable(f"it has an array of {array.dtype} in it, which NumPy can't describe: {error}") from None
        if array.nbytes > INLINE:
            fortran = array.flags.fnc
            return self.artifact("transposed" if fortran else "file", array.T if fortran else array)
        order: Literal["C", "F"] = "F" if array.flags.fnc else "C"
        data = binascii.b2a_base64(array.tobytes(order), newline=False).decode()
        return f'{{"{order}":[{dtype},{list(array.shape)},"{data}"]}}'

    def named(self, value: Any, depth: int) -> str:
        """Results of a cell by their names; a named tuple of another class by its class, for who still has that."""
        outputs = getattr(type(value), "_outputs", None)
        parts = ",".join(self.text(part, depth + 1) for part in value)
        if outputs is not None:
            return f'{{"results":[{quoted(type(value).__name__)},{json.dumps(list(outputs))},[{parts}]]}}'
        kind = type(value)
        if _find_class(kind.__module__, kind.__qualname__) is not kind:
            raise Unstorable(f"it has an object of the class {_class_name(value)} in it, which nobody could find again")
        return f'{{"named":[{quoted(kind.__module__)},{quoted(kind.__qualname__)},[{parts}]]}}'

    # ---- one for each class ----

    def _none(self, _value: None, _depth: int) -> str:
        return "null"

    def _bool(self, value: bool, _depth: int) -> str:
        return "true" if value else "false"

    def _int(self, value: int, _depth: int) -> str:
        return str(value) if -_EXACT <= value < _EXACT else _tagged("int", f'"{value:#x}"')

    def _float(self, value: float, _depth: int) -> str:
        return repr(value) if math.isfinite(value) else _tagged("float", f'"{_DOUBLE.pack(value).hex()}"')

    def _complex(self, value: complex, depth: int) -> str:
        return _tagged("complex", f"[{self._float(value.real, depth)},{self._float(value.imag, depth)}]")

    def _str(self, value: str, _depth: int) -> str:
        if len(value) <= INLINE and (value.isascii() or _is_valid(value)):
            return quoted(value)
        # Two surrogates side by side would come back as the one letter that they encode.
        return self._data("text", value.encode("utf-8", "surrogatepass"))

    def _bytes(self, value: bytes, _depth: int) -> str:
        return self._data("bytes", value)

    def _data(self, tag: str, data: bytes) -> str:
        if len(data) > INLINE:
            return self.artifact(f"long {tag}", data)
        return _tagged(tag, f'"{binascii.b2a_base64(data, newline=False).decode()}"')

    def _numpy_text(self, value: np.str_ | np.bytes_, depth: int) -> str:
        # Not as an array, which takes zeros at the end for padding; nor by str(), which leaves them out.
        plain = str.__getitem__(value, _ALL) if isinstance(value, np.str_) else bytes.__getitem__(value, _ALL)
        return _tagged("numpy", self.text(plain, depth))

    def _array(self, value: np.ndarray[Any, Any], _depth: int) -> str:
        return self.array(value)

    def _list(self, value: list[Any], depth: int) -> str:
        return f"[{self._parts(value, depth)}]"

    def _tuple(self, value: tuple[Any, ...], depth: int) -> str:
        return _tagged("tuple", f"[{self._parts(value, depth)}]")

    def _dict(self, value: dict[Any, Any], depth: int) -> str:
        flat = [part for item in value.items() for part in item]
        return _tagged("dict", f"[{self._parts(flat, depth)}]")

    def _parts(self, parts: Iterable[Any], depth: int) -> str:
        return ",".join([self.text(part, depth + 1) for part in parts])


_WRITERS: dict[type, Callable[[_Encoder, Any, int], str]] = {
    type(None): _Encoder._none,
    bool: _Encoder._bool,
    int: _Encoder._int,
    float: _Encoder._float,
    complex: _Encoder._complex,
    str: _Encoder._str,
    bytes: _Encoder._bytes,
    np.str_: _Encoder._numpy_text,
    np.bytes_: _Encoder._numpy_text,
    np.ndarray: _Encoder._array,
    np.memmap: lambda own, value, _: own.array(np.asarray(value)),
    list: _Encoder._list,
    tuple: _Encoder._tuple,
    dict: _Encoder._dict,
}


def _tagged(tag: str, text: str) -> str:
    return f'{{"{tag}":{text}}}'


def _is_valid(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _class_name(value: Any) -> str:
    return _name_of(type(value))


def _name_of(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _find_class(module: str, name: str) -> Any:
    """A class of a module that this process has imported; None where there is none. Nothing is imported for it."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


class _Decoder:
    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def value(self, node: Any) -> Any:
        """The value of one node of the tree."""
        if isinstance(node, list):
            return [self.value(part) for part in node]
        if not isinstance(node, dict):
            return node
        ((tag, content),) = node.items()
        return _READERS[tag](self, content)

    def _float(self, content: str) -> float:
        number: float = _DOUBLE.unpack(bytes.fromhex(content))[0]
        return number

    def _complex(self, content: list[Any]) -> complex:
        return complex(*map(self.value, content))

    def _dict(self, content: list[Any]) -> dict[Any, Any]:
        parts = map(self.value, content)
        return dict(zip(parts, parts, strict=True))

    def _scalar(self, content: Any) -> Any:
        return self.value(content)[()]

    def _numpy(self, content: Any) -> Any:
        plain = self.value(content)
        return np.str_(plain) if isinstance(plain, str) else np.bytes_(plain)

    def _array(self, content: list[Any], order: Any) -> np.ndarray[Any, Any]:
        dtype, shape, data = content
        return np.ndarray(tuple(shape), restore_dtype(dtype), binascii.a2b_base64(data), order=order)

    def _results(self, content: list[Any]) -> Any:
        cell, outputs, parts = content
        return result_type(cell, outputs)([self.value(part) for part in parts])

    def _named(self, content: list[Any]) -> Any:
        module, name, parts = content
        kind = _find_class(module, name)
        if len(parts) != len(getattr(kind, "_fields", ())):
            raise ValueError(f"there is no named tuple {module}.{name} of {len(parts)} values here any more")
        return kind._make(map(self.value, parts))


_READERS: dict[str, Callable[[_Decoder, Any], Any]] = {
    "int": lambda _, content: int(content, 16),
    "float": _Decoder._float,
    "complex": _Decoder._complex,
    "text": lambda _, content: binascii.a2b_base64(content).decode("utf-8", "surrogatepass"),
    "bytes": lambda _, content: binascii.a2b_base64(content),
    "long text": lambda own, content: own._read(content).decode("utf-8", "surrogatepass"),
    "long bytes": lambda own, content: own._read(content),
    "tuple": lambda own, content: tuple(map(own.value, content)),
    "dict": _Decoder._dict,
    "scalar": _Decoder._scalar,
    "numpy": _Decoder._numpy,
    "C": lambda own, content: own._array(content, "C"),
    "F": lambda own, content: own._array(content, "F"),
    "file": lambda own, content: own._read(content),
    "transposed": lambda own, content: own._read(content).T,
    "results": _Decoder._results,
    "named": _Decoder._named,
    "tree": lambda own, content: own.value(json.loads(own._read(content[0]))),
}
