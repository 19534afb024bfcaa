"""Review: several reviewers on one change, what they agree on, and what another of them refutes."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.client import Client
from tests.conftest import git, until
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import ModelServer, Reply

GOOD = """\
import sqlite3


def name_of(db, key):
    return db.execute("select name from t where key = ?", (key,))
"""
# Planted: a query put together from text, and an average that divides by zero.
BAD = """\
import sqlite3


def name_of(db, key):
    return db.execute("select name from t where key = '" + key + "'")


def average(values):
    return sum(values) / len(values)
"""
MENDED = '    return db.execute("select name from t where key = ?", (key,))'

INJECTION = {
    "path": "store.py",
    "first": 50,  # wrong: what it quotes stands in line 5
    "last": 50,
    "severity": "error",
    "claim": "The key is put into the SQL query as text, so a quote in it allows SQL injection.",
    "evidence": '`return db.execute("select name from t where key = \'" + key + "\'")`',
    "patch": MENDED,
    "confidence": 0.9,
}
QUERY = INJECTION | {
    "first": 5,
    "last": 5,
    "severity": "warning",
    "claim": "A quote in the key breaks the SQL query that is put together here.",
    "patch": "",
}
EMPTY = {
    "path": "store.py",
    "first": 9,
    "last": 9,
    "severity": "warning",
    "claim": "average divides by zero when the list is empty.",
    "evidence": "`sum(values) / len(values)`",
}
UNUSED = {
    "path": "store.py",
    "first": 1,
    "last": 1,
    "severity": "error",
    "claim": "The module sqlite3 does not exist, so this import fails.",
    "evidence": "`import sqlite3`",
}


def answer(body: dict[str, Any], _: dict[str, str]) -> Reply:
    """Three reviewers, one of whom calls no tools and begins with garbage, and those who refute."""
    system = str(body["messages"][0]["content"])
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    last = str(body["messages"][-1]["content"])
    if "Try to refute" in system:
        asked = str(body["messages"][1]["content"])
        if "does not exist" in asked:
            return Reply(tool_calls=[("verdict", {"verdict": "refuted", "reason": "It is in the library."})])
        if "divides by zero" in asked:
            return Reply('```json\n{"verdict": "holds", "reason": "average([]) raises."}\n```')
        return Reply(tool_calls=[("verdict", {"verdict": "holds", "reason": "key = `' or 1`"})])
    role = re.search(r"in this review, (\S+):", system)
    assert role, system
    if role[1] == "security":
        script = [
            [("read_file", {"path": "store.py"}), ("search", {"pattern": "name_of", "glob": "*.py"})],
            [("report_finding", INJECTION), ("report_finding", UNUSED)],
            [("done", {"summary": "one hole"})],
        ]
        if turn == 1:
            assert "    5      return db.execute(" in last or "store.py:4: def name_of" in last
        return Reply(tool_calls=script[turn])
    if role[1] == "correctness":
        script = [
            [("report_finding", "{broken"), ("report_finding", EMPTY | {"path": "nowhere.py"})],
            [("report_finding", EMPTY), ("report_finding", QUERY)],
            [("done", {})],
        ]
        return Reply(tool_calls=script[turn])
    said = [
        "Looks nice!",
        f"```json\n{json.dumps({'findings': [QUERY | {'severity': 'minor'}], 'done': True})}\n```",
    ]
    return Reply(said[min(turn, 1)])


@pytest.fixture
def branch(stage: Stage) -> Stage:
    """A branch that changes a file of main's, the last change of it unsaved by git."""
    (stage.repository / "store.py").write_text(GOOD)
    git(stage.repository, "add", "-A")
    git(stage.repository, "commit", "-qm", "store")
    git(stage.repository, "checkout", "-qb", "feature")
    (stage.repository / "store.py").write_text(BAD.partition("\n\ndef average")[0])
    git(stage.repository, "commit", "-qam", "worse")
    (stage.repository / "store.py").write_text(BAD)
    return stage


