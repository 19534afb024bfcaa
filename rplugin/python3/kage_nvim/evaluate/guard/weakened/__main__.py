"""The reading of one change for weakened tests, as a process of its own.

What is read is written by agents: no text of theirs may hold up kaged, however long it is or whatever a
pattern makes of it. Asked in JSON on stdin, answered in JSON on stdout.
"""

from __future__ import annotations

import sys

import msgspec

from kage_nvim.evaluate.guard.weakened.apart import Asked
from kage_nvim.evaluate.guard.weakened.found import weakened


def main() -> None:
    """Answer one question."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    sys.stdout.buffer.write(msgspec.json.encode(weakened(asked, asked.base, asked.tree, asked.more)))


if __name__ == "__main__":
    main()
