"""A reviewer's conversation: what it is told back, what ends it, and who tries to refute it. No model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kage_nvim.errors import KageError
from kage_nvim.evaluate.reviewing.findings import Finding
from kage_nvim.orchestrator.consult import Message, Reply
from kage_nvim.orchestrator.reviewing.hired import MOST, told
from kage_nvim.orchestrator.reviewing.loop import STEPS, Loop, Reviewer, together
from kage_nvim.orchestrator.reviewing.reader import Reader
from kage_nvim.orchestrator.reviewing.refute import CUT, refute
from kage_nvim.orchestrator.reviewing.scope import _scope
from kage_nvim.orchestrator.roles import Role
from kage_nvim.orchestrator.shadow import Store, discover
from tests.conftest import git

WRONG = {"path": "calc.py", "first": 2, "last": 2, "severity": "error", "claim": "add multiplies"}
DONE = ("done", {})


class Scripted:
    """A mind that says what is written, the last again and again. A number is a pause in seconds."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[list[Message]] = []

    async def ask(self, messages: Sequence[Message], **_: Any) -> Reply:
        self.asked.append(list(messages))
        said = self.script[min(len(self.asked), len(self.script)) - 1]
        if isinstance(said, KageError):
            raise said
        if isinstance(said, float):
            await asyncio.sleep(said)
        if isinstance(said, list):
            calls = [
                {
                    "id": str(at),
                    "name": name,
                    "arguments": given if isinstance(given, str) else json.dumps(given),
                }
                for at, (name, given) in enumerate(said)
            ]
            return Reply(text="", calls=calls, message={"content": "", "tool_calls": calls})
        return Reply(text=str(said), message={"content": str(said)})

    @property
    def heard(self) -> str:
        """What it was told last."""
        return "\n".join(str(message["content"]) for message in self.asked[-1])


@pytest.fixture
def reader(repository: Path) -> Reader:
    base = git(repository, "rev-parse", "HEAD")
    (repository / "calc.py").write_text("def add(a, b):\n    return a * b\n")
    git(repository, "commit", "-qam", "worse")
    store = Store.open(discover(repository))
    return Reader(_scope(store, "revision", "it", base, git(repository, "rev-parse", "HEAD")))


def reviewed(reader: Reader, mind: Scripted, seconds: float = 20.0) -> Loop:
    """One reviewer, to its end."""
    loop = Loop(
        mind, Role(name="tests", text="Look.", source=""), reader, Reviewer(role="tests", player="p"), seconds
    )
    asyncio.run(loop.run("it", "the task", lambda: None))
    return loop


def test_what_cannot_be_used_is_told_back(reader: Reader) -> None:
    mind = Scripted(
        [("report_finding", "{broken"), ("report_finding", WRONG | {"path": "../../etc/passwd"})],
        [("report_finding", WRONG | {"first": 77, "last": 77}), ("shell", {"command": "ls"})],
        [("report_finding", WRONG), ("report_finding", WRONG), ("submit", {"summary": "s"})],
    )
    loop = reviewed(reader, mind)
    assert (loop.reviewer.state, loop.reviewer.found, loop.reviewer.rejected) == ("done", 1, 3)
    for words in (
        "arguments are no JSON",
        "no text file",
        "has 2 lines and it names line 77",
        "no tool `shell`",
    ):
        assert words in mind.heard
    assert loop.findings[0].claim == "add multiplies" and loop.reviewer.summary == "s"


@pytest.mark.parametrize(
    ("script", "asked", "why"),
    [
        (["hm"], 3, "no answer that could be read"),
        ([""], 3, "no answer that could be read"),
        ([[("list_files", {})]], STEPS, f"stopped after {STEPS} answers"),
        ([[("report_finding", WRONG)], KageError("no budget", code="model")], 2, "no budget"),
        ([[("report_finding", WRONG)], 30.0], 2, "not through within 0.2 seconds"),
    ],
)
def test_whoever_does_not_end_is_ended_and_what_it_found_stays(
    reader: Reader, script: list[Any], asked: int, why: str
) -> None:
    mind = Scripted(*script)
    loop = reviewed(reader, mind, 0.2 if 30.0 in script else 20.0)
    assert loop.reviewer.state == "failed" and why in loop.reviewer.reason and len(mind.asked) == asked
    assert [one.claim for one in loop.findings] == (["add multiplies"] if len(script) > 1 else [])


def test_json_in_words_is_as_good_as_calls(reader: Reader) -> None:
    mind = Scripted(
        'I read first: {"tool": "read_file", "arguments": {"path": "calc.py"}}',
        f"Well.\n```json\n{json.dumps({'findings': [WRONG, {'claim': 'nowhere'}], 'done': True})}\n```",
    )
    loop = reviewed(reader, mind)
    assert loop.reviewer.state == "done" and [one.first for one in loop.findings] == [2]
    assert "return a * b" in mind.heard


def test_a_claim_is_put_to_one_who_did_not_make_it(reader: Reader) -> None:
    found = [
        Finding(path="calc.py", first=2, last=2, severity="error", role=role, claim=role, agreed=[role])
        for role in ("tests", "style", "api", "security", "slow")
    ]
    mine, other = Scripted("never"), Scripted("hm")
    judges = [("mine", mine), ("other", other)]
    verdicts = [
        (Scripted([("verdict", {"verdict": "Valid", "reason": "a\x1b[31m"})]), ("holds", "a[31m")),
        (Scripted('{"verdict": "false", "why": "b"}'), ("refuted", "b")),
        (Scripted("hm"), ("unsure", "no verdict within 6 answers")),
        (Scripted(KageError("no budget", code="model")), ("unsure", f"{CUT} no budget")),
        (Scripted(30.0), ("unsure", f"{CUT} it was not through within 0.2 seconds")),
    ]
    for finding, (mind, wanted) in zip(found, verdicts, strict=True):
        judges = [("mine", mine), ("other", mind)]
        done = asyncio.run(refute([finding], judges, {finding.role: "mine"}, reader, lambda: None, 0.2))
        assert (done[0].verdict, done[0].why, done[0].judged) == (*wanted, "other")
        assert replace(done[0], verdict="", why="", judged="") == finding
    assert not mine.asked


def test_a_conversation_is_one_text_for_those_who_begin_anew(reader: Reader) -> None:
    mind = Scripted("hm", [DONE])
    reviewed(reader, mind)
    text = told(mind.asked[-1])
    for words in (
        "You have none of the tools",
        "Look.",
        "-    return a - b",
        "before:\nhm",
        "fenced json block",
    ):
        assert words in text
    assert MOST < STEPS


def test_one_failure_ends_the_others() -> None:
    async def fails() -> None:
        raise KageError("it broke")

    async def waits() -> None:
        ended.append("began")
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    ended: list[str] = []
    with pytest.raises(KageError, match="it broke"):
        asyncio.run(together([waits(), fails()]))
    assert ended == ["began", "ended"]