def configure(stage: Stage, url: str, more: str = "") -> None:
    one = f'model = "openai/m"\napi_base = "{url}"\napi_key_env = "OPENAI_API_KEY"\n'
    one += "price_in = 1.0\nprice_out = 2.0\n"
    stage.configure(
        f"[players.one]\n{one}\n[players.two]\n{one}\n"
        f'[review]\nplayers = ["one", "two"]\nroles = ["security", "correctness", "style"]\n{more}'
    )
    stage.environment["OPENAI_API_KEY"] = "sk-planted"


def reviewers_agree_refute_and_report(branch: Stage, tmp_path: Path) -> None:
    before = digest(branch.repository)
    with ModelServer(answer) as server:
        configure(branch, server.url)
        said = branch.run("review", "--json", "--sarif", str(tmp_path / "found.sarif"))
    assert digest(branch.repository) == before
    assert said.returncode == 1, said.stderr + branch.logs()
    review = json.loads(said.stdout)
    injection, refuted, empty = sorted(review["findings"], key=lambda one: (one["first"] != 5, one["first"]))
    assert (injection["first"], injection["last"], injection["severity"]) == (5, 5, "error")
    assert set(injection["agreed"]) == {"security", "correctness", "style"}
    assert injection["patch"]["lines"] == [MENDED] and injection["patch"]["old"] == [BAD.splitlines()[4]]
    assert (injection["verdict"], empty["verdict"], refuted["verdict"]) == ("holds", "holds", "refuted")
    assert refuted["why"] == "It is in the library." and refuted["judged"] == "two"
    assert [one["state"] for one in review["reviewers"]] == ["done"] * 3
    assert review["reviewers"][1]["rejected"] == 2 and review["cost_usd"] > 0
    log = json.loads((tmp_path / "found.sarif").read_text())
    assert {result["partialFingerprints"]["kageFinding/v1"] for result in log["runs"][0]["results"]} == {
        one["id"] for one in review["findings"]
    }

    again = branch.shell("review", "--last", code=1)
    assert "SQL injection" in again and "does not exist" not in again and "1 refuted" in again
    assert "refuted: It is in the library." in branch.shell("review", "--last", "--all", code=1)
    branch.shell("review", "--last", "--fail-on", "never")
    (branch.repository / "store.py").write_text("# a line above\n" + BAD)
    moved = json.loads(branch.run("review", "--last", "--json").stdout)
    assert {tuple(one["yours"]) for one in moved["findings"]} == {(2, 2), (6, 6), (10, 10)}


