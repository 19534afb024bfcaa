"""kaged killed with -9 at each named point: the next use mends what is left, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import alive, git, until
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage, digest, tape

TAKEN_BACK = [
    "spawn.intent",
    "slot.acquire.intent",
    "slot.acquire.action",
    "slot.acquire.done",
    "spawn.base.action",
    "spawn.base.done",
    "spawn.slots.done",
    "spawn.panes.intent",
    "spawn.panes.done",
    "spawn.action",
]
"""A spawn that is killed here has not happened."""

FIXED = "return a + b"


@pytest.fixture
def fixed(stage: Stage, tmp_path: Path) -> Iterator[Stage]:
    """A stage whose player mends calc.py by a recording."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX))
    yield stage


@pytest.fixture
def done(fixed: Stage) -> Stage:
    """The same with a run of one agent that has ended."""
    fixed.shell("spawn", "-n", "1", "mend add")
    fixed.shell("wait", "--timeout", "40")
    return fixed


def restart_with(stage: Stage, point: str) -> None:
    """Let the next kaged be one that dies at ``point``."""
    stage.kill()
    stage.environment["KAGE_FAIL_AT"] = point


def cut(stage: Stage, *words: str) -> None:
    """A command during which kaged dies; afterwards no more points are set."""
    ended = stage.run(*words)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "kaged" in ended.stderr
    assert "Traceback" not in ended.stderr
    stage.environment.pop("KAGE_FAIL_AT", None)


@pytest.mark.parametrize("point", TAKEN_BACK)
def test_a_spawn_that_was_cut_off_is_taken_back(fixed: Stage, point: str) -> None:
    before = digest(fixed.repository)
    fixed.environment["KAGE_FAIL_AT"] = point
    cut(fixed, "spawn", "-n", "2", "mend add")
    assert fixed.json("status")["runs"] == []
    assert digest(fixed.repository) == before
    until(lambda: fixed.panes() == [], 5, "no pane left")
    fixed.shell("spawn", "-n", "2", "mend add")
    fixed.shell("wait", "--timeout", "40")
    assert [agent["state"] for agent in fixed.agents()] == ["done", "done"]
    assert [Path(agent["worktree"]).parent.name for agent in fixed.agents()] == ["1", "2"], (
        "slots are used again"
    )


def test_a_spawn_killed_after_its_end_goes_on(fixed: Stage) -> None:
    fixed.environment["KAGE_FAIL_AT"] = "spawn.done"
    cut(fixed, "spawn", "-n", "2", "mend add")
    fixed.shell("wait", "--timeout", "40")
    assert [agent["state"] for agent in fixed.agents()] == ["done", "done"]
    assert len(fixed.json("status")["runs"][0]["candidates"]) == 2


@pytest.mark.parametrize("point", ["candidate.capture.action"])
def test_a_candidate_is_read_again(fixed: Stage, point: str) -> None:
    fixed.environment["KAGE_FAIL_AT"] = point
    fixed.shell("spawn", "-n", "1", "mend add")
    pid = fixed.pid()
    until(lambda: not alive(pid), 30, "kaged died reading the candidate")
    fixed.environment.pop("KAGE_FAIL_AT")
    fixed.shell("wait", "--timeout", "40")
    assert fixed.json("status")["runs"][0]["candidates"][0]["files"] == 1
    fixed.shell("accept", "1")
    assert FIXED in (fixed.repository / "calc.py").read_text()


@pytest.mark.parametrize(
    "point", ["land.intent", "land.buffers.done", "land.file.action", "land.action", "land.done"]
)
def test_a_landing_is_finished_and_can_be_undone(done: Stage, point: str) -> None:
    before = digest(done.repository)
    restart_with(done, point)
    cut(done, "accept", "1")
    assert [entry["state"] for entry in done.json("history")["landings"]] == ["done"]
    assert FIXED in (done.repository / "calc.py").read_text()
    assert git(done.repository, "status", "--porcelain") == " M calc.py"
    done.shell("undo")
    assert digest(done.repository) == before


def test_a_landing_that_was_cut_off_leaves_alone_what_changed_since(done: Stage) -> None:
    restart_with(done, "land.intent")
    cut(done, "accept", "1")
    mine = "# mine, written after the crash\n"
    (done.repository / "calc.py").write_text(mine)
    done.shell("status")
    assert (done.repository / "calc.py").read_text() == mine


@pytest.mark.parametrize("point", ["clean.intent", "clean.panes.done", "clean.action", "clean.done"])
def test_a_clean_is_finished(done: Stage, point: str) -> None:
    commit = done.json("status")["runs"][0]["candidates"][0]["commit"]
    store = done.json("status")["runs"][0]["store"]
    restart_with(done, point)
    cut(done, "clean")
    assert done.json("status")["runs"] == []
    until(lambda: done.panes() == [], 5, "no pane left")
    kept = git(Path(store), "for-each-ref", "--format=%(objectname)", "refs/kage/trash")
    assert git(Path(store), "rev-parse", f"{commit}^{{tree}}") in [
        git(Path(store), "rev-parse", f"{name}^{{tree}}") for name in kept.split()
    ]
    done.shell("spawn", "-n", "1", "mend add again")
    done.shell("wait", "--timeout", "40")
    assert Path(done.agents()[0]["worktree"]).parent.name == "1"


@pytest.mark.parametrize("point", ["reconcile.loaded", "daemon.reconciled"])
def test_even_the_mending_can_be_cut_off(done: Stage, point: str) -> None:
    restart_with(done, point)
    cut(done, "status")
    assert done.agents()[0]["state"] == "done"


def test_a_candidate_that_was_being_checked_is_checked_after_all(fixed: Stage) -> None:
    (fixed.repository / ".kage.toml").write_text('[checks.slow]\ncommand = "sleep 1; test -s calc.py"\n')
    fixed.shell("spawn", "--hidden", "--yes", "-n", "1", "mend add")
    until(lambda: fixed.agents()[0]["state"] == "checking", 20, "the candidate is checked")
    fixed.kill()
    fixed.shell("wait", "--timeout", "30")
    (candidate,) = fixed.json("status")["runs"][0]["candidates"]
    assert candidate["checks"] == {"slow": "pass"} and candidate["green"] is True


def test_a_course_goes_on_where_kaged_died_between_two_attempts(stage: Stage) -> None:
    """Also though all agents had ended."""
    (stage.repository / ".kage.toml").write_text('[checks.two]\ncommand = "grep -q attempt.2 calc.py"\n')
    stage.configure(
        '[defaults]\nunmetered = "allow"\n'
        "[players.tries]\ncommand = \"echo '# attempt '$KAGE_AGENT >> calc.py\"\n"
    )
    asked = ["--until", "green", "--budget", "0.50", "--retry", "0", "--player", "tries"]
    stage.environment["KAGE_FAIL_AT"] = "course.ended.intent"
    stage.shell("spawn", "--hidden", "--yes", *asked, "--", "go on")
    pid = stage.pid()
    until(lambda: not alive(pid), 30, "kaged died when the agent had ended")
    stage.environment.pop("KAGE_FAIL_AT")
    stage.shell("wait", "--timeout", "40")
    (run,) = stage.json("status")["runs"]
    assert [agent["state"] for agent in run["agents"]] == ["done", "done"]
    assert [candidate["green"] for candidate in run["candidates"]] == [False, True]
    assert run["winner"] == 2
