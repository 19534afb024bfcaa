"""How a run is spent: race, cascade, converge, tournament, until green, and turns to mend failures.

The agents are commands, whose time is all that they spend; the checks are real ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

CHECK = "[checks.sum]\ncommand = \"python3 -c 'import calc; assert calc.add(1, 2) == 3'\"\n"
RIGHT = "sed -i 's/-/+/' calc.py"
WRONG = "sed -i 's/-/*/' calc.py"


@pytest.fixture
def project(stage: Stage) -> Stage:
    (stage.repository / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (stage.repository / ".gitignore").write_text("__pycache__/\n")
    (stage.repository / ".kage.toml").write_text(CHECK)
    return stage


def players(project: Stage, more: str = "", **commands: str) -> None:
    tables = [f'[players.{name}]\ncommand = """{command}"""\n' for name, command in commands.items()]
    project.configure("\n".join([more, *tables]))


def spent(project: Stage, *words: str) -> dict[str, Any]:
    """The run of ``kage spawn WORDS`` once it is over."""
    project.shell("spawn", "--hidden", "--yes", *words, "--", "mend it")
    return over(project)


def over(project: Stage) -> dict[str, Any]:
    return dict(json.loads(project.run("wait", "--timeout", "60", "--json").stdout))


def by(*names: str) -> list[str]:
    return [word for name in names for word in ("--player", name)]


def told(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [(agent["state"], agent["reason"]) for agent in run["agents"]]


def test_a_race_is_over_with_the_first_that_is_green_and_one_alone_mends_its_failures(project: Stage) -> None:
    (project.repository / ".kage.toml").write_text(CHECK + "retry = 1\n")
    players(
        project,
        slow="sleep 60",
        quick=f"sleep 0.3; {RIGHT}",
        wrong=f"{WRONG}; sleep 0.1",
        learns=f"grep -q 'checks do not pass' && {RIGHT} || echo '# tried' >> calc.py",
    )
    run = spent(project, "--strategy", "race", "--retry", "0", *by("slow", "quick", "wrong"))
    states = told(run)
    assert states[0] == ("stopped", "agent 2 was green first")
    assert states[1][0] == states[2][0] == "done"
    assert run["strategy"] == "race"
    assert [c["green"] for c in run["candidates"] if c["files"]] == [True, False]
    run = spent(project, *by("learns"))
    assert told(run)[0][0] == "done"
    assert "repaired in 1 turn" in told(run)[0][1]
    assert run["candidates"][0]["green"] is True


def test_it_goes_on_after_kaged_was_killed(project: Stage) -> None:
    """A cascade starts the next when the one before is not green; ``--until green`` mends first, and begins
    anew then: the first agent cannot, the second attempt can."""
    wrong = "date +%N >> calc.py; sleep 0.5; exit 0"
    players(
        project,
        '[defaults]\nunmetered = "allow"\n',
        cheap=f"sleep 1; {WRONG}",
        fair=RIGHT,
        best=RIGHT,
        model=f'test "$KAGE_AGENT" = 2 && {RIGHT} || {{ {wrong}; }}',
    )
    words = by("cheap", "fair", "best")
    project.shell("spawn", "--hidden", "--yes", "--strategy", "cascade", *words, "--", "mend it")
    waits = project.agents()[1]
    assert (waits["state"], waits["rule"]) == ("waiting", "strategy")
    assert waits["reason"].startswith("waits for agent 1")
    project.kill()
    run = over(project)
    states = told(run)
    assert [state for state, _ in states] == ["done", "done", "stopped"]
    assert states[2][1] == "not needed: agent 2 is green"
    assert [candidate["number"] for candidate in run["candidates"]] == [1, 2]
    assert run["agents"][1]["started"] >= run["agents"][0]["ended"]
    asked = ["--until", "green", "--retry", "1", "--budget", "0.50", *by("model")]
    project.shell("spawn", "--hidden", "--yes", *asked, "--", "mend it")
    project.kill()
    run = over(project)
    assert [state for state, _ in told(run)] == ["done", "done"]
    assert "not green after 1 turn of repair" in told(run)[0][1]
    assert run["candidates"][1]["green"] is True
    rows = {row["player"]: row for row in project.json("stats")["rows"]}
    assert [(rows["model"][key]) for key in ("language", "runs", "green")] == ["Python", 2, 1]
    assert "about" in project.shell("estimate", "--player", "model")


def test_agents_that_converge_or_are_stuck_or_lose_a_round_are_stopped(
    project: Stage, tmp_path: Path
) -> None:
    """Layout makes no difference; the one with the same change that is done stays."""
    loop = [("shell", {"command": "echo no such thing; exit 3"})]
    stuck = tape(tmp_path / "stuck.jsonl", [Reply(tool_calls=loop) for _ in range(12)], delay=0.05)
    players(
        project,
        f'[defaults]\nround_seconds = 2.0\n[players.stuck]\nrecorded = "{stuck}"\n',
        done=RIGHT,
        same=f"{RIGHT}; echo '# the same' >> calc.py; sleep 60",
        good=f"{RIGHT}; grep -q 'Go on' && exit; sleep 60",
        bad=f"{WRONG}; sleep 60",
    )
    states = told(spent(project, "--strategy", "converge", *by("done", "same", "stuck")))
    assert states[0][0] == "done"
    assert states[1] == ("stopped", "the same change as agent 1")
    assert states[2][0] == "stopped" and "failed 3 times in the same way" in states[2][1]
    run = spent(project, "--strategy", "tournament", *by("bad", "good"))
    states = told(run)
    assert states[0] == ("stopped", "place 2 of 2 after its round")
    assert states[1][0] == "done"
    assert [made["green"] for made in run["candidates"]] == [False, True]
