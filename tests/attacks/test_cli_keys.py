"""A planted key, looked for from inside a CLI's sandbox, which reaches the real gateway through its port."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from kage_nvim import paths
from tests.attacks.test_keys import leaks_in_files, leaks_in_processes
from tests.e2e.stage import Stage
from tests.e2e.test_players_of_others import DESCRIBED, HELLO, player
from tests.fixtures.model_server import ModelServer


def test_a_cli_finds_no_key_and_no_other_agents_token(stage: Stage) -> None:
    key = f"sk-planted-{secrets.token_hex(12)}"
    told = DESCRIBED.rstrip().removesuffix("]") + (
        '  { kind = "result", when = { type = "answer" }, fields = { id = "route", text = "status" } },\n]\n'
    )
    with ModelServer(HELLO, key=key) as server:
        stage.configure(
            player(stage, server.url)
            + player(stage, server.url, name="other").replace('cli = "other"', 'cli = "standin"')
            + told
        )
        stage.environment["OPENAI_API_KEY"] = key
        stage.shell("spawn", "--hidden", "--player", "standin", "--player", "other", "ask probe ask")
        stage.shell("wait", "--timeout", "50")
        agents = stage.agents()
        assert [agent["state"] for agent in agents] == ["done", "done"]
        assert len(server.requests) == 4
    run = paths.run_folder(stage.json("status")["runs"][0]["id"])
    specs = sorted(run.rglob("spec.json"))
    tokens = [json.loads(spec.read_bytes())["token"].encode() for spec in specs]
    found = [Path(agent["worktree"], "probe.bin").read_bytes() for agent in agents]
    for seen, mine, others in ((found[0], *tokens), (found[1], *reversed(tokens))):
        assert mine in seen, "the probe works"
        assert others not in seen
        assert key.encode() not in seen
    answers = [json.loads(line) for line in (specs[0].parent / "log.jsonl").read_text().splitlines()]
    asked = [(event["id"], event["text"]) for event in answers if event["kind"] == "result"]
    assert asked[-1] == ("", "sockets")
    assert len(asked) > 20 and {status for _, status in asked[:-1]} <= {"400", "401", "403", "404", "405"}
    assert leaks_in_files(stage, key) == [] and leaks_in_processes(key) == []
