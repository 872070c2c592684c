"""The binary interface as Python sees it: the only package that imports the native core through cffi.

What lives here: the core's `ffi` and `lib`, the status vocabulary, a cell's descriptor as a value, and the handshake
that refuses a library of another version. What does not: NumPy (`values`), libraries and calls (`load`).
"""

from hotplate.abi.core import CORE_VERSION, Status, ffi, lib, meaning
from hotplate.abi.descriptor import CellDescriptor, DType, Field, PortDescriptor, PortForm, Record, read_descriptor
from hotplate.abi.handshake import handshake

__all__ = [
    "CORE_VERSION",
    "CellDescriptor",
    "DType",
    "Field",
    "PortDescriptor",
    "PortForm",
    "Record",
    "Status",
    "ffi",
    "handshake",
    "lib",
    "meaning",
    "read_descriptor",
]
