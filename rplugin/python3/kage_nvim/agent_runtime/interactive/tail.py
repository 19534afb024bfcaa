"""What a CLI's hooks write while its own screen runs: a file of events that grows."""

from __future__ import annotations

import contextlib
from pathlib import Path


class Tail:
    """A file of events, one a line, that the program's hooks write."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._read = 0
        with contextlib.suppress(OSError):
            self._read = self._path.stat().st_size

    def lines(self) -> list[bytes]:
        """The whole lines since the last time."""
        try:
            if self._path.is_symlink() or self._path.stat().st_size <= self._read:
                return []
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read(1 << 20)
        except OSError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.splitlines()
