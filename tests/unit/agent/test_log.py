"""What survives a kill: whole lines, from which the conversation is made again."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kage_nvim.agent_runtime.log import LOST, Log, Usage, recover, spent_before
from kage_nvim.model import State

SYSTEM = {"role": "system", "content": "s"}
USER = {"role": "user", "content": "u"}


def assistant(*ids: str) -> dict[str, object]:
    calls = [{"id": id, "type": "function", "function": {"name": "read", "arguments": "{}"}} for id in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def test_a_log_is_private_and_remembers(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.jsonl"
    log = Log(str(path))
    for message in (SYSTEM, USER):
        log.write("message", message=message)
    log.write("state", state="working", reason="", activity="", turn=1)
    log.write("call", step=1)
    log.write("usage", tokens_in=5, tokens_cached=1, tokens_out=2, cost_usd=None)
    log.write("usage", tokens_in=5, tokens_cached=1, tokens_out=2, cost_usd=0.5)
    log.write("state", state="failed", reason="no", activity="", turn=1)
    past = recover(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert past.messages == [SYSTEM, USER]
    assert (past.turn, past.steps, past.state, past.reason) == (1, 1, State.FAILED, "no")
    assert (past.usage.tokens_in, past.usage.cost_usd) == (10, 0.5)


def test_nothing_is_remembered_of_no_log(tmp_path: Path) -> None:
    assert recover(str(tmp_path / "none")).messages == []


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    Log(str(path)).write("message", message=SYSTEM)
    with path.open("ab") as file:
        file.write(b'{"t": 1, "kind": "mess')
    Log(str(path)).write("message", message=USER)
    assert recover(str(path)).messages == [SYSTEM, USER]
    assert json.loads(path.read_bytes().splitlines()[-1])["message"] == USER


def test_calls_without_a_result_are_said_to_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(str(path))
    result = {"role": "tool", "tool_call_id": "1", "content": "ok"}
    lost = {"role": "tool", "tool_call_id": "1", "content": LOST}
    for message in (SYSTEM, USER, assistant("1"), result, assistant("1", "2"), result):
        log.write("message", message=message)
    assert recover(str(path)).messages[-2:] == [result, {**lost, "tool_call_id": "2"}]
    log.write("message", message=assistant("1"))
    assert recover(str(path)).messages[-2:] == [assistant("1"), lost]


def test_a_beginning_that_was_cut_off_is_replaced_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(str(path))
    for message in (SYSTEM, SYSTEM, USER):
        log.write("message", message=message)
    assert recover(str(path)).messages == [SYSTEM, USER]


def test_what_was_spent_before_restarts_is_remembered(tmp_path: Path) -> None:
    assert spent_before(str(tmp_path / "log.jsonl")) == Usage()
    usage = {"tokens_in": 9, "tokens_cached": 4, "tokens_out": 2}
    for name, cost in (("log-1.jsonl", 0.5), ("log-2.jsonl", None), ("log.jsonl", 9.0)):
        log = Log(str(tmp_path / name))
        log.write("usage", **usage, cost_usd=cost)
        log.write("text", text='"usage"')
    with (tmp_path / "log-2.jsonl").open("ab") as file:
        file.write(b'{"kind":"usage"\n["usage"]\n')
    spent = spent_before(str(tmp_path / "log.jsonl"))
    assert spent == Usage(tokens_in=18, tokens_cached=8, tokens_out=4, cost_usd=0.5)


def test_every_kind_that_is_written_is_documented() -> None:
    root = Path(__file__).resolve().parents[3]
    sources = [*(root / "rplugin/python3/kage_nvim/agent_runtime").rglob("*.py")]
    written = set(
        re.findall(r"(?:\blog|_log|self)\.write\(\s*\"(\w+)\"", "".join(p.read_text() for p in sources))
    )
    section = (
        (root / "doc/kage.txt").read_text().partition("*kage-agent-log*")[2].partition("\n    error ")[0]
    )
    documented = set(re.findall(r"^    (\w+) {2,}", section, re.MULTILINE)) | {"error"}
    assert len(written) > 10
    assert written <= documented, written - documented


def test_the_first_line_names_the_version(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        Log(str(path)).write("steer", text="x")
    kinds = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["kind"] for line in kinds] == ["log", "steer", "steer"] and kinds[0]["version"] == 1


def test_a_result_without_its_call_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(str(path))
    for message in ({"role": "system", "content": "s"}, {"role": "user", "content": "u"}):
        log.write("message", message=message)
    with path.open("ab") as file:
        file.write(b'{"kind": "message", "message": {"role": "assist\n')
    log.write("message", message={"role": "tool", "tool_call_id": "c1", "content": "found"})
    assert [message["role"] for message in recover(str(path)).messages] == ["system", "user"]
