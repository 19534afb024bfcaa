"""Privacy of whole runs: what agents get of a repository, where their calls may go, what is told of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.conftest import git
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import ModelServer, Reply

SECRET = "the-launch-code-is-8823"
LOOK = (
    "cat .git; git rev-list --all --objects | wc -l; git log --oneline | wc -l;"
    " for o in $(git cat-file --batch-all-objects --batch-check='%(objectname)'); do git cat-file -p $o; done"
    " 2>/dev/null | grep -a launch-code; git show HEAD~1:secrets/code.txt; git status --porcelain;"
    " ls -A; ls secrets"
)
WORK = (
    "sed -i s/-/+/ calc.py; mkdir -p secrets && echo mine > secrets/code.txt && echo x > kept.pem;"
    " echo new > new.txt"
)


def with_secrets(repository: Path) -> None:
    """Tracked, untracked and git-ignored files that ``.kageignore`` names; a history that has them, too."""
    (repository / "secrets").mkdir()
    (repository / "secrets/code.txt").write_text(SECRET)
    (repository / "secrets/public.txt").write_text("for all")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "with secrets")
    (repository / "other.txt").write_text("more\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "more")
    (repository / "loose.pem").write_text(SECRET)
    (repository / ".gitignore").write_text("local.env\n")
    (repository / "local.env").write_text(SECRET)
    (repository / ".worktreeinclude").write_text("local.env\n")
    (repository / ".kageignore").write_text(
        "# not for agents\nsecrets/*\n!secrets/public.txt\n*.pem\nlocal.env\n"
    )


def test_ignored_paths_are_nowhere_in_a_slot_and_nothing_is_lost(stage: Stage) -> None:
    with_secrets(stage.repository)
    script = [
        Reply("I look.", [("shell", {"command": LOOK})]),
        Reply("I work.", [("shell", {"command": WORK})]),
        Reply("Done.", [("finish", {"summary": "add() adds now."})]),
        Reply("Done."),
    ]
    with ModelServer(script) as server:
        stage.player(server.url)
        done = stage.run("spawn", "-n", "2", "make add() add")
        assert done.returncode == 0, done.stderr
        assert "kept from the agents by .kageignore" in done.stderr
        assert "local.env" not in done.stderr.partition("kept from")[0]
        stage.shell("wait", "--timeout", "60")
        agents = stage.agents()
        assert [agent["state"] for agent in agents] == ["done", "done"], agents
        assert all("left out, since .kageignore names it" in agent["reason"] for agent in agents)
        told = json.dumps([request.body["messages"] for request in server.requests])
    assert "I look." in told
    assert SECRET not in told
    assert "public.txt" in told
    run = stage.json("status")["runs"][0]
    worktree = Path(agents[0]["worktree"])
    assert not (worktree / "loose.pem").exists()
    assert not (worktree / "local.env").exists()
    assert (worktree / "secrets/public.txt").read_text() == "for all"
    patch = stage.shell("diff", "--patch", "1")
    changed = {line.split(" b/")[1] for line in patch.splitlines() if line.startswith("diff --git")}
    assert changed == {"calc.py", "new.txt"}
    stage.shell("restart", "2")
    stage.shell("wait", "--timeout", "60")
    assert not (Path(agents[1]["worktree"]) / "loose.pem").exists()
    stage.shell("accept", "1")
    for path in ("secrets/code.txt", "loose.pem", "local.env"):
        assert (stage.repository / path).read_text() == SECRET
    apart = Path(run["store"]).parent / "apart"
    assert [entry.name for entry in apart.iterdir()] == [run["base"]]
    stage.shell("clean")
    assert list(apart.iterdir()) == []


def test_a_task_that_would_send_an_ignored_file_is_refused(stage: Stage) -> None:
    with_secrets(stage.repository)
    stage.player("http://127.0.0.1:1/v1")
    refused = stage.run("spawn", "-n", "1", "--file", "secrets/code.txt", "explain it")
    assert refused.returncode == 4
    assert "secrets/code.txt is kept from agents by .kageignore" in refused.stderr
    assert stage.json("status")["runs"] == []
    with ModelServer(Reply("Done.", [("finish", {"summary": "looked"})])) as server:
        stage.player(server.url)
        told = stage.run(
            "spawn", "-n", "1", "see `./secrets/code.txt`, not secrets/public.txt or /etc/passwd."
        )
        assert "the task names secrets/code.txt, which .kageignore keeps from agents" in told.stderr
        assert "the task names secrets/public" not in told.stderr
        stage.shell("wait", "--timeout", "60")
        assert SECRET not in json.dumps([request.body for request in server.requests])
    (stage.repository / ".kageignore").unlink()
    (stage.repository / ".kageignore").mkdir()
    refused = stage.run("spawn", "-n", "1", "explain it")
    assert "cannot be read" in refused.stderr


def test_players_that_the_rules_do_not_allow_are_refused_at_spawn(stage: Stage) -> None:
    with ModelServer([Reply("I do it.", [("finish", {"summary": "done"})]), Reply("Done.")]) as server:
        far = '[players.far]\nmodel = "anthropic/claude-sonnet-5"\n'
        stage.player(server.url, more=f'fallback = ["far"]\n{far}[privacy]\nallow = ["local", "anthropic"]\n')
        (stage.repository / ".kage.toml").write_text('[privacy]\nallow = ["local"]\n')
        for words in (["--player", "far"], ["--player", "fast"]):
            refused = stage.run("spawn", *words, "do it")
            assert refused.returncode != 0
            assert "player `far`" in refused.stderr
            assert str(stage.repository / ".kage.toml") in refused.stderr
        assert not server.requests
        stage.player(server.url)
        stage.shell("spawn", "--player", "fast", "--record", "tape.jsonl", "do it")
        stage.shell("wait", "--timeout", "60")
        assert stage.agents()[0]["state"] == "done"
    text = stage.shell("log", "--outgoing")
    assert f"openai at {server.url} (openai/test-model)" in text
    assert "system, " in text
    calls = stage.json("log", "--outgoing", "1", "--full")
    assert [call["status"] for call in calls] == ["ok"] * len(calls)
    assert "do it" in json.dumps(calls[0]["messages"])
    again = stage.run("spawn", "--player", "fast", "--record", "tape.jsonl", "do it")
    assert "has something in it already" in again.stderr
    stage.recorded(tape=stage.repository / "tape.jsonl")
    stage.shell("spawn", "do it", "-n", "1")
    stage.shell("wait", "--timeout", "60")
    assert stage.agents()[0]["reason"].endswith("done")
    assert stage.shell("log", "--outgoing") == "nothing was sent to any model\n"


def test_no_process_of_a_run_holds_what_is_ignored(stage: Stage) -> None:
    """The pack that a slot borrows from has the base's files, and no other object."""
    with_secrets(stage.repository)
    stage.recorded(tape=_tape(stage.home / "tape.jsonl"))
    stage.shell("spawn", "-n", "1", "look")
    stage.shell("wait", "--timeout", "60")
    run = stage.json("status")["runs"][0]
    slot = Path(run["agents"][0]["worktree"]).parent
    alternates = (slot / "repo.git/objects/info/alternates").read_text().splitlines()
    assert alternates == [str(Path(run["store"]).parent / "apart" / run["base"])]
    git_dir = ["git", "--git-dir", str(slot / "repo.git")]
    listed = subprocess.run(
        [*git_dir, "cat-file", "--batch-all-objects", "--batch"], capture_output=True, check=True
    )
    assert SECRET.encode() not in listed.stdout
    assert b"for all" in listed.stdout
    subprocess.run([*git_dir, "fsck", "--full"], capture_output=True, check=True)


def _tape(path: Path) -> Path:
    return tape(path, [Reply("I look.", [("finish", {"summary": "looked"})]), Reply("Done.")])
