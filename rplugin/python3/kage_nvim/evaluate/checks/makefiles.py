"""What a makefile says of a repository's checks: which targets it has, and what they run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kage_nvim.evaluate.checks.signs import MANAGERS, Files

_RULE = re.compile(r"^(([\w./ -]+?)\s*::?(?!=)(.*)(?:\n\t.*)*)", re.MULTILINE)


def make(files: Files, *targets: str) -> str:
    """The first of these targets that the makefile has."""
    has = {name for _, names, _ in _RULE.findall(_makefile(files)) for name in names.split()}
    found = (name for name in targets if name in has)
    return f"make {name}" if (name := next(found, "")) else ""


def repeats(files: Files, command: str, others: list[str]) -> bool:
    """Whether a make target runs what was found beside it."""
    recipe = "\n".join(_recipes(_makefile(files), command.split()[-1]))
    words = {"go": "go test", "cargo": "cargo test", "maven": "mvn"} | {
        name: f"{name} test" for name in MANAGERS
    }
    return any(words.get(name, name) in recipe for name in others if name != "make")


def _recipes(text: str, target: str) -> Iterator[str]:
    """A target's rule, and those of what it needs."""
    rules = {
        name: (needs or "", rule) for rule, names, needs in _RULE.findall(text) for name in names.split()
    }
    left, seen = [target], {target}
    while left:
        needs, rule = rules.get(left.pop(), ("", ""))
        yield rule
        new = set(needs.split("#")[0].split()) - seen
        seen |= new
        left += sorted(new)


def _makefile(files: Files) -> str:
    return next(filter(None, (files.text(name) for name in ("GNUmakefile", "makefile", "Makefile"))), "")
