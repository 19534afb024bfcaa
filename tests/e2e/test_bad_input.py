"""Bad input that is refused: one row each. What happened, what was found, the fix; nothing is left behind.

Rows share one machine, so each also shows that the one before left nothing that is in its way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kage_nvim import paths
from tests.conftest import git
from tests.e2e.bad_input import WRITES, Row, kage, nothing_left, nothing_taken, play
from tests.e2e.stage import Stage, tape


def text(name: str, content: str | bytes) -> object:
    """Arrange that a file of the repository holds this."""

    def write(root: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        (root / name).write_bytes(data)

    return write


def nowhere(root: Path) -> None:
    """A folder in no repository, a bare repository and a git directory beside the user's."""
    if not (root.parent / "bare.git").exists():
        (root.parent / "plain").mkdir()
        git(root.parent, "init", "-q", "--bare", "bare.git")


SPAWN = ["spawn", "-n", "1", "do it"]
OUTSIDE = ["plain is not in a git repository", "git init"]
VERBS = [
    ["spawn", "-n", "1", "do it"],
    ["status"],
    ["wait"],
    ["log", "1"],
    ["send", "1", "hello"],
    ["stop", "all"],
    ["diff"],
    ["accept", "1"],
    ["undo"],
    ["history"],
    ["clean"],
    ["explain", "1"],
    ["cost"],
]

PLACES = [
    *(Row(f"outside: {v[0]}", v, 1, OUTSIDE, arrange=nowhere, at="../plain") for v in VERBS),
    Row("bare", SPAWN, 1, ["bare.git is a bare repository", "git clone"], arrange=nowhere, at="../bare.git"),
    Row("in .git", SPAWN, 1, ["inside a git directory", "project's own folder"], at=".git"),
]
WORDS = [
    Row("no verb", [], 2, ["VERB", "--help"]),
    Row("unknown verb", ["spwan"], 2, ["spwan", "--help"]),
    Row("a count of 0", ["spawn", "-n", "0", "x"], 2, ["0 agents were asked for", "from 1 to 50"]),
    Row("a count of 51", ["spawn", "-n", "51", "x"], 2, ["51 agents were asked for", "from 1 to 50"]),
    Row("a count below 0", ["spawn", "-n", "-1", "x"], 2, ["-1 agents were asked for", "from 1 to 50"]),
    Row("a huge count", ["spawn", "-n", "9" * 30, "x"], 2, ["agents were asked for", "from 1 to 50"]),
    Row("a count of x", ["spawn", "-n", "x", "x"], 2, ["-n: invalid int value: 'x'", "--help"]),
    Row("unknown player", ["spawn", "--player", "nobody", "x"], 2, ["`nobody` (known: fix)", "config.toml"]),
    Row("no player's name", ["spawn", "--player", "fix:", "x"], 2, ["`fix:` is no player", "name:2+role"]),
    Row("a player 0 times", ["spawn", "--player", "fix:0", "x"], 2, ["0 agents", "from 1 to 50"]),
    Row("a player 51 times", ["spawn", "--player", "fix:51", "x"], 2, ["51 agents", "from 1 to 50"]),
    Row(
        "a player very often", ["spawn", "--player", f"fix:{'9' * 5000}", "x"], 2, ["is no player", "name:2"]
    ),
    Row("no task", ["spawn"], 2, ["the task is empty", "Say in a sentence"]),
    Row("an empty task", ["spawn", ""], 2, ["the task is empty", "Say in a sentence"]),
    Row("a blank task", ["spawn", " \n\t "], 2, ["the task is empty", "Say in a sentence"]),
    Row("a task of control characters", ["spawn", "\x1b\x07\x9b"], 2, ["the task is empty"]),
    Row("nothing on stdin", ["spawn", "-"], 2, ["the task is empty"]),
    Row("an option as task", ["spawn", "--fix-it"], 2, ["--fix-it", "goes after --"]),
    Row("more than eight", ["spawn", "-n", "9", "x"], 4, ["Start 9 agents at once?", "--yes"]),
    Row("no run", ["wait"], 3, ["no run in", "kage spawn TASK"]),
    Row("unknown run", ["status", "--run", "nope"], 1, ["there is no run nope", "kage status"]),
    Row("unknown agent's name", ["log", "x"], 2, ["invalid int value: 'x'"]),
    Row("a timeout of x", ["wait", "--timeout", "x"], 2, ["invalid float value: 'x'"]),
    Row("nothing to undo", ["undo"], 3, ["no landing to undo here"]),
    Row("nothing to clean", ["clean", "--all"], 3, ["nothing to clean"]),
]
UNTRUSTED = '[setup]\ncommand = "touch ran"\n'
SETTINGS = [
    Row(".kage.toml: unknown key", SPAWN, 1, [".kage.toml", "`chekcs`", ":help kage-config"],
        arrange=text(".kage.toml", "[chekcs.test]\ncommand = 'x'\n")),
    Row(".kage.toml: wrong type", SPAWN, 1, [".kage.toml", "`float", "`str`", "`budget.run_usd`"],
        arrange=text(".kage.toml", "[budget]\nrun_usd = 'much'\n")),
    Row(".kage.toml: not TOML", SPAWN, 1, [".kage.toml: not valid TOML", "line 1"],
        arrange=text(".kage.toml", "setup: npm ci\n")),
    Row(".kage.toml: not text", SPAWN, 1, [".kage.toml: not valid TOML"],
        arrange=text(".kage.toml", b"\xff\xfe")),
    Row("setup without trust", SPAWN, 4, ["Trust .kage.toml of project?", "`touch ran`", "--yes"],
        arrange=text(".kage.toml", UNTRUSTED)),
    Row("failing setup", [*SPAWN, "--yes"], 1, ["the setup command ended with 7", "no such thing", "[setup]"],
        arrange=text(".kage.toml", "[setup]\ncommand = 'echo no such thing; exit 7'\n")),
]  # fmt: skip


