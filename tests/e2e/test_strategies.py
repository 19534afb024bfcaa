"""How a run is spent: race, cascade, converge, tournament, until green, and turns to mend failures.

The agents are commands, whose time is all that they spend; the checks are real ones.
"""

from __future__ import annotations

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
    project.run("wait", "--timeout", "40")
    return dict(project.json("status")["runs"][0])


def told(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [(agent["state"], agent["reason"]) for agent in run["agents"]]


def test_a_race_is_over_with_the_first_that_is_green(project: Stage) -> None:
    players(project, slow="sleep 60", quick=f"sleep 0.3; {RIGHT}", wrong=WRONG)
    run = spent(project, "--strategy", "race", "--player", "slow", "--player", "quick", "--player", "wrong")
    states = told(run)
    assert states[0] == ("stopped", "agent 2 was green first")
    assert states[1][0] == states[2][0] == "done"
    assert run["strategy"] == "race"
    assert [c["green"] for c in run["candidates"] if c["files"]] == [True, False]


def test_a_cascade_starts_the_next_when_the_one_before_is_not_green(project: Stage) -> None:
    """Also when kaged was killed meanwhile."""
    players(project, cheap=f"sleep 1; {WRONG}", fair=RIGHT, best=RIGHT)
    words = ["--player", "cheap", "--player", "fair", "--player", "best"]
    project.shell("spawn", "--hidden", "--yes", "--strategy", "cascade", *words, "--", "mend it")
    waits = project.agents()[1]
    assert (waits["state"], waits["rule"]) == ("waiting", "strategy")
    assert waits["reason"].startswith("waits for agent 1")
    project.kill()
    project.shell("wait", "--timeout", "40")
    run = project.json("status")["runs"][0]
    states = told(run)
    assert [state for state, _ in states] == ["done", "done", "stopped"]
    assert states[2][1] == "not needed: agent 2 is green"
    assert [candidate["number"] for candidate in run["candidates"]] == [1, 2]
    assert run["agents"][1]["started"] >= run["agents"][0]["ended"]


def test_an_agent_is_sent_its_failures_and_mends_them(project: Stage) -> None:
    (project.repository / ".kage.toml").write_text(CHECK + "retry = 1\n")
    players(project, model=f"grep -q 'checks do not pass' && {RIGHT} || echo '# tried' >> calc.py")
    run = spent(project, "--player", "model")
    assert told(run)[0][0] == "done"
    assert "repaired in 1 turn" in told(run)[0][1]
    assert run["candidates"][0]["green"] is True


def test_until_green_mends_first_and_begins_anew_then(project: Stage) -> None:
    """The first agent cannot; the second attempt can. It goes on after kaged was killed amid the first."""
    wrong = "date +%N >> calc.py; sleep 0.5; exit 0"
    players(
        project,
        '[defaults]\nunmetered = "allow"\n',
        model=f'test "$KAGE_AGENT" = 2 && {RIGHT} || {{ {wrong}; }}',
    )
    asked = ["spawn", "--hidden", "--yes", "--until", "green", "--retry", "1", "--player", "model"]
    refused = project.run(*asked, "--", "mend it")
    assert refused.returncode == 2 and "--budget 0.50" in refused.stderr
    project.shell(*asked, "--budget", "0.50", "--", "mend it")
    project.kill()
    project.shell("wait", "--timeout", "60")
    run = project.json("status")["runs"][0]
    assert [state for state, _ in told(run)] == ["done", "done"]
    assert "not green after 1 turn of repair" in told(run)[0][1]
    assert run["candidates"][1]["green"] is True
    (row,) = project.json("stats")["rows"]
    assert (row["player"], row["language"], row["runs"], row["green"]) == ("model", "Python", 2, 1)
    assert "about" in project.shell("estimate", "--player", "model")


def test_agents_that_converge_or_are_stuck_are_stopped(project: Stage, tmp_path: Path) -> None:
    """Layout makes no difference; the one with the same change that is done stays."""
    loop = [("shell", {"command": "echo no such thing; exit 3"})]
    stuck = tape(tmp_path / "stuck.jsonl", [Reply(tool_calls=loop) for _ in range(12)], delay=0.05)
    (project.repository / ".kage.toml").unlink()
    players(
        project,
        f'[players.stuck]\nrecorded = "{stuck}"\n',
        done=RIGHT,
        same=f"{RIGHT}; echo '# the same' >> calc.py; sleep 60",
    )
    words = ["--player", "done", "--player", "same", "--player", "stuck"]
    states = told(spent(project, "--strategy", "converge", *words))
    assert states[0][0] == "done"
    assert states[1] == ("stopped", "the same change as agent 1")
    assert states[2][0] == "stopped" and "failed 3 times in the same way" in states[2][1]


def test_a_tournament_lets_the_better_half_go_on(project: Stage) -> None:
    players(
        project,
        "[defaults]\nround_seconds = 2.0\n",
        good=f"{RIGHT}; grep -q 'Go on' && exit; sleep 60",
        bad=f"{WRONG}; sleep 60",
    )
    run = spent(project, "--strategy", "tournament", "--player", "bad", "--player", "good")
    states = told(run)
    assert states[0] == ("stopped", "place 2 of 2 after its round")
    assert states[1][0] == "done"
    assert [made["green"] for made in run["candidates"]] == [False, True]
