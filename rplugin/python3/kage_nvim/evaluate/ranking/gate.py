"""The gate: what a candidate must be to be ranked at all: something, and something that can be read. Pure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping

from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.ranking.probes.subjects import LARGEST, parsed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BUILDS = re.compile(r"\b(build|compile)\b", re.IGNORECASE)
# These are JSON by name only: comments are allowed in them.
_COMMENTED = re.compile(r"(^|/)(tsconfig[^/]*|jsconfig|\.vscode/[^/]*|\.devcontainer/[^/]*)\.json$")

COMPILES = "import sys\nfor path in sys.argv[1:]: compile(open(path, 'rb').read(), path, 'exec')"
"""A program for the project's Python: it ends well when that can read all files that it is given."""


def unreadable(path: str, data: bytes) -> str:
    """Why a file is not what its name says, in a few words; empty: nothing is known against it."""
    if len(data) > LARGEST:
        return ""
    if path.endswith((".py", ".pyi")):
        return "" if parsed(data) is not None else "is no valid Python"
    try:
        if path.endswith(".toml"):
            tomllib.loads(data.decode())
        elif path.endswith(".json") and not _COMMENTED.search(path):
            json.loads(data)
    except (ValueError, RecursionError):
        return f"is no valid {path.rpartition('.')[2].upper()}"
    return ""


def broken(base: Mapping[str, bytes], files: Mapping[str, bytes]) -> dict[str, str]:
    """What cannot be read of the files that a candidate changed, by path; what could not be read at the base
    either is not the candidate's doing."""
    found = {}
    for path, data in sorted(files.items()):
        why = unreadable(path, data)
        if why and not (path in base and unreadable(path, base[path])):
            found[path] = why
    return found


def not_built(evaluation: Evaluation) -> str:
    """A check that builds, or cannot even be started, though it can at the base; empty: none."""
    for result in evaluation.results:
        if result.name not in result.regressed:
            continue
        if result.required and result.state == "error":
            return f"{result.name} cannot be run: {result.summary}".removesuffix(": ")
        if _BUILDS.search(result.name) and not result.good:
            return f"it does not build: {result.name} {result.state}s"
    return ""
