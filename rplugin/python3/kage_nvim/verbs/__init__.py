"""The verbs that kaged answers; importing a module of them puts its rows into the table."""

from __future__ import annotations

from kage_nvim.verbs import (
    agents,
    combining,
    comparing,
    dividing,
    evaluating,
    landing,
    panes,
    reading,
    reviewing,
    spending,
)
from kage_nvim.verbs.table import VERBS, Verb

__all__ = [
    "VERBS",
    "Verb",
    "agents",
    "combining",
    "comparing",
    "dividing",
    "evaluating",
    "landing",
    "panes",
    "reading",
    "reviewing",
    "spending",
]
