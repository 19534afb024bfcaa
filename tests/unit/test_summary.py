"""Summaries out of log lines, as Kage's own agent and the CLIs write them."""

from __future__ import annotations

from typing import Any

import pytest

from kage_nvim.cli.render import event
from kage_nvim.model import AgentStatus, State
from kage_nvim.orchestrator.summary import seen_in, summarise, told

PYTEST = "....F\n=========== 1 failed, 4 passed, 2 warnings in 0.31s ===========\n"
RUNNERS: list[tuple[str, tuple[str, int, int] | None]] = [
    (PYTEST, ("pytest", 4, 1)),
    ("...\n3 passed in 0.02s", ("pytest", 3, 0)),
    ("= 2 failed, 1 passed, 1 error in 61.02s (0:01:01) =", ("pytest", 1, 3)),
    ("Ran 5 tests in 0.002s\n\nFAILED (failures=1, errors=1)", ("unittest", 3, 2)),
    ("Ran 1 test in 0.000s\n\nOK", ("unittest", 1, 0)),
    (
        "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
        "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ("cargo", 7, 1),
    ),
    ("ok  \texample.com/a\t0.01s\n--- FAIL: TestB (0.00s)\nFAIL\texample.com/b\t0.02s", ("go", 1, 1)),
    ("--- PASS: TestA (0.00s)\n--- PASS: TestB (0.00s)\nok  \texample.com/a\t(cached)", ("go", 2, 0)),
    ("Tests:       1 failed, 1 skipped, 12 passed, 14 total", ("jest", 12, 1)),
    ("\x1b[2m      Tests \x1b[22m 1 failed | 2 passed (3)", ("vitest", 2, 1)),
    ("  3 passing (12ms)\n  1 failing", ("mocha", 3, 1)),
    ("# tests 3\n# pass 2\n# fail 1", ("node", 2, 1)),
    ("compiled 3 files in 0.2s", None),
    ("ok", None),
]


@pytest.mark.parametrize("text, expected", RUNNERS)
def test_runners(text: str, expected: tuple[str, int, int] | None) -> None:
    seen = seen_in(text)
    assert (seen and (seen.runner, seen.passed, seen.failed)) == expected


def call(name: str, args: object, text: str, ok: bool = True, at: float = 1.0) -> list[dict[str, Any]]:
    """A tool's two lines."""
    id = f"{name}{args}"
    return [
        {"t": at, "kind": "tool", "id": id, "name": name, "args": args},
        {"t": at + 1, "kind": "result", "id": id, "name": name, "ok": ok, "text": text, "seconds": 1.0},
    ]


def test_what_agents_did_whoever_they_are() -> None:
    events = [
        *call("edit", {"path": "a.py", "old": "x", "new": "y"}, "edited a.py"),
        *call("edit", {"path": "missed.py", "old": "x", "new": "y"}, "not found", ok=False),
        *call("read", {"path": "seen.py"}, "seen.py, lines 1-2 of 2"),
        *call("shell", {"command": "pytest -q"}, f"exit 1 after 0.4 s\n{PYTEST}", ok=False),
        *call("Edit", {"file_path": "/slot/b.py", "old_string": "1", "new_string": "2"}, "ok"),
        *call("Bash", '{"command": "ls"}', "b.py"),
        *call("exec_command", {"cmd": ["bash", "-lc", "make"]}, "Process exited with code 2", ok=False),
        *call("apply_patch", {"input": "*** Begin Patch\n*** Update File: c.py\n*** End Patch"}, "ok"),
        *call("file_change", {"changes": [{"path": "/slot/d.py", "kind": "add"}]}, "ok", at=9.0),
        {"t": 11.0, "kind": "usage", "tokens_in": 5, "tokens_cached": 0, "tokens_out": 1, "cost_usd": None},
        {"t": 11.0, "kind": "steer", "text": "also None"},
        {"t": 11.0, "kind": "summary", "text": "All done.\nNothing is left."},
    ]
    status = AgentStatus(number=2, player="p", state=State.DONE, tokens_in=5, cost_usd=None)
    made = summarise(events, status, "/slot")
    assert made.files == ["a.py", "b.py", "c.py", "d.py"]
    assert [(run.command, run.exit) for run in made.commands] == [
        ("pytest -q", 1),
        ("ls", 0),
        ("bash -lc make", 2),
    ]
    assert [(seen.passed, seen.failed, seen.command) for seen in made.tests] == [(4, 1, "pytest -q")]
    assert (made.calls, made.cost_usd, made.seconds, made.words) == (
        1,
        None,
        10.0,
        "All done.\nNothing is left.",
    )
    text = told(made)
    assert "Nothing is left." in text and "a.py, b.py" in text and "4 passed, 1 failed" in text
    assert "also None" in text
    later = summarise([*events, {"t": 12.0, "kind": "steer", "text": "more"}], status, "/slot")
    assert later.words.startswith("Before the last message to it: All done.")


OWN_WORDS = [
    ("killed after 1 s; what it printed until then:\nexit 7", False, None),
    ("exit 0\nexit code: 3", True, 0),
    ("done\nexited with code 3", True, 0),
    ("Exit code: 2\nWall time: 0 seconds\nOutput:\nexit 7", False, 2),
    ("Chunk ID: a\nProcess exited with code 3\nOutput:\nexit 7", False, 3),
    ("Command: make\nOutput: exit 7\nExit Code: 4\nProcess Group PGID: 5", False, 4),
]


@pytest.mark.parametrize(("text", "ok", "code"), OWN_WORDS)
def test_the_exit_code_is_the_tools_not_the_outputs(text: str, ok: bool, code: int | None) -> None:
    made = summarise(call("shell", {"command": "x"}, text, ok), AgentStatus(number=1, player="p"))
    assert made.commands[0].exit == code


def test_a_candidate_in_the_log() -> None:
    entry = {"t": 0, "kind": "candidate", "commit": "0123456789abcdef", "files": ["a.py", "b.py"]}
    assert event(entry)[0].endswith("candidate 0123456789ab: a.py, b.py")


def test_a_log_without_much_in_it() -> None:
    status = AgentStatus(number=1, player="p", state=State.FAILED, reason="no key")
    made = summarise([{"kind": "text", "text": " last words "}, {}, {"kind": "result"}], status)
    assert (made.words, made.files, made.commands, made.seconds) == ("last words", [], [], 0.0)


def test_what_commands_changed_is_known_once_the_turn_has_ended() -> None:
    events = [
        *call("edit", {"path": "a.py", "old": "x", "new": "y"}, "edited a.py"),
        *call("shell", {"command": "git mv a.py b.py"}, "exit 0, no output"),
        {"t": 3.0, "kind": "candidate", "commit": "c" * 40, "files": ["b.py"]},
    ]
    made = summarise(events, AgentStatus(number=1, player="fast"))
    assert made.files == ["b.py"]
