"""Review: several reviewers on one change, what they agree on, and what another of them refutes."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from kage_nvim.client import Client
from kage_nvim.errors import KageError
from tests.conftest import git
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

GOOD = """\
import sqlite3


def name_of(db, key):
    return db.execute("select name from t where key = ?", (key,))
"""
# Planted: a query put together from text, and an average that divides by zero.
BAD = """\
import sqlite3


def name_of(db, key):
    return db.execute("select name from t where key = '" + key + "'")


def average(values):
    return sum(values) / len(values)
"""
MENDED = '    return db.execute("select name from t where key = ?", (key,))'

INJECTION = {
    "path": "store.py",
    "first": 50,  # wrong: what it quotes stands in line 5
    "last": 50,
    "severity": "error",
    "claim": "The key is put into the SQL query as text, so a quote in it allows SQL injection.",
    "evidence": '`return db.execute("select name from t where key = \'" + key + "\'")`',
    "patch": MENDED,
    "confidence": 0.9,
}
QUERY = INJECTION | {
    "first": 5,
    "last": 5,
    "severity": "warning",
    "claim": "A quote in the key breaks the SQL query that is put together here.",
    "patch": "",
}
EMPTY = {
    "path": "store.py",
    "first": 9,
    "last": 9,
    "severity": "warning",
    "claim": "average divides by zero when the list is empty.",
    "evidence": "`sum(values) / len(values)`",
}
UNUSED = {
    "path": "store.py",
    "first": 1,
    "last": 1,
    "severity": "error",
    "claim": "The module sqlite3 does not exist, so this import fails.",
    "evidence": "`import sqlite3`",
}


# What reviewers say, by player; `style` calls no tools, and begins with chatter.
REVIEWERS = {
    "sec": [
        Reply(tool_calls=[("read_file", {"path": "store.py"}), ("search", {"pattern": "name_of"})]),
        Reply(tool_calls=[("report_finding", INJECTION), ("report_finding", UNUSED)]),
        Reply(tool_calls=[("done", {"summary": "one hole"})]),
    ],
    "corr": [
        Reply(tool_calls=[("report_finding", EMPTY | {"path": "nowhere.py"})]),
        Reply(tool_calls=[("report_finding", EMPTY), ("report_finding", QUERY)]),
        Reply(tool_calls=[("done", {})]),
    ],
    "style": [
        Reply("Looks nice!"),
        Reply(f"```json\n{json.dumps({'findings': [QUERY | {'severity': 'minor'}], 'done': True})}\n```"),
    ],
    "holds": [Reply('```json\n{"verdict": "holds", "reason": "key = \' or 1"}\n```')],
    "refutes": [
        Reply(tool_calls=[("verdict", {"verdict": "refuted", "reason": "It is in the library."})]),
    ],
    "one": [Reply(tool_calls=[("report_finding", UNUSED)]), Reply(tool_calls=[("done", {})])],
}
# One that is no model: it reads the tree that it is given, tries to write there, and prints what it found.
PROGRAM = """
import json, sys
if "Try to refute" in open(sys.argv[1]).read():
    print('{"verdict": "unsure"}')
    sys.exit()
try:
    open("store.py", "a")
    could = "written"
except OSError:
    could = "read-only"
line = next(at for at, text in enumerate(open("store.py"), 1) if "sum(values)" in text)
found = {"path": "store.py", "first": line, "last": line, "severity": "info", "claim": could}
said = "I looked around.\\n```json\\n" + json.dumps({"findings": [found], "done": True}) + "\\n```"
print("\\n".join(json.dumps({"type": kind, "text": said}) for kind in sys.argv[2:]) or said)
"""
# The same as a third-party CLI, which tells of itself in lines of JSON.
LOOK = f"""\
program = "python3"
install = "nothing"
wire = "chat"
provider = "openai"
oneshot = ["python3", "-c", {json.dumps(PROGRAM)}, "{{task_file}}", "text", "done"]
events = [
  {{ kind = "text", when = {{ type = "text" }}, fields = {{ text = "text" }} }},
  {{ kind = "done", when = {{ type = "done" }}, fields = {{ text = "text" }} }},
]
"""


@pytest.fixture
def branch(stage: Stage) -> Stage:
    """A branch that changes a file of main's, the last change of it unsaved by git."""
    (stage.repository / "store.py").write_text(GOOD)
    git(stage.repository, "add", "-A")
    git(stage.repository, "commit", "-qm", "store")
    git(stage.repository, "checkout", "-qb", "feature")
    (stage.repository / "store.py").write_text(BAD.partition("\n\ndef average")[0])
    git(stage.repository, "commit", "-qam", "worse")
    (stage.repository / "store.py").write_text(BAD)
    return stage


