r"""Scalars of YAML 1.2: what a word without quotes means, and how a value is written.

The core schema (yaml.org/spec/1.2.2, section 10.3.2), so `no` and `on` are text, `012` is
twelve and `1e-3` is a number. ruamel.yaml wants a dot in `1.0e-3`, hence this file.
"""

import json
import math
import re
from typing import Any

NULL = {"", "~", "null", "Null", "NULL"}
BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
SAFE = re.compile(r"[A-Za-z_][\w./-]*( [\w./-]+)*", re.ASCII)

MAX_DIGITS = 400
"""More than any 64-bit number needs; Python's own limit on long integers is an error."""


def resolve(text: str) -> Any:
    """The value of a word without quotes; ValueError for a number that 64 bits cannot hold.

    >>> [resolve(text) for text in ("1e-3", "0o14", "012", "no", "~", "true")]
    [0.001, 12, 12, 'no', None, True]
    """
    if text in NULL:
        return None
    if text in BOOL:
        return BOOL[text]
    if INT.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits is too long")
        return float(text)
    if special := SPECIAL.fullmatch(text):
        return math.nan if special[3] else math.copysign(math.inf, -1 if special[1] == "-" else 1)
    return text


def _integer(text: str) -> int:
    if len(text) <= MAX_DIGITS:
        value = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if -(2**63) <= value < 2**63:
            return value
    raise ValueError(f"an integer of {len(text)} digits is too large: at most {2**63 - 1}")


def written(value: Any) -> str:
    """A scalar as YAML; `resolve` reads it back.

    >>> print(written("adding problem"), written("8"), written(1e-3), written(None))
    adding problem "8" 0.001 null
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf"
    if isinstance(value, str):
        return value if SAFE.fullmatch(value) and _is_text(value) else _quoted(value)
    return repr(value)


def shown(value: Any) -> str:
    """A value in a message: short, on one line, and as a YAML author would name it.

    >>> print(shown("fast"), shown("8"), shown(None), shown([1, 2]), shown(True))
    'fast' the text '8' nothing a list true
    """
    if isinstance(value, str):
        text = repr(value if len(value) <= 60 else f"{value[:57]}...")
        return text if _is_text(value) else f"the text {text}"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a section"
    return "nothing" if value is None else str(value).lower()


def _is_text(text: str) -> bool:
    try:
        return isinstance(resolve(text), str)
    except ValueError:
        return False


def _quoted(text: str) -> str:
    def escaped(character: str) -> str:
        if character.isprintable():
            return json.dumps(character, ensure_ascii=False)[1:-1]
        return f"\\U{ord(character):08x}"

    return f'"{"".join(map(escaped, text))}"'
