"""Where git borrows objects from: ``info/alternates``, one folder a line, quoted where a line needs it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def follow(objects: Iterable[Path]) -> list[Path]:
    """The object folders and all that they borrow from, each once, under the names that git looks up."""
    found: dict[Path, None] = {}
    todo = list(objects)
    while todo:
        folder = Path(os.path.normpath(todo.pop(0)))
        if folder in found or not folder.is_dir():
            continue
        found[folder] = None
        todo += [folder / name for name in _read(folder)]
    return list(found)


def listed(folders: Iterable[Path | str]) -> bytes:
    """The content of an ``info/alternates`` that names these folders."""
    return b"".join(_quoted(os.fsencode(folder)) + b"\n" for folder in folders)


def _read(folder: Path) -> list[str]:
    try:
        lines = (folder / "info/alternates").read_bytes().split(b"\n")
    except OSError:
        return []
    return [os.fsdecode(_unquoted(line)) for line in lines if line and not line.startswith(b"#")]


def _quoted(name: bytes) -> bytes:
    if name[:1] not in (b"#", b'"') and b"\n" not in name:
        return name
    escaped = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _unquoted(line: bytes) -> bytes:
    if len(line) < 2 or not (line.startswith(b'"') and line.endswith(b'"')):
        return line
    return line[1:-1].decode("unicode_escape").encode("latin-1")
