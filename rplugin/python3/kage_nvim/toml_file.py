"""A TOML file read as a struct: what is wrong in it is said with the table and the keys it may have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from kage_nvim.errors import KageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T", bound=msgspec.Struct)


def load(path: Path, kind: type[T], prepare: Callable[[dict[str, Any]], None] = lambda _: None) -> T:
    """The file as a ``kind``, or its defaults when the file is absent; ``prepare`` may add to what was read.

    Raises:
        KageError: code ``config``; the file is not TOML, or a key is unknown or of the wrong type; the
            message names the key, what was expected and what was found.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return kind()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise bad(path, f"not valid TOML: {error}") from error
    except OSError as error:
        raise KageError(
            f"{path}: {error.strerror or error}", fix="It must be a file that you may read.", code="config"
        ) from error
    prepare(raw)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise bad(path, _explained(raw, kind, str(error))) from error


def bad(path: Path, what: str) -> KageError:
    """The error for a line of a file that cannot be meant so."""
    return KageError(
        f"{path}: {what}", fix="Correct that line; :help kage-config lists every key.", code="config"
    )


def _structs(hint: Any) -> list[type[msgspec.Struct]]:
    """The structs that a field's type names, such as that of ``Setup | None``."""
    parts = [hint, *get_args(hint)]
    return [part for part in parts if isinstance(part, type) and issubclass(part, msgspec.Struct)]


def _tables(kind: type[Any], *, named: bool) -> Mapping[str, type[msgspec.Struct]]:
    """The tables of a file: those whose names are the user's (``[players.NAME]``), or the single ones."""
    return {
        field: structs[0]
        for field, hint in get_type_hints(kind).items()
        if (structs := _structs(hint)) and (get_origin(hint) is dict) == named
    }


def _explained(raw: dict[str, Any], kind: type[Any], said: str) -> str:
    """msgspec's words with the name of the table that is meant, and with the keys that would be right."""
    for table, entry in _tables(kind, named=True).items():
        if f"$.{table}[...]" not in said:
            continue
        for name, value in raw[table].items():
            try:
                msgspec.convert(value, entry)
            except msgspec.ValidationError as error:
                return _with_keys(str(error), f"{table}.{name}", entry)
    return _with_keys(said, "", kind)


def _with_keys(said: str, name: str, kind: type[Any]) -> str:
    what, _, at = said.partition(" - at `$")
    inner = at.rstrip("`").lstrip(".")
    where = ".".join(part for part in (name, inner) if part)
    if "unknown field" in what:
        table = _tables(kind, named=False).get(inner, kind)
        what = f"{what}, expected one of {', '.join(table.__struct_fields__)}"
    if "Invalid enum value" in what and (choices := _choices(inner, kind)):
        what = f"expected one of {choices}, found {what.removeprefix('Invalid enum value ')}"
    return f"`{where}`: {what}" if where else what


def _choices(inner: str, kind: type[Any]) -> str:
    """The values that a key may have, where these are known words."""
    table, _, key = inner.rpartition(".")
    hints = get_type_hints(_tables(kind, named=False).get(table, kind))
    words = [word for part in (hints.get(key), *get_args(hints.get(key))) for word in get_args(part)]
    return ", ".join(word for word in dict.fromkeys(words) if word and isinstance(word, str))
