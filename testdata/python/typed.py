"""Python values as JSON and back, in the form that testdata/vectors/README.md calls "Typed values"."""

import struct
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

from markupsafe import Markup


def to_python(typed):
    """The Python value that a typed value stands for."""
    return READERS[typed["t"]](typed)


def to_typed(value):
    """The typed value of a Python value. Exact types first, then the nearest base class."""
    writer = WRITERS.get(type(value))
    if writer is None:
        writer = next((w for kind, w in WRITERS.items() if isinstance(value, kind)), None)
    if writer is None:
        raise TypeError(f"no typed form for {type(value).__name__}")
    return writer(value)


def read_float(typed):
    if "bits" in typed:
        return struct.unpack(">d", bytes.fromhex(typed["bits"]))[0]
    return float(typed["v"])


def read_datetime(typed):
    value = datetime.fromisoformat(typed["v"])
    offset = typed.get("utc_offset")
    return value if offset is None else value.replace(tzinfo=timezone(timedelta(seconds=offset)))


def read_key(key):
    return key if isinstance(key, str) else to_python(key)


def write_float(value):
    return {"t": "float", "v": repr(value), "bits": struct.pack(">d", value).hex()}


def write_str(value, kind="str"):
    if value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value):
        return {"t": kind, "v": str(value)}
    return {"t": f"{kind}_cp", "v": [ord(c) for c in value]}


def write_datetime(value):
    offset = value.utcoffset()
    seconds = None if offset is None else int(offset.total_seconds())
    return {"t": "datetime", "v": value.replace(tzinfo=None).isoformat(), "utc_offset": seconds}


def write_key(key):
    typed = to_typed(key)
    return key if typed["t"] == "str" else typed


READERS = {
    "null": lambda typed: None,
    "bool": lambda typed: typed["v"],
    "int": lambda typed: int(typed["v"]),
    "float": read_float,
    "str": lambda typed: typed["v"],
    "str_cp": lambda typed: "".join(map(chr, typed["v"])),
    "bytes": lambda typed: bytes.fromhex(typed["v"]),
    "uuid": lambda typed: uuid.UUID(typed["v"]),
    "markup": lambda typed: Markup(typed["v"]),
    # Not in the vectors: safe text with lone surrogates, which random sessions may hold.
    "markup_cp": lambda typed: Markup("".join(map(chr, typed["v"]))),
    "datetime": read_datetime,
    "date": lambda typed: date.fromisoformat(typed["v"]),
    "time": lambda typed: time.fromisoformat(typed["v"]),
    "timedelta": lambda typed: timedelta(seconds=typed["v"]),
    "decimal": lambda typed: Decimal(typed["v"]),
    "complex": lambda typed: complex(typed["v"]),
    "list": lambda typed: [to_python(v) for v in typed["v"]],
    "tuple": lambda typed: tuple(to_python(v) for v in typed["v"]),
    "set": lambda typed: {to_python(v) for v in typed["v"]},
    "dict": lambda typed: {read_key(k): to_python(v) for k, v in typed["v"]},
}

# A base class stands after its subclasses: bool is an int, Markup a str, datetime a date.
WRITERS = {
    type(None): lambda value: {"t": "null"},
    bool: lambda value: {"t": "bool", "v": value},
    int: lambda value: {"t": "int", "v": str(value)},
    float: write_float,
    Markup: lambda value: write_str(value, "markup"),
    str: write_str,
    bytes: lambda value: {"t": "bytes", "v": value.hex()},
    uuid.UUID: lambda value: {"t": "uuid", "v": str(value)},
    datetime: write_datetime,
    date: lambda value: {"t": "date", "v": value.isoformat()},
    time: lambda value: {"t": "time", "v": value.isoformat()},
    timedelta: lambda value: {"t": "timedelta", "v": value.total_seconds()},
    Decimal: lambda value: {"t": "decimal", "v": str(value)},
    complex: lambda value: {"t": "complex", "v": str(value)},
    list: lambda value: {"t": "list", "v": [to_typed(v) for v in value]},
    tuple: lambda value: {"t": "tuple", "v": [to_typed(v) for v in value]},
    set: lambda value: {"t": "set", "v": [to_typed(v) for v in value]},
    dict: lambda value: {"t": "dict", "v": [[write_key(k), to_typed(v)] for k, v in value.items()]},
}
