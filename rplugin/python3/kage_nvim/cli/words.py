"""Words of the command line, and the place it is given in, as kaged takes them."""

from __future__ import annotations

import os
import re

from kage_nvim.errors import KageError, usage


def here() -> str:
    """The folder that this shell is in.

    Raises:
        KageError: it was removed, or its name cannot be said to kaged.
    """
    try:
        folder = os.getcwd()  # noqa: PTH109
        folder.encode("utf-8")
    except FileNotFoundError:
        raise KageError(
            "this folder is gone", fix="Go to one that exists (cd).", code="no_repository"
        ) from None
    except UnicodeEncodeError:
        shown = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise KageError(
            f"the path of this folder is not UTF-8: {shown}",
            fix="Rename the folders that are named so.",
            code="path",
        ) from None
    return folder


def split(words: list[str]) -> tuple[str | list[int], str]:
    """The agents that the first words name (``2``, ``2 3``, ``2,3`` or ``all``), and the text after them.

    A single word that is neither goes to kaged as it is, which says what it should have been.
    """
    if words[0] == "all":
        return "all", " ".join(words[1:])
    count = 0
    while count < len(words) and re.fullmatch(r"\d+(,\d+)*,?", words[count]):
        count += 1
    if count == 0:
        return words[0], " ".join(words[1:])
    numbers = [int(number) for word in words[:count] for number in word.split(",") if number]
    return numbers, " ".join(words[count:])


def inside(path: str) -> str:
    """A path as the shell names it, made absolute (kaged knows the root).

    Raises:
        KageError: it is empty, which as a path would be this folder with all that is in it.
    """
    if not path:
        raise usage("a path is empty", "Name a file or folder, or leave the empty word away.")
    return os.path.abspath(path)  # noqa: PTH100