def heads_candidates_and_what_cannot_be_reviewed(branch: Stage, tmp_path: Path) -> None:
    root = branch.repository
    found = [Reply(tool_calls=[("report_finding", UNUSED)]), Reply(tool_calls=[("done", {})])]
    refuted = [Reply(tool_calls=[("verdict", {"verdict": "refuted", "reason": "It does."})])]
    branch.configure(
        f'[players.rec]\nrecorded = "{tape(tmp_path / "r.jsonl", found)}"\n'
        "[players.sed]\ncommand = \"sed -i 's/a - b/a + b/' calc.py\"\n"
        f'[players.ref]\nrecorded = "{tape(tmp_path / "f.jsonl", refuted)}"\n'
        '[review]\nroles = ["security"]\nplayers = ["rec"]\nrefuters = ["ref"]\n'
    )
    (root / "store.py").write_text(BAD)
    git(root, "stash", "-q")
    git(root, "branch", "41", "feature")
    git(root, "update-ref", "refs/pull/7/head", "feature")
    git(root, "checkout", "-q", "main")
    ahead = json.loads(branch.run("review", "feature", "--json").stdout)
    assert (ahead["kind"], ahead["files"]) == ("revision", ["store.py"])
    number = json.loads(branch.run("review", "41", "--json").stdout)  # no candidate is called so
    assert (number["title"], number["files"]) == ("41 against main", ["store.py"])
    (root / "README.md").write_text("mine\n")
    pull = json.loads(branch.run("review", "pull/7", "--json", "--fail-on", "never").stdout)
    assert (pull["kind"], pull["files"]) == ("revision", ["store.py"])
    assert [(one["verdict"], one["judged"]) for one in pull["findings"]] == [("refuted", "ref")]
    both = json.loads(branch.run("review", "main..feature", "--json").stdout)
    assert both["head"] == git(root, "rev-parse", "feature")
    yours = json.loads(branch.run("review", "--json").stdout)
    assert (yours["kind"], yours["files"]) == ("yours", ["README.md"])
    nothing = branch.run("review", "feature..feature")
    assert nothing.returncode == 3 and "nothing to review" in nothing.stderr
    assert "no revision" in branch.run("review", "nonesuch").stderr
    assert "it is no model" in branch.run("review", "--player", "sed").stderr
    assert "no role `nonesuch`" in branch.run("review", "--role", "nonesuch").stderr

    (root / ".kage" / "roles").mkdir(parents=True)
    (root / ".kage" / "roles" / "ours.md").write_text("Look at our things.")
    asked = branch.run("review", "--role", "ours")
    assert asked.returncode == 4 and "Trust the role `ours`" in asked.stderr
    assert branch.run("review", "--role", "ours", "--yes").returncode in (0, 1)

    branch.shell("spawn", "--hidden", "--yes", "--player", "sed", "--", "mend it")
    branch.shell("wait")
    candidate = json.loads(branch.run("review", "1", "--json").stdout)
    assert (candidate["number"], candidate["files"]) == (1, ["calc.py"])


def slow(body: dict[str, Any], _: dict[str, str]) -> Reply:
    """One who has found something and thinks on for long."""
    if body["messages"][-1]["role"] == "user":
        return Reply(tool_calls=[("report_finding", EMPTY)])
    return Reply("…", delay=30)


async def stop(stage: Stage) -> Any:
    """``:Kage review stop``."""
    client = Client()
    await client.open("cli", str(stage.repository))
    try:
        return await client.request("review_stop", {"cwd": str(stage.repository)})
    finally:
        await client.close()


def a_review_ends_with_the_shell_and_with_its_budget(branch: Stage) -> None:
    words = [sys.executable, "-I", "-m", "kage_nvim.cli", "review"]
    with ModelServer(slow) as server:
        configure(branch, server.url)
        asked = subprocess.Popen(words, cwd=branch.repository, env=branch.environment)
        until(lambda: len(server.requests) >= 6, 30, "the reviewers have found something, and go on")
        assert server.most_in_flight >= 3
        asked.send_signal(signal.SIGINT)
        assert asked.wait(20) == 130
        asked = subprocess.Popen(words, cwd=branch.repository, env=branch.environment, stderr=subprocess.PIPE)
        until(lambda: len(server.requests) >= 12, 30, "the same again")
        assert asyncio.run(stop(branch)) == {"stopped": 1}
        assert "the review was stopped" in asked.communicate(timeout=20)[1].decode()
        left = branch.run("review", "--last").stdout
        assert "divides by zero" in left and "stopped before its end" in left
    with ModelServer(answer) as server:
        configure(branch, server.url, "run_usd = 0.000001\n")
        poor = branch.run("review", "--json")
        assert poor.returncode == 1 and "no reviewer came to an end" in poor.stderr


def test_reviews_in_the_shell(branch: Stage, tmp_path: Path) -> None:
    """All on one stage, for its daemons take longer to come and go than the reviews do."""
    reviewers_agree_refute_and_report(branch, tmp_path)
    a_review_ends_with_the_shell_and_with_its_budget(branch)
    heads_candidates_and_what_cannot_be_reviewed(branch, tmp_path)
