"""The main job from a shell: spawn, wait, diff, accept, undo, clean, against a real HTTP model server."""

from __future__ import annotations

from tests.conftest import git
from tests.e2e.scripts import FIX
from tests.e2e.stage import KEY, Stage, digest
from tests.fixtures.model_server import ModelServer


def test_a_run_from_task_to_landing_and_back(stage: Stage) -> None:
    before = digest(stage.repository)
    with ModelServer(FIX, key=KEY) as server:
        stage.player(server.url)
        stage.shell("spawn", "-n", "2", "make add() add")
        stage.shell("wait", "--timeout", "60")
    run = stage.json("status")["runs"][0]
    assert [agent["state"] for agent in run["agents"]] == ["done", "done"]
    assert [agent["reason"] for agent in run["agents"]] == ["add() adds now."] * 2
    assert all(agent["cost_usd"] > 0 for agent in run["agents"])
    assert len({agent["angle"] for agent in run["agents"]}) == 2
    assert [(c["number"], c["files"], c["added"], c["removed"]) for c in run["candidates"]] == [
        (1, 1, 1, 1),
        (2, 1, 1, 1),
    ]
    assert digest(stage.repository) == before

    patch = stage.shell("diff", "--patch", "2")
    git(stage.repository, "apply", "--check", "-", input=patch)
    stage.shell("accept", "2")
    assert "return a + b" in (stage.repository / "calc.py").read_text()
    stage.shell("accept", "1", code=3)
    stage.shell("undo")
    assert digest(stage.repository) == before
    stage.shell("undo", code=3)

    stage.shell("clean")
    assert stage.json("status")["runs"] == []
    assert digest(stage.repository) == before
