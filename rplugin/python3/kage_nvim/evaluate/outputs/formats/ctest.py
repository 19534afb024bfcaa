"""What CMake's ``ctest`` says."""

from __future__ import annotations

import re

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, seconds
from kage_nvim.evaluate.outputs.places import Places

_TEST = re.compile(
    r"^ *[0-9]+/[0-9]+ +Test +#[0-9]+: (?P<name>.+?) \.*(?P<state> +Passed|\*\*\*[A-Za-z ]+?)"
    r"(?: +(?P<took>[0-9.]+) sec)?$"
)
_END = re.compile(r"^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+", re.MULTILINE)


def looks(data: bytes) -> bool:
    """Its sum."""
    return _END.search(data.decode("utf-8", "replace")) is not None


def read(data: bytes, places: Places) -> Said:
    """Every test."""
    lines = text.plain(data)
    tests = Tests()
    for line in lines:
        if found := _TEST.match(line):
            word = found["state"].strip(" *")
            state = {"Passed": "pass", "Skipped": "skip", "Not Run (Disabled": "skip"}.get(word, "fail")
            tests.add(found["name"], state, seconds=seconds(found["took"]), text=word)
    return tests.said(complaints.places(lines, places))