@pytest.fixture
def one(stage: Stage, tmp_path: Path) -> Stage:
    """A machine whose one player adds a file."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", WRITES))
    return stage


@pytest.mark.parametrize("table", [PLACES, WORDS, SETTINGS], ids=["places", "words", "settings"])
def test_refused(one: Stage, subtests: pytest.Subtests, table: list[Row]) -> None:
    for row in table:
        with subtests.test(row.name):
            play(one, row)
            nothing_taken(one)
    nothing_left(one)


CONFIG = [
    ("unknown key", "[players.a]\nmodle = 'x'\n", ["`modle`", "`players.a`"]),
    ("unknown table", "[playres.a]\nmodel = 'x'\n", ["`playres`"]),
    ("wrong type", "[players.a]\nmodel = 5\n", ["Expected `str", "got `int`", "`players.a.model`"]),
    ("not TOML", "players:\n  a: 1\n", ["not valid TOML", "line 1"]),
    ("two kinds", "[players.a]\nmodel = 'x'\ncommand = 'y'\n", ["`players.a`", "model and command"]),
    ("unknown default", "[defaults]\nplayers = ['b']\n", ["`b`", "no player (known: none)"]),
    ("sandbox", "sandbox = 'maybe'\n", ['expected "on" or "off"', '"maybe"']),
    ("no recording", "[players.a]\nrecorded = '/no/tape'\n", ["`a` is missing: /no/tape", "config.toml"]),
]


def test_config_toml(one: Stage, subtests: pytest.Subtests) -> None:
    for name, content, says in CONFIG:
        with subtests.test(name):
            one.configure(content)
            play(one, Row(name, SPAWN, 1, [*says, "config.toml"]))
            nothing_taken(one)
    with subtests.test("a folder"):
        paths.config_file().unlink()
        paths.config_file().mkdir()
        play(one, Row("a folder", SPAWN, 1, ["config.toml: Is a directory", "a file that you may read"]))
        paths.config_file().rmdir()
    with subtests.test("no player at all"):
        play(
            one,
            Row("nobody", SPAWN, 1, ["no model was found", "export a key", "local server", "[players.NAME]"]),
        )


def test_where_there_is_no_folder_any_more(one: Stage, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir '{gone}'; exec '{sys.executable}' -I -m kage_nvim.cli status"
    done = subprocess.run(
        ["sh", "-c", command], cwd=gone, env=one.environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "this folder is gone" in done.stderr
    assert "Traceback" not in done.stderr


def test_words_that_are_not_unicode(one: Stage) -> None:
    """A shell hands over any bytes; a terminal in another encoding does so, too."""
    done = kage(one, ["spawn", "-n", "1", os.fsdecode(b"caf\xe9 au lait")])
    assert done.returncode == 0, done.stderr
    assert one.json("status")["runs"][0]["task"] == "caf� au lait"
    assert kage(one, ["spawn", "-n", "1", "-"], stdin=b"caf\xe9").returncode == 0
    assert one.json("status")["runs"][0]["task"] == "caf�"
    assert kage(one, ["accept", "1", os.fsdecode(b"caf\xe9")]).returncode in (1, 3)