def configure(stage: Stage, folder: Path) -> None:
    """Players on tapes, one of whom thinks on for long when it has found something, and a command."""
    players = {name: tape(folder / f"{name}.jsonl", replies) for name, replies in REVIEWERS.items()}
    found = {"name": "report_finding", "arguments": EMPTY}
    players["slow"] = folder / "slow.jsonl"
    players["slow"].write_text(f"{json.dumps({'tool_calls': [found]})}\n{json.dumps({'delay': 60})}\n")
    tables = "".join(f'[players.{name}]\nrecorded = "{file}"\n' for name, file in players.items())
    command = json.dumps(f"python3 -c {shlex.quote(PROGRAM)} {{task_file}}")
    stage.configure(
        f"{tables}[players.sed]\ncommand = \"sed -i 's/a - b/a + b/' calc.py\"\n"
        f"[players.reads]\ncommand = {command}\n"
        f'[players.cli]\ncli = "look"\nrecorded = "{players["one"]}"\n'
        f"[clis.look]\n{LOOK}"
        '[review]\nplayers = ["sec", "corr", "style"]\nroles = ["security", "correctness", "style"]\n'
        'refuters = ["holds", "refutes"]\n'
    )


def reviewers_agree_refute_and_report(branch: Stage, tmp_path: Path) -> None:
    before = digest(branch.repository)
    said = branch.run("review", "--json", "--sarif", str(tmp_path / "found.sarif"))
    assert digest(branch.repository) == before
    assert said.returncode == 1, said.stderr + branch.logs()
    review = json.loads(said.stdout)
    injection, refuted, empty = sorted(review["findings"], key=lambda one: (one["first"] != 5, one["first"]))
    assert (injection["first"], injection["last"], injection["severity"]) == (5, 5, "error")
    assert set(injection["agreed"]) == {"security", "correctness", "style"}
    assert injection["patch"]["lines"] == [MENDED] and injection["patch"]["old"] == [BAD.splitlines()[4]]
    assert (injection["verdict"], empty["verdict"], refuted["verdict"]) == ("holds", "holds", "refuted")
    assert refuted["why"] == "It is in the library." and refuted["judged"] == "refutes"
    assert [one["state"] for one in review["reviewers"]] == ["done"] * 3
    assert review["reviewers"][1]["rejected"] == 1 and review["tokens_in"] > 0
    log = json.loads((tmp_path / "found.sarif").read_text())
    assert {result["partialFingerprints"]["kageFinding/v1"] for result in log["runs"][0]["results"]} == {
        one["id"] for one in review["findings"]
    }
    assert branch.run("review", "HEAD..HEAD", "--sarif", str(tmp_path / "none.sarif")).returncode == 3
    assert json.loads((tmp_path / "none.sarif").read_text())["runs"][0]["results"] == []
    again = branch.shell("review", "--last", "--all", code=1)
    assert "SQL injection" in again and "refuted: It is in the library." in again


