"""An agent that speaks ACP, through Kage: the protocol, sandbox, gateway and tmux are the real ones."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage, tape
from tests.fixtures import acp_agent
from tests.fixtures.model_server import ModelServer, Reply

CLI = """
[clis.{name}]
program = "{program}"
install = "no way"
wire = "chat"
provider = "openai"
acp = ["{program}", "{option}"]
env = {{ MY_URL = "{{base_url}}", MY_KEY = "{{token}}" }}

[players.{name}]
cli = "{name}"
mode = "acp"
model = "openai/test-model"
{model}
price_in = 1.0
price_out = 2.0
permissions = "{permissions}"
"""


@pytest.fixture
def play(stage: Stage, tmp_path: Path) -> Stage:
    """A stage with the stand-in as players: mine, which asks; free, which need not; forgetful; and two that
    are no such agents."""
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    agent = Path(acp_agent.__file__).read_text()
    write(tools / "stand-in", f"#!{sys.executable}\n{agent}")
    write(tools / "babbler", "#!/bin/sh\necho I know no protocol\nexit 0\n")
    stage.environment["PATH"] = os.pathsep.join(
        [str(tools), str(Path(sys.executable).parent), stage.environment["PATH"]]
    )
    nonsense = '{"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "one"}}'
    write(tools / "liar", f"#!/bin/sh\nread -r line\necho '{nonsense}'\nexec sleep 654321\n")
    rows = [
        ("mine", "stand-in", "", "ask"),
        ("free", "stand-in", "", "allow"),
        ("forgetful", "stand-in", "--forgetful", "allow"),
        ("babbler", "babbler", "", "allow"),
        ("liar", "liar", "", "allow"),
    ]
    model = f'recorded = "{tape(tmp_path / "hello.jsonl", [Reply("hello")])}"'
    stage.configure(
        "".join(
            CLI.format(name=name, program=program, option=option, permissions=permissions, model=model)
            for name, program, option, permissions in rows
        )
    )
    return stage


@pytest.fixture
def server(play: Stage) -> Iterator[ModelServer]:
    """Any model, instead of a recorded one."""
    with ModelServer(Reply("hello")) as made:
        config = paths.config_file().read_text()
        play.configure(re.sub("recorded = .*", f'api_base = "{made.url}"', config))
        yield made


def write(path: Path, text: str) -> None:
    """A program."""
    path.write_text(text)
    path.chmod(0o755)


def log(stage: Stage) -> list[dict[str, Any]]:
    """The agent's log."""
    run = stage.json("status")["runs"][0]["id"]
    text = (paths.run_folder(run) / "agents" / "1" / "log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def becomes(stage: Stage, state: str, fits: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
    """Wait until the agent is in a state."""
    seen: list[dict[str, Any]] = []

    def there() -> bool:
        seen[:] = stage.agents()
        return bool(seen[0]["state"] == state and fits(seen[0]))

    try:
        until(there, 30, state)
    except AssertionError:
        raise AssertionError(f"not {state}: {seen[0]}\n{log(stage)}\n{stage.logs()}") from None
    return seen[0]


def living(play: Stage, argument: str = "") -> set[int]:
    """The pids of the stand-in's processes, or of those with this argument: they have another HOME."""
    program = play.environment["PATH"].split(os.pathsep)[0] + "/stand-in"
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if len(words) > 1 and words[1] == (argument or program) and process.status() != "zombie":
                found.add(process.pid)
    return found


def test_it_asks_is_answered_and_goes_on(play: Stage, server: ModelServer) -> None:
    play.shell("spawn", "Fix add in calc.py", "--player", "mine")
    agent = becomes(play, "waiting")
    assert agent["reason"] == "permission: Edit calc.py (1 Allow for good, 2 Allow, 3 Reject)"
    assert "request_permission" in agent["rule"]
    play.shell("send", "1", "also tell me")
    play.shell("send", "1", "9")
    play.shell("send", "1", "2")
    agent = becomes(play, "done", lambda agent: bool(agent["reason"] == "Turn 2 is over."))
    assert agent["rule"] == "acp stop_reason end_turn"
    assert agent["cost_usd"] == pytest.approx(0.00014) and agent["tokens_in"] == 100
    assert len(server.requests) == 1
    assert "a + b" in play.shell("diff", "1", "--patch")
    said = log(play)
    answers = [(e["text"], e["answer"], e["by"]) for e in said if e["kind"] == "permission"]
    assert answers == [("Edit calc.py", "Allow", "user")]
    assert [e["text"] for e in said if e["kind"] == "steer"] == ["also tell me", "9"]
    assert [e["text"] for e in said if e["kind"] == "result"] == ["calc.py +1 -1"]
    assert [e["args"] for e in said if e["kind"] == "tool"] == [{"description": "Edit calc.py"}]
    assert [e["entries"][1]["status"] for e in said if e["kind"] == "plan"] == ["in_progress"]
    first, *_rest = [e["text"] for e in said if e["kind"] == "text"]
    assert first == "I mend it."
    play.shell("stop", "1")
    until(lambda: not living(play), 10, "its process ended")


def test_it_is_allowed_interrupted_killed_and_resumed(play: Stage) -> None:
    play.shell("spawn", "Fix add in calc.py", "--player", "free")
    becomes(play, "done")
    assert "a + b" in play.shell("diff", "1", "--patch")
    assert [e["by"] for e in log(play) if e["kind"] == "permission"] == ["kage"]

    (pid,) = living(play)
    play.shell("send", "1", "slowly now")
    becomes(play, "working", lambda agent: "sleep" in agent["activity"])
    play.shell("interrupt", "1")
    assert becomes(play, "interrupted")["rule"] == "acp session/cancel"
    assert pid in living(play)

    play.shell("send", "1", "stubbornly now")
    until(lambda: "stubbornly" in json.dumps([e for e in log(play) if e["kind"] == "task"]), 10, "told")
    play.shell("interrupt", "1")
    becomes(play, "interrupted", lambda agent: pid not in living(play))

    play.shell("send", "1", "go on")
    assert "Turn 4 is over." in becomes(play, "done")["reason"]
    assert "replayed" not in json.dumps(log(play))

    play.shell("send", "1", "crash now")
    agent = becomes(play, "failed")
    assert "exit 3" in agent["reason"] and "the disk of the agent is full" in agent["reason"]
    os.kill(runner(play), signal.SIGKILL)
    until(lambda: not living(play), 10, "nothing is left of it")
    play.shell("resume", "1")
    assert becomes(play, "done", lambda agent: "Turn 6" in agent["reason"])


def runner(play: Stage) -> int:
    """The pid of the agent's own process, outside of the sandbox."""
    return next(p.pid for p in play.processes() if "kage_nvim.agent_runtime" in p.cmdline())


def test_one_that_forgets_begins_anew_with_all_that_was_said(play: Stage) -> None:
    play.shell("spawn", "nonsense first", "--player", "forgetful")
    agent = becomes(play, "done")
    assert "half \ufffdTurn 1" in agent["reason"]
    complaints = [e["text"] for e in log(play) if e["kind"] == "error"]
    assert complaints and all(text.startswith("acp: ") for text in complaints)
    play.shell("send", "1", "crash now")
    becomes(play, "failed")
    play.shell("send", "1", "limit this")
    assert becomes(play, "failed", lambda agent: "exit 3" in agent["reason"])
    told = [e["text"] for e in log(play) if e["kind"] == "task"][-1]
    assert "nonsense first" in told and "limit this" in told and "was cut off" in told


def test_turns_that_end_otherwise(play: Stage) -> None:
    play.shell("spawn", "wait", "--player", "free")
    becomes(play, "done")
    play.shell("send", "1", "refuse it")
    assert becomes(play, "failed")["rule"] == "acp stop_reason refusal"
    play.shell("send", "1", "limit it")
    assert becomes(play, "stopped")["rule"] == "acp stop_reason max_tokens"
    play.shell("spawn", "wait", "--player", "babbler", "--player", "liar")
    until(lambda: {agent["state"] for agent in play.agents()} == {"failed"}, 30, "both failed")
    first, second = (agent["reason"] for agent in play.agents())
    assert "exit 0 before it said that it had finished" in first
    assert "its answer makes no sense" in second
    until(lambda: not living(play, "654321"), 5, "who makes no sense is ended")


def test_a_mode_that_the_cli_has_no_command_for(play: Stage) -> None:
    play.configure(paths.config_file().read_text().replace('mode = "acp"\n', ""))
    done = play.run("spawn", "wait", "--player", "free")
    assert done.returncode == 1 and "`permissions`" not in done.stdout
    assert '"ask" needs mode = ' in done.stderr
    play.configure(paths.config_file().read_text().replace('permissions = "ask"\n', ""))
    done = play.run("spawn", "wait", "--player", "free")
    assert done.returncode == 1 and 'Set mode = "acp" in [players.free]' in done.stderr
