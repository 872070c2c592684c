"""Python values as bytes, with the memory of their arrays beside them. Worker and controller both use it.

The worker imports it by its path and without the package: it needs nothing but Python itself.
"""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

assert sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotplate.execute.workers.python.wire import Part, Shared

_PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes))


def encode(value: Any, shared: Shared | None = None) -> list[Part]:
    """A value as its pickle and the buffers of its arrays. Raises whatever the value raises when it is pickled."""
    return _encode(value, _is_plain(value), shared)


def encode_arguments(arguments: Mapping[str, Any], shared: Shared | None = None) -> list[Part]:
    """`encode` for the arguments of a call, which are often plain, one by one."""
    return _encode(dict(arguments), all(map(_is_plain, arguments.values())), shared)


def decode(parts: Sequence[memoryview]) -> Any:
    """The value of `encode`. Its arrays are read-only, for they lie in memory that is."""
    return pickle.loads(parts[0], buffers=parts[1:])


def seal(value: Any) -> Any:
    """The value, read-only if it is an array: one with gaps travels in the pickle, as a copy that could be written."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        value.flags.writeable = False
    return value


def _encode(value: Any, plain: bool, shared: Shared | None) -> list[Part]:
    buffers: list[pickle.PickleBuffer] = []
    dumps = pickle.dumps if plain else _cloudpickle().dumps
    stream = dumps(value, protocol=5, buffer_callback=buffers.append)
    return [stream, *(_placed(buffer.raw(), shared) for buffer in buffers)]


def _is_plain(value: Any) -> bool:
    """Whether pickle itself will do: cloudpickle takes twice as long, and 30 ms to import."""
    if type(value) in _PLAIN:
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and not value.dtype.hasobject


def _cloudpickle() -> Any:
    import cloudpickle  # type: ignore[import-untyped]  # it has no stubs

    return cloudpickle


def _placed(data: memoryview, shared: Shared | None) -> Part:
    if shared is None or not data.nbytes:
        return data
    import numpy as np

    return shared.place(np.frombuffer(data, np.uint8)) or data
