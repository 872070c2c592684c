"""Values between Python and the interface: dtypes, conversion of arguments, extents, results.

What lives here knows NumPy and the descriptor of a cell, and neither libraries nor runs.
"""

from hotplate.values.arguments import convert_argument
from hotplate.values.dtypes import describe_range, describe_type, describe_value, numpy_dtype
from hotplate.values.extents import ExtentTable, compile_extents
from hotplate.values.hashing import digest, has_records
from hotplate.values.results import adopt_array, field_value, result_fields, result_type

__all__ = [
    "ExtentTable",
    "adopt_array",
    "compile_extents",
    "convert_argument",
    "describe_range",
    "describe_type",
    "describe_value",
    "digest",
    "field_value",
    "has_records",
    "numpy_dtype",
    "result_fields",
    "result_type",
]
