"""Whether two versions of a cell give the same result, and if not, where they differ. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotplate.values import digest, result_fields

__all__ = ["difference"]


def difference(wanted: Any, given: Any, rtol: float | None = None) -> str:
    """Where results differ, in words; "" when they are the same to the last bit, or to `rtol` of their size.

    NaN is the same as NaN, and without `rtol` 0.0 is not -0.0.
    """
    if (content := digest(wanted)) is not None and content == digest(given):
        return ""
    names, others = result_fields(wanted), result_fields(given)
    if names or others:
        return _fields(names, others, rtol)
    if type(wanted) is not type(given):
        return f"{_described(wanted)} against {_described(given)}"
    if isinstance(wanted, np.ndarray):
        return _arrays(wanted, given, rtol)
    if isinstance(wanted, (float, complex, np.inexact)) and _same(np.asarray(wanted), np.asarray(given), rtol).all():
        return ""
    return f"{wanted!r} against {given!r}"


def _fields(names: dict[str, Any], others: dict[str, Any], rtol: float | None) -> str:
    if names.keys() != others.keys():
        return f"results {', '.join(names) or 'value'} against {', '.join(others) or 'value'}"
    found = {name: text for name in names if (text := difference(names[name], others[name], rtol))}
    return "; ".join(f"{name}: {text}" for name, text in found.items())


def _arrays(wanted: np.ndarray[Any, Any], given: np.ndarray[Any, Any], rtol: float | None) -> str:
    if wanted.dtype != given.dtype or wanted.shape != given.shape:
        return f"{_described(wanted)} against {_described(given)}"
    unlike = ~_same(wanted, given, rtol)
    count = int(unlike.sum())
    if not count:
        return ""
    at = tuple(int(i) for i in np.argwhere(unlike)[_worst(wanted[unlike], given[unlike])])
    place = ", ".join(map(str, at))
    return f"{count} of {wanted.size} elements differ, most of all [{place}]: {wanted[at]} against {given[at]}"


def _same(wanted: np.ndarray[Any, Any], given: np.ndarray[Any, Any], rtol: float | None) -> np.ndarray[Any, Any]:
    if wanted.dtype.kind not in "fc":
        return _same_bytes(wanted, given)
    if rtol is None:
        return _same_numbers(wanted, given)
    close: np.ndarray[Any, Any] = np.isclose(given, wanted, rtol=rtol, atol=0.0, equal_nan=True)
    return close


def _same_numbers(wanted: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Not by their bytes: a NaN that clang computes ahead has another sign than one that the processor makes."""
    same: np.ndarray[Any, Any]
    if wanted.dtype.kind == "c":
        same = _same_numbers(wanted.real, given.real) & _same_numbers(wanted.imag, given.imag)
    else:
        same = (wanted == given) & (np.signbit(wanted) == np.signbit(given)) | np.isnan(wanted) & np.isnan(given)
    return same


def _same_bytes(wanted: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    size = wanted.dtype.itemsize
    first, second = (np.ascontiguousarray(it).reshape(-1).view(np.uint8).reshape(-1, size) for it in (wanted, given))
    same: np.ndarray[Any, Any] = (first == second).all(axis=1).reshape(wanted.shape)
    return same


def _worst(wanted: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> int:
    """The index of the largest difference; of what can't be subtracted, the first."""
    if wanted.dtype.kind not in "fciu":
        return 0
    with np.errstate(all="ignore"):
        distance = np.abs(wanted.astype(np.complex128) - given.astype(np.complex128))
    return int(np.argmax(np.where(np.isnan(distance), np.inf, distance)))


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    return type(value).__name__
