"""Model servers and keys that fail: what the agent's state says, and that the others are not hindered."""

from __future__ import annotations

import json
from contextlib import ExitStack

from tests.conftest import until
from tests.e2e.bad_input import WRITES, Row, kage, nothing_left, play
from tests.e2e.stage import KEY, Stage, digest
from tests.fixtures.model_server import ModelServer, Reply, Script, in_order, refusal

CUT = Reply("half an answ", cut_after=2)
SERVERS: dict[str, tuple[Script, str, list[str]]] = {
    "well": (WRITES, "done", ["made it"]),
    "busy": (in_order([refusal(429, "slow down", retry_after=0.1), *WRITES]), "done", ["made it"]),
    "cut": (in_order([CUT, *WRITES]), "done", ["made it"]),
    "unauthorized": (refusal(401, f"bad key {KEY}"), "failed", ["401", "OPENAI_API_KEY", "Give a valid key"]),
    "limited": (refusal(429, "slow", retry_after=3600), "failed", ["429", "fewer agents at once"]),
    "broken": (refusal(500, "oops"), "failed", ["500", "oops", "the server's own error"]),
    "garbage": (Reply(raw="<html>hi</html>", content_type="text/html"), "failed", ["/v1", "api_base"]),
    "cutting": (CUT, "failed", ["ended midway", "stream = false"]),
}
"""What each server answers, how its agent ends, and the words of its reason; one more server is down."""


def table(name: str, url: str) -> str:
    return (
        f'[players.{name}]\nmodel = "openai/test-model"\napi_base = "{url}"\napi_key_env = "OPENAI_API_KEY"\n'
    )


def test_servers(stage: Stage) -> None:
    """One run with all of them at once; the good ones end well."""
    before = digest(stage.repository)
    with ExitStack() as stack, ModelServer() as down:
        down.stop()
        made = {name: stack.enter_context(ModelServer(script)) for name, (script, _, _) in SERVERS.items()}
        players = {name: server.url for name, server in made.items()} | {"down": down.url}
        stage.configure("".join(table(name, url) for name, url in players.items()))
        stage.environment["OPENAI_API_KEY"] = KEY
        stage.shell("spawn", "-n", str(len(players)), "--yes", "do it")
        done = kage(stage, ["wait", "--timeout", "55", "--json"])
    assert done.returncode == 5, done.stderr + stage.logs()
    agents = {agent["player"]: agent for agent in json.loads(done.stdout)["agents"]}
    wanted = {name: (state, words) for name, (_, state, words) in SERVERS.items()}
    wanted["down"] = (
        "failed",
        ["could not reach", players["down"], "connection refused", "Start the server"],
    )
    for name, (state, words) in wanted.items():
        agent = agents[name]
        assert agent["state"] == state, (name, agent["reason"])
        for word in words:
            assert word in agent["reason"], (name, agent["reason"])
    assert KEY not in done.stdout
    assert len(made["cutting"].requests) == 3, "asked again twice, not for ever"
    explained = stage.shell("explain", str(agents["broken"]["number"]))
    assert "oops" in explained
    assert digest(stage.repository) == before


def test_keys(stage: Stage) -> None:
    """A missing key refuses; a changed one is taken from the next client. (A lost one: tests/faults.)"""
    with ModelServer(WRITES, key=KEY) as server:
        stage.player(server.url)
        del stage.environment["OPENAI_API_KEY"]
        says = ["`fast` (openai/test-model) needs OPENAI_API_KEY", "not set", "export OPENAI_API_KEY"]
        play(stage, Row("missing", ["spawn", "-n", "1", "x"], 1, says))
        nothing_left(stage)

        stage.environment["OPENAI_API_KEY"] = "sk-old"
        stage.shell("spawn", "-n", "1", "x")
        stage.shell("wait", "--timeout", "30", code=5)
        assert "401" in stage.agents()[0]["reason"]

        stage.environment["OPENAI_API_KEY"] = KEY
        stage.shell("send", "1", "try again")
        until(
            lambda: stage.agents()[0]["state"] == "done", 20, "the changed key is used by the running agent"
        )
        stage.shell("spawn", "-n", "1", "x")
        stage.shell("wait", "--timeout", "30")
