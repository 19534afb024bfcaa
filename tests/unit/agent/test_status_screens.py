# ruff: noqa: RUF001
"""Panes of the real CLIs, recorded in tmux at several sizes, and the state that each must be named with.

``tests/fixtures/clis/NAME/screens/STATE-WIDTHxHEIGHT.txt`` is ``capture-pane -p -e``, ``….title`` its title.
The first word of STATE says what it was.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.agent_runtime.clis.status import classify
from kage_nvim.agent_runtime.players import describe

CLIS = Path(__file__).parents[2] / "fixtures" / "clis"
NAMES = ("claude", "codex", "opencode", "gemini", "qwen", "aider", "mini")
MEANS = {
    "idle": "starting",
    "exited": "stopped",
    "trust": "waiting trust",
    "permission": "waiting permission",
    "question": "waiting question",
}
PROSE = """  The status line says:

    * Thinking… (12s · esc to interrupt)
    ⠙ Working (3s · esc to cancel)
    Do you want to proceed?
    ❯ 1. Yes
      2. No
    Allow execution of: 'rm'?  (Y)es/(N)o
    API Error: 400 is what it said; Request cancelled. Interrupted · What should I do?
"""


def named(name: str, screen: str, title: str = "") -> str:
    """The state in one or two words, ``unknown`` when no rule fits."""
    found = classify(describe(name, {}), screen, title)
    if found is None:
        return "unknown"
    return f"{found[0].state} {found[0].waiting}".strip()


def recorded(name: str) -> list[Path]:
    return sorted((CLIS / name / "screens").glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
def test_each_recorded_pane_is_named(name: str) -> None:
    panes = recorded(name)
    assert len(panes) > 25
    wrong = []
    for pane in panes:
        word = pane.stem.split("-")[0]
        got = named(name, pane.read_text("utf-8"), pane.with_suffix(".title").read_text("utf-8").strip())
        # A shell's line after the end of a program, or a program that has drawn little, may be nobody's.
        allowed = {MEANS.get(word, word)} | ({"unknown"} if word in ("exited", "starting") else set())
        if got not in allowed:
            wrong.append((pane.stem, got))
    assert wrong == []


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "gemini", "qwen"])
def test_what_an_agent_quotes_changes_nothing(name: str) -> None:
    """Prose with every sign in it, put between the transcript and the program's own last lines."""
    for state in ("done", "working-think", "permission-bash"):
        pane = CLIS / name / "screens" / f"{state}-120x40.txt"
        lines = pane.read_text("utf-8").rstrip("\n").split("\n")
        title = pane.with_suffix(".title").read_text("utf-8").strip()
        before = named(name, "\n".join(lines), title)
        for at in range(4):
            quoted = [*lines[:at], *PROSE.splitlines(), *lines[at:]]
            assert named(name, "\n".join(quoted), title) == before, (state, at)
