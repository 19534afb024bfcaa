"""Players that others describe, by TOML alone or in a package: a stand-in CLI through all of Kage."""

from __future__ import annotations

import json
import os
import signal
import site
import sys
import venv
from pathlib import Path
from typing import Any

import psutil
import pytest

from kage_nvim import paths
from kage_nvim.agent_runtime import prompts
from tests.conftest import until
from tests.e2e.stage import KEY, Stage, tape
from tests.faults.test_others_killed import pid_of
from tests.fixtures.model_server import ModelServer, Reply

PROGRAM = json.dumps((Path(__file__).parents[1] / "fixtures" / "standin.py").read_text("utf-8"))
DESCRIBED = f"""
[clis.standin]
program = "python3"
install = "nothing"
wire = "chat"
provider = "openai"
oneshot = ["python3", "-c", {PROGRAM}, "{{task}}"]
resume = ["python3", "-c", {PROGRAM}, "--resume", "{{session}}", "{{message}}"]
env = {{ STANDIN_BASE = "{{base_url}}", STANDIN_TOKEN = "{{token}}" }}
login = [".standin/token"]
events = [
  {{ kind = "session", when = {{ type = "session" }}, fields = {{ id = "id" }} }},
  {{ kind = "text", when = {{ type = "text" }}, fields = {{ text = "text" }} }},
  {{ kind = "usage", when = {{ type = "usage" }}, fields = {{ tokens_in = "in", tokens_out = "out" }} }},
  {{ kind = "done", when = {{ type = "done" }}, fields = {{ text = "text" }} }},
  {{ kind = "failed", when = {{ type = "failed" }}, fields = {{ text = "text" }} }},
]
"""
HELLO = Reply("hello from the model")


def player(stage: Stage, url: str, more: str = "", name: str = "standin") -> str:
    """A player of that CLI that a loopback server answers, as lines of config.toml."""
    stage.environment["OPENAI_API_KEY"] = KEY
    return (
        f'[players.{name}]\ncli = "{name}"\nmodel = "openai/test-model"\napi_base = "{url}"\n'
        f'api_key_env = "OPENAI_API_KEY"\nprice_in = 1.0\nprice_out = 2.0\n{more}\n'
    )


def unasked(tmp_path: Path, name: str = "standin") -> str:
    """A player of that CLI, which will ask no model."""
    return f'[players.{name}]\ncli = "{name}"\nrecorded = "{tape(tmp_path / "hello.jsonl", [HELLO])}"\n'


def played(stage: Stage, task: str, *, code: int = 0, name: str = "standin") -> dict[str, Any]:
    """Spawn one and wait for its end."""
    stage.shell("spawn", "-n", "1", "--hidden", "--player", name, task)
    stage.shell("wait", "--timeout", "60", code=code)
    return stage.agents()[0]


def events(stage: Stage, kind: str) -> list[dict[str, Any]]:
    """The lines of that kind in the agent's log."""
    run = stage.json("status")["runs"][0]["id"]
    log = "".join(path.read_text("utf-8") for path in paths.run_folder(run).rglob("log.jsonl"))
    return [event for line in log.splitlines() if (event := json.loads(line))["kind"] == kind]


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_lines_of_toml_are_a_player(stage: Stage, sandbox: str) -> None:
    """It asks through the gateway, inside a sandbox or without one, and its change is a candidate."""
    with ModelServer(HELLO, key=KEY) as server:
        stage.configure(f'sandbox = "{sandbox}"\n' + player(stage, server.url) + DESCRIBED)
        agent = played(stage, "mend ask")
        assert (agent["state"], agent["reason"]) == ("done", "all of it")
        assert (agent["tokens_in"], agent["tokens_out"]) == (100, 20)
        assert agent["cost_usd"] == pytest.approx(100e-6 + 40e-6) and not agent["unmetered"]
        assert "a + b" in stage.shell("diff", "1", "--patch")
        assert [event["text"] for event in events(stage, "text")][1] == HELLO.text
        stage.shell("send", "1", "ask once more")
        stage.shell("wait", "--timeout", "60")
        assert len(server.requests) == 2 and len(events(stage, "session")) == 1


