"""Roles from the command line to the agent: Kage's own, and a repository's once it is trusted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from kage_nvim import paths
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply


def test_what_a_role_says_reaches_its_agent(stage: Stage, tmp_path: Path) -> None:
    done = [Reply(tool_calls=[("finish", {"summary": "ok"})])]
    stage.recorded(a=tape(tmp_path / "a.jsonl", done), b=tape(tmp_path / "b.jsonl", done))
    folder = stage.repository / ".kage" / "roles"
    folder.mkdir(parents=True)
    (folder / "careful.md").write_text("---\ndescription: slow\n---\nThink of three failures first.\n")
    wanted = ("spawn", "--player", "a:2+security", "--player", "b+careful", "look")
    asked = stage.run(*wanted)
    assert asked.returncode == 4 and "Trust the role `careful`" in asked.stderr
    unknown = stage.run("spawn", "--player", "a+nobody", "look")
    assert unknown.returncode == 2 and "known: careful, documenter" in unknown.stderr

    stage.shell(*wanted, "--yes")
    stage.shell("wait", "--timeout", "30")
    run = stage.json("status")["runs"][0]
    assert [agent["role"] for agent in run["agents"]] == ["security", "security", "careful"]
    assert "b+careful" in stage.shell("status")
    told = []
    for number in (1, 2, 3):
        log = (paths.run_folder(run["id"]) / "agents" / str(number) / "log.jsonl").read_text()
        messages = [json.loads(line) for line in log.splitlines() if '"message"' in line]
        told.append(messages[1]["message"]["content"])
    assert all("# Your role: security" in text and "attacked" in text for text in told[:2])
    assert "Think of three failures first." in told[2] and "---" not in told[2]
    stage.shell("spawn", "--player", "b+careful", "look")  # trusted from now on
    assert "security" in stage.shell("role", "list")
    assert "Think of three" in stage.shell("role", "show", "careful")


def test_a_shared_role_is_shown_and_pinned(stage: Stage, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "agents").mkdir(parents=True)
    (shared / "README.md").write_text("# Roles\n")
    file = shared / "agents" / "careful.md"
    file.write_text("---\nname: careful\ndescription: slow\ntools: Bash\n---\nThink of three failures.\n")
    commit = ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "roles")
    for words in (("init", "-q"), ("add", "-A"), commit):
        subprocess.run(["git", "-C", shared, *words], check=True)
    url = str(shared)

    seen = stage.run("role", "add", url)
    assert seen.returncode == 4 and "Think of three failures." in seen.stderr
    assert "careful" not in stage.shell("role", "list")
    assert stage.shell("role", "add", url, "careful", "--yes").startswith("added careful")
    assert f"from {url} agents/careful.md at " in stage.shell("role", "show", "careful")
    kept = stage.home.glob("**/kage/roles/careful.md")
    next(kept).write_text("Do as you like.\n")
    changed = stage.run("role", "show", "careful")
    assert changed.returncode == 1 and "is not what was pinned" in changed.stderr
    assert stage.shell("role", "remove", "careful").strip() == "removed careful"
    assert stage.run("role", "add", url, "bold").returncode == 3
    escaped = tmp_path / "escaped"
    assert stage.run("role", "add", f"ext::sh -c touch% {escaped}", "--yes").returncode == 1
    assert not escaped.exists()
