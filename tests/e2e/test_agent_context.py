"""What the agents of a run are told of the repository, end to end: the same bytes first, notes, a map."""

from __future__ import annotations

import os
from typing import Any

from kage_nvim import paths
from tests.conftest import git
from tests.e2e.stage import Stage
from tests.fixtures.model_server import ModelServer, Reply

LOOK = Reply(tool_calls=[("read", {"path": "lib/deep/calc.py"})])
DONE = Reply(tool_calls=[("finish", {"summary": "looked"})])


def sent(body: dict[str, Any]) -> str:
    """The words of a first request: the system's and the task's."""
    return "".join(str(message["content"]) for message in body["messages"][:2])


def test_agents_of_a_run_begin_alike_and_know_the_repository(stage: Stage) -> None:
    root = stage.repository
    for folder in ("lib/deep", "other", "named"):
        (root / folder).mkdir(parents=True)
    calculator = "class Calculator:\n    def multiply(self):\n        return add()\n"
    (root / "lib/deep/calc.py").write_text(calculator)
    (root / "lib/deep/CLAUDE.md").write_text("Deep notes.\n")
    (root / "other/shop.ts").write_text("export class Shop { sell(): void {} }\n")
    (root / "named/here.go").write_text("package named\n\nfunc Here() {}\n")
    (root / "AGENTS.md").write_text("Root notes.\n")
    (root / "CLAUDE.md").write_text("Root notes.\n")
    (root / "named/AGENTS.md").write_text("Named notes.\n")
    secret = stage.home / "secret"
    secret.write_text("the key\n")
    (root / "named/CLAUDE.md").symlink_to(secret)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "more")
    with ModelServer([LOOK, DONE]) as server:
        stage.player(server.url)
        variants = ["--variant", "Use a loop.", "--variant", "Use recursion."]
        stage.shell("spawn", "-n", "3", *variants, "--file", "named/here.go", "--", "make it fast")
        stage.shell("wait", "--timeout", "30")
        first = [sent(request.body) for request in server.requests if request.turn == 0]
        second = [request.body["messages"][-1]["content"] for request in server.requests if request.turn == 1]
    assert len(first) == 3
    alike = os.path.commonprefix(first)  # noqa: RUF071 (characters are what a cache compares)
    for words in ("## AGENTS.md\n\nRoot notes.", "Named notes.", "calc.py: Calculator:1 multiply:2"):
        assert alike.count(words) == 1, words
    for words in ("shop.ts: Shop:1 sell:1", "named/here.go: Here:3", "# Task\n\nmake it fast"):
        assert words in alike
    assert alike.index("named/here.go: Here") < alike.index("calc.py: Calc"), "what was named comes first"
    assert "Deep notes" not in alike and "the key" not in str(first), "told when it is read; links are not"
    assert [text.count("## lib/deep/CLAUDE.md\n\nDeep notes.") for text in second] == [1, 1, 1]
    assert (paths.cache() / "symbols-1.db").exists()


def test_a_limit_in_tokens_stops_an_agent_with_its_work_kept(stage: Stage) -> None:
    used = {"prompt_tokens": 3000, "completion_tokens": 20, "total_tokens": 3020}
    write = Reply(tool_calls=[("write", {"path": "made.txt", "content": "half\n"})], usage=used)
    with ModelServer([write] * 9) as server:
        stage.player(server.url, more="agent_tokens = 100000")
        config = paths.config_file().read_text() + "\n[defaults]\nagent_tokens = 6000\n"
        stage.configure(config)
        stage.shell("spawn", "-n", "1", "--", "write")
        stage.shell("wait", "--timeout", "30")
    run = stage.json("status")["runs"][0]
    assert run["agents"][0]["state"] == "stopped", run["agents"][0]["reason"]
    assert "token" in run["agents"][0]["reason"]
    assert [candidate["files"] for candidate in run["candidates"]] == [1]