def test_a_package_brings_a_player(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an installer leaves of a package with an entry point, in an environment that has Kage, too."""
    venv.create(tmp_path / "venv", symlinks=True)
    library = (
        tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    )
    (library / "kage.pth").write_text(
        "".join(f"import site; site.addsitedir({folder!r})\n" for folder in site.getsitepackages())
    )
    info = library / "kage_tiny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kage-tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kage.players]\ntiny = kage_tiny:CLI\nbad = kage_tiny:NOTHING\n")
    (library / "kage_tiny.py").write_text(
        "from kage_nvim.description import Description, EventRule\n"
        "CLI = Description(name='tiny', title='Tiny', program='sh', install='nothing', wire='chat',\n"
        "    provider='openai', oneshot=['sh', '-c', 'echo tiny > tiny.txt; echo finished'],\n"
        "    events=[EventRule(kind='done', when={'line': 'finished'}, fields={'text': '=tiny did it'})])\n"
    )
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    stage.configure(unasked(tmp_path, "tiny") + '[players.worse]\ncli = "bad"\n')
    agent = played(stage, "be tiny", name="tiny")
    assert (agent["state"], agent["reason"]) == ("done", "tiny did it")
    assert "+tiny" in stage.shell("diff", "1", "--patch")
    refused = stage.run("spawn", "-n", "1", "--player", "worse", "x")
    assert refused.returncode == 1
    assert "which the package kage-tiny brings, cannot be loaded" in refused.stderr


def told(process: psutil.Process, words: str, home: Path) -> bool:
    """Whether it is a CLI in one of the stage's slots that was told this."""
    try:
        ours = process.environ().get("HOME", "").startswith(f"{home}/")
        return ours and words in process.cmdline()[-1]
    except (psutil.Error, IndexError):
        return False


def test_a_killed_agent_goes_on_with_its_conversation(stage: Stage, tmp_path: Path) -> None:
    """Its CLI dies with it; the session's id comes from the log."""
    stage.configure(unasked(tmp_path) + DESCRIBED)
    stage.shell("spawn", "-n", "1", "--hidden", "--player", "standin", "mend later")
    until(lambda: len(events(stage, "text")) == 2, 30, "it sleeps")
    clis = [p for p in psutil.process_iter() if told(p, "mend later", stage.home)]
    assert clis
    os.kill(pid_of(stage, 1), signal.SIGKILL)
    stage.shell("wait", "--timeout", "20", code=5)
    assert "resume 1" in stage.agents()[0]["reason"]
    until(lambda: not any(cli.is_running() for cli in clis), 5, "its CLI has ended")
    stage.shell("resume", "1")
    stage.shell("wait", "--timeout", "30")
    assert stage.agents()[0]["state"] == "done"
    assert len(events(stage, "session")) == 1
    assert events(stage, "text")[2]["text"] == f"told: {prompts.GO_ON}"


def test_a_budget_ends_it_with_the_gateways_words(stage: Stage) -> None:
    with ModelServer(HELLO, key=KEY) as server:
        stage.configure(player(stage, server.url) + DESCRIBED + "[defaults]\nrun_usd = 0.000001\n")
        agent = played(stage, "mend ask")
        assert agent["state"] == "stopped"
        assert "run_usd" in agent["reason"]
        assert server.requests == []
        assert "a + b" in stage.shell("diff", "1", "--patch")


def test_one_with_its_own_login_is_unmetered(stage: Stage, home: Path) -> None:
    """It finds copies of what is exposed in its own home, and nothing of the gateway."""
    (home / ".standin").mkdir()
    (home / ".standin" / "token").write_text("the user's own")
    mine = '[players.standin]\ncli = "standin"\nexpose = ["~/.standin"]\n'
    look = DESCRIBED.replace(
        'oneshot = ["python3", "-c"',
        'oneshot = ["sh", "-c", "cp ~/.standin/token got; env > env.txt; exec python3 -c \\"$@\\"", "sh"',
    )
    stage.configure(mine + look)
    agent = played(stage, "mend")
    assert agent["state"] == "done" and agent["unmetered"] and agent["cost_usd"] is None
    assert (agent["tokens_in"], agent["tokens_out"]) == (10, 2)
    tree = Path(agent["worktree"])
    assert (tree / "got").read_text() == "the user's own"
    assert "STANDIN" not in (tree / "env.txt").read_text()
    assert stage.json("cost")["unmetered"] == [1]
    assert "unmetered" in stage.shell("status") and "unmetered" in stage.shell("cost")


def test_its_litter_is_no_part_of_its_candidate_and_its_recording_answers_it(stage: Stage) -> None:
    """What a CLI keeps in the worktree for itself stays there; a recorded player is a CLI's, too."""
    untidy = """litter = [".toy*"]
oneshot = ["sh", "-c", 'mkdir .toy; date > .toy/cache; exec python3 "$@"', "sh", "-c","""
    described = DESCRIBED.replace('oneshot = ["python3", "-c",', untidy)
    assert described != DESCRIBED
    with ModelServer(HELLO, key=KEY) as server:
        stage.configure(player(stage, server.url) + described)
        stage.shell(
            "spawn", "-n", "1", "--hidden", "--player", "standin", "--record", "tape.jsonl", "mend ask"
        )
        stage.shell("wait", "--timeout", "60")
        live = stage.agents()[0]
    patch = stage.shell("diff", "--patch", "1")
    assert (Path(live["worktree"]) / ".toy/cache").exists()
    assert "diff --git" in patch
    assert ".toy" not in patch
    tape = stage.repository / "tape.jsonl"
    stage.configure(f'[players.standin]\ncli = "standin"\nrecorded = "{tape}"\n' + described)
    agent = played(stage, "mend ask")
    assert (agent["state"], agent["reason"]) == (live["state"], live["reason"])
    assert stage.shell("diff", "--patch", "1") == patch
    assert stage.shell("log", "--outgoing") == "nothing was sent to any model\n"


def test_goose_as_it_is_documented(stage: Stage, tmp_path: Path) -> None:
    """No registry has goose: a stand-in takes its documented options and prints its documented events."""
    program = tmp_path / "goose" / "bin" / "goose"
    program.parent.mkdir(parents=True)
    program.write_text((Path(__file__).parents[1] / "fixtures" / "goose.py").read_text("utf-8"))
    program.chmod(0o755)
    stage.environment["PATH"] = f"{program.parent}{os.pathsep}{stage.environment['PATH']}"
    with ModelServer(HELLO, key=KEY) as server:
        stage.configure(player(stage, server.url, name="goose"))
        agent = played(stage, "mend add", name="goose")
        assert (agent["state"], agent["tokens_in"], agent["tokens_out"]) == ("done", 100, 20)
        assert "a + b" in stage.shell("diff", "1", "--patch")
        assert "mend add" in json.dumps(server.requests[0].body["messages"])
        stage.shell("send", "1", "and then")
        stage.shell("wait", "--timeout", "60")
        assert [m["role"] for m in server.requests[1].body["messages"]] == ["user", "assistant", "user"]
    stage.configure(player(stage, "http://127.0.0.1:9/v1", name="goose"))
    agent = played(stage, "mend add", code=5, name="goose")
    assert agent["state"] == "failed" and "connection refused" in agent["reason"]
