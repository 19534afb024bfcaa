"""What test runners and linters write, one module for each form; which one a text has is found by looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kage_nvim.evaluate.outputs.formats import cargo, ctest, doctest, go, junit, pytest, sarif, tap, unittest
from kage_nvim.evaluate.outputs.formats.said import Said
from kage_nvim.evaluate.outputs.places import Places


class Format(NamedTuple):
    """How a form is known, and how it is read; ``read`` raises ``Unreadable``."""

    looks: Callable[[bytes], bool]
    read: Callable[[bytes, Places], Said]


FORMATS = {
    "junit": Format(junit.looks, junit.read),
    "sarif": Format(sarif.looks, sarif.read),
    "pytest": Format(pytest.looks, pytest.read),
    "go": Format(go.looks, go.read),
    "cargo": Format(cargo.looks, cargo.read),
    "ctest": Format(ctest.looks, ctest.read),
    "doctest": Format(doctest.looks, doctest.read),
    "unittest": Format(unittest.looks, unittest.read),
    "tap": Format(tap.looks, tap.read),
}
"""By the name that ``format`` of a check gives them, in the order in which they are tried."""


def found(data: bytes) -> Format | None:
    """The form that a text has, if it is a known one."""
    return next((form for form in FORMATS.values() if form.looks(data)), None)