class Desk(Client):
    """A client that follows its repository."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(lambda name, params: self.heard.put_nowait((name, params)))
        self.heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.cwd = str(stage.repository)
        self.last = ""

    async def ask(self, verb: str, **params: Any) -> Any:
        """What a verb answers."""
        return await self.request(verb, {"cwd": self.cwd, **params})

    async def review(self, base: str = "", *players: str, **params: Any) -> Any:
        """A review by one reviewer."""
        params = {"roles": ["security"], "players": list(players or ["one"])} | params
        return await self.ask("review", base=base, **params)

    async def refused(self, *words: str, **params: Any) -> str:
        """Why there is no such review."""
        with pytest.raises(KageError) as error:
            await self.review(*words, **params)
        return error.value.message

    async def other_than(self, review: str) -> Any:
        """The newest review, once that is another one."""
        while (newest := await self.ask("review_again"))["id"] == review:
            pass  # it is written when whoever asked for it is gone
        return newest

    async def until_found(self, count: int) -> None:
        """Wait until so many findings of another review are told of while every reviewer goes on."""
        while True:
            name, params = await asyncio.wait_for(self.heard.get(), 30)
            if name == "review" and params["id"] != self.last and params["found"] >= count:
                self.last = params["id"]
                assert (params["done"], params["of"]) == (0, count)  # they are at work side by side
                return


async def a_review_ends_when_told_and_with_its_shell(desk: Desk, branch: Stage) -> None:
    slow = {"roles": ["security", "correctness", "style"]}
    asked = asyncio.ensure_future(desk.review("", "slow", **slow))
    await desk.until_found(3)
    assert await desk.ask("review_stop") == {"stopped": 1}
    with pytest.raises(KageError, match="the review was stopped"):
        await asked
    left = await desk.ask("review_again")
    assert [one["claim"] for one in left["findings"]] == [EMPTY["claim"]]
    assert "it was stopped before its end" in left["notes"]

    words = [sys.executable, "-I", "-m", "kage_nvim.cli", "review", "--player", "slow"]
    where: Any = {"cwd": branch.repository, "env": branch.environment}
    shell = await asyncio.create_subprocess_exec(*words, **where, stderr=subprocess.DEVNULL)
    await desk.until_found(3)
    shell.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(shell.wait(), 20) == 130
    again = await asyncio.wait_for(desk.other_than(left["id"]), 20)  # when kaged sees that the shell is gone
    assert "it was stopped before its end" in again["notes"]


async def a_command_reviews_in_a_slot(desk: Desk, branch: Stage) -> None:
    before = digest(branch.repository)
    review = await desk.review("", "reads", "cli", roles=["security", "style"])
    (found,) = review["findings"]
    assert (found["claim"], found["first"], found["verdict"]) == ("read-only", 9, "holds")
    assert found["agreed"] == ["security", "style"]
    assert digest(branch.repository) == before
    assert "Read-only file system" in await desk.refused("", "sed")
    (branch.repository / "store.py").write_text("# a line above\n" + BAD)
    again = await desk.ask("review_again", id=review["id"])
    assert [one["yours"] for one in again["findings"]] == [[10, 10]]
    left = [str(one.info["cmdline"]) for one in psutil.process_iter(["cmdline"])]
    assert not [words for words in left if "--spec" in words and str(branch.home) in words]


async def heads_and_what_cannot_be_reviewed(desk: Desk, branch: Stage) -> None:
    root = branch.repository
    git(root, "stash", "-q")
    git(root, "branch", "41", "feature")
    git(root, "update-ref", "refs/pull/7/head", "feature")
    git(root, "checkout", "-q", "main")
    ahead, number, both = await asyncio.gather(
        desk.review("feature"), desk.review("41"), desk.review("main..feature")
    )
    assert (ahead["kind"], ahead["files"]) == ("revision", ["store.py"])
    assert (number["title"], number["files"]) == (
        "41 against main",
        ["store.py"],
    )  # no candidate is called so
    assert both["head"] == git(root, "rev-parse", "feature")
    (root / "README.md").write_text("mine\n")
    pull, full, yours = await asyncio.gather(
        desk.review("pull/7"), desk.review("refs/pull/7/head"), desk.review()
    )
    assert (pull["kind"], pull["files"], full["head"]) == ("revision", ["store.py"], pull["head"])
    assert (yours["kind"], yours["files"]) == ("yours", ["README.md"])
    assert "nothing to review" in await desk.refused("feature..feature")
    assert "no revision" in await desk.refused("nonesuch")
    assert "no such player" in await desk.refused("", "nobody")
    assert "no role `nonesuch`" in await desk.refused(roles=["nonesuch"])

    (root / ".kage" / "roles").mkdir(parents=True)
    (root / ".kage" / "roles" / "ours.md").write_text("Look at our things.")
    with pytest.raises(KageError, match="Trust the role `ours`") as asked:
        await desk.review(roles=["ours"])
    confirmed = [question["id"] for question in asked.value.data["questions"]]
    assert (await desk.review(roles=["ours"], confirmed=confirmed))["reviewers"][0]["state"] == "done"

    await asyncio.to_thread(branch.shell, "spawn", "--hidden", "--yes", "--player", "sed", "--", "mend it")
    await asyncio.to_thread(branch.shell, "wait")
    candidate = await desk.review("1")
    assert (candidate["number"], candidate["files"]) == (1, ["calc.py"])


async def follow(branch: Stage) -> None:
    """What needs no shell: each `kage` costs half a second."""
    desk = Desk(branch)
    await desk.open("cli", desk.cwd)
    try:
        await desk.ask("subscribe")
        await a_review_ends_when_told_and_with_its_shell(desk, branch)
        await a_command_reviews_in_a_slot(desk, branch)
        await heads_and_what_cannot_be_reviewed(desk, branch)
    finally:
        await desk.close()


def test_reviews(branch: Stage, tmp_path: Path) -> None:
    """All on one stage, for its daemons take longer to come and go than the reviews do."""
    configure(branch, tmp_path)
    reviewers_agree_refute_and_report(branch, tmp_path)
    asyncio.run(follow(branch))
