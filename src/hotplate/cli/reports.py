"""The JSON documents of the command line. Their keys are a promise: added to, never renamed. See docs/cli.md."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.errors import CellCrashed, HotplateError
from hotplate.show.words import preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotplate.diagnostic import Diagnostic
    from hotplate.run import CellResult, Run


def dumps(document: Any) -> str:
    """Strict JSON: numbers that it does not have (NaN, infinities) become strings."""
    return json.dumps(_strict(document), indent=2, allow_nan=False)


def line(document: Any) -> str:
    """The same in one line."""
    return json.dumps(_strict(document), allow_nan=False)


def run_document(notebook: str, run: Run, saved: str | None = None, *, recorded: bool = False) -> dict[str, Any]:
    """`run --json`: the cells in dependency order with status, times (seconds) and values."""
    return {
        "notebook": notebook,
        "run": run.id,
        "ok": run.ok,
        "seconds": run.seconds,
        "cells": [cell_document(cell) for cell in run.cells.values()],
        "saved": saved,
        "recorded": recorded,
    }


def error_document(error: BaseException) -> dict[str, Any]:
    """What `--json` prints instead when nothing could run."""
    return {
        "ok": False,
        "error": type(error).__name__,
        "message": str(error),
        "exit_code": error.exit_code if isinstance(error, HotplateError) else 1,
        "diagnostics": diagnostic_list(getattr(error, "diagnostics", ())),
    }


def diagnostic_list(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Diagnostics with path, line and column (from 1), end column, severity, message, rule, hint, cell, notes."""
    return [
        {
            "severity": str(d.severity),
            "message": d.message,
            "path": d.path,
            "line": d.line,
            "column": d.column,
            "end_column": d.end_column,
            "cell": d.cell,
            "rule": d.rule,
            "hint": d.hint,
            "notes": diagnostic_list(d.notes),
        }
        for d in diagnostics
    ]


def cell_document(cell: CellResult) -> dict[str, Any]:
    """One cell's result, as `run --json` lists it."""
    error = cell.outcome.error
    return {
        "name": cell.name,
        "status": cell.status,
        "reason": cell.reason,
        "version": cell.version,
        "draft": cell.draft,
        "attempts": cell.outcome.attempts,
        "build_seconds": cell.build_seconds,
        "run_seconds": cell.outcome.seconds,
        "build_key": cell.build_key,
        "compiler": cell.compiler,
        "results": results(cell.value) if cell.outcome.ok else [],
        "error": None if cell.outcome.ok else str(error or cell.reason),
        "stdout": cell.outcome.stdout.text,
        "stderr": cell.outcome.stderr.text,
        "crash": _crash(error.report) if isinstance(error, CellCrashed) else None,
    }


def _crash(report: Any) -> dict[str, Any]:
    """How a worker ended."""
    where, diagnosis = report.where, report.diagnosis
    return {
        "signal": report.signal,
        "stage": str(report.stage),
        "headline": report.headline,
        "address": report.address,
        "path": where.path,
        "line": where.line,
        "column": where.column,
        "notes": diagnostic_list(where.notes),
        "inputs": dict(report.inputs),
        "diagnosis": diagnosis and {"words": diagnosis.words, "findings": diagnostic_list(diagnosis.findings)},
    }


def results(value: Any) -> list[dict[str, Any]]:
    """A value's parts: what each is called, is, and looks like."""
    fields = getattr(type(value), "_fields", None)
    if fields:
        return [{"field": field, **_value(getattr(value, field))} for field in fields]
    return [] if value is None else [{"field": None, **_value(value)}]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        described = {"dtype": value.dtype.name, "shape": list(value.shape)}
        return {"type": type_of(value), **described, "preview": preview(value)}
    plain = value if isinstance(value, (bool, int, float, str)) else repr(value)
    return {"type": type_of(value), "value": plain, "preview": preview(value)}


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
