"""What past runs say of players: statistics, estimates, what a strategy saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.model import AgentStatus, CandidateStatus, RunStatus, State, Task
from kage_nvim.orchestrator import experience, forecast, past
from kage_nvim.orchestrator.languages import of_changes, of_path
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.orchestrator.strategies import saving
from kage_nvim.records import AgentRecord, Course, Landing, RunRecord, Synthesis
from kage_nvim.store import Database
from kage_nvim.trees import Change


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "kage.db")
    yield made
    made.close()


def status(number: int = 1, player: str = "fast", **more: Any) -> AgentStatus:
    given = {"state": State.DONE, "started": 100.0, "ended": 160.0, "cost_usd": 0.10, "tokens_in": 1000}
    return AgentStatus(number=number, player=player, **(given | more))


def put(
    database: Database, name: str, *agents: AgentStatus, green: set[int] | None = None, **more: Any
) -> RunRecord:
    repository = more.pop("repository", "/project")
    made = RunStatus(
        id=name,
        task="t",
        repository=repository,
        store="s",
        base="b",
        created=float(len(database.runs(cleaned=True))),
        candidates=[
            CandidateStatus(
                number=a.number, commit="c", files=1, language="Python", green=a.number in (green or set())
            )
            for a in agents
        ],
        winner=more.pop("winner", None),
    )
    record = RunRecord(status=made, task=Task(text="t"), **more)
    database.put_run(record)
    for agent in agents:
        database.put_agent(AgentRecord(run=name, status=agent, slot=1, token="t", pid=1))
    return record


def land(database: Database, run: str, number: int, state: str = "done") -> None:
    landing = Landing(repository="/project", run=run, number=number, before="a", after="b", files=[])
    landing.numbers = [number]
    landing.state = state
    database.open_landing(landing)


def test_rows_by_player_role_and_language_the_best_first(database: Database) -> None:
    put(database, "a", status(1), status(2, "slow", cost_usd=1.0, role="tester"), green={1}, winner=1)
    put(database, "b", status(1), status(2, "free", cost_usd=None), green={2}, cleaned=5.0)
    put(database, "c", status(1, state=State.WORKING, ended=None), status(2, "other"), repository="/else")
    land(database, "a", 1)
    land(database, "b", 2)
    land(database, "b", 1, state="undone")
    rows = experience.stats(past.read(database, Path("/project")).agents)
    assert [(r["player"], r["role"], r["runs"], r["green"], r["wins"], r["accepted"]) for r in rows] == [
        ("free", "", 1, 1, 0, 1),
        ("fast", "", 2, 1, 1, 1),
        ("slow", "tester", 1, 0, 0, 0),
    ]
    assert [r["usd_per_accepted"] for r in rows] == [None, pytest.approx(0.2), None]
    assert rows[0]["usd"] is None and {r["language"] for r in rows} == {"Python"}
    assert [r["player"] for r in experience.stats(past.read(database).agents)].count("other") == 1
    assert experience.stats([]) == []


def test_an_estimate_says_a_middle_and_a_range(database: Database) -> None:
    for number in range(10):
        put(database, f"r{number}", status(cost_usd=0.01 * (number + 1), ended=100.0 + 60 * (number + 1)))
    history = past.read(database)
    guess = experience.estimate(history, ["fast", "fast"], "/project", "Python")
    assert guess is not None and guess.usd is not None
    assert guess.usd == pytest.approx((0.11, 0.04, 0.18))
    assert guess.seconds == (330.0, 120.0, 540.0)
    told = forecast.told(history, ["fast", "fast"], "/project", "Python")
    assert told["line"] == "about $0.11 (0.04-0.18), 6 min (2 min-9 min)"
    assert told["suggestion"] == "Python here: @fast 0/10 green, $0.06 each"
    assert told["order"] == ["fast"]


def test_nothing_is_guessed_from_nothing(database: Database) -> None:
    put(database, "a", status(1), status(2, "free", cost_usd=None, unmetered=True))
    put(database, "b", status(1, state=State.STOPPED), status(2, "free", cost_usd=None, unmetered=True))
    history = past.read(database)
    assert experience.estimate(history, ["fast"], "/project", "") is None
    told = forecast.told(history, ["fast", "free"], "/project", "")
    assert told["line"] == "about 1,000 tokens, 60 s, nothing is known of fast"
    assert told["suggestion"] == ""
    assert forecast.told(past.History([], []), ["fast"], "/project", "Go")["guess"] is None


def test_those_most_like_it_are_asked(database: Database) -> None:
    for number in range(2):
        put(database, f"here{number}", status(cost_usd=1.0))
        put(database, f"there{number}", status(cost_usd=5.0), repository="/else")
    history = past.read(database)
    assert {agent.usd for agent in experience.like(history.agents, "fast", "/project", "Python")} == {1.0}
    assert {agent.usd for agent in experience.like(history.agents, "fast", "/else", "Rust")} == {5.0}
    assert len(experience.like(history.agents, "fast", "/new", "Rust")) == 4


def test_what_never_began_is_no_agent_of_its_player(database: Database) -> None:
    put(database, "r", status(1))
    held = AgentRecord(run="r", status=status(2, state=State.STOPPED), slot=2, token="t")
    database.put_agent(held)
    assert [agent.player for agent in past.read(database).agents] == ["fast"]


def test_one_that_made_nothing_was_not_green(database: Database) -> None:
    """Where checks are known; the run tells its language. Cut short, or with a part, it tells nothing."""
    put(database, "r", status(1), status(2, state=State.FAILED), status(3), status(4, state=State.STOPPED))
    record = database.runs()[0]
    for number in (2, 3):
        record.status.candidates[number - 1].files = 0
        record.status.candidates[number - 1].language = ""
    record.status.candidates[0].green = True
    database.put_run(record)
    put(database, "parts", status(1), course=Course(parts={1: "a", 2: "b"}))
    put(database, "elsewhere", status(1, "other", state=State.FAILED), repository="/else")
    other = next(record for record in database.runs() if record.status.id == "elsewhere")
    other.status.candidates = []
    database.put_run(other)
    rows = experience.stats(past.read(database).agents)
    assert [(r["player"], r["language"], r["runs"], r["checked"], r["green"]) for r in rows] == [
        ("fast", "Python", 5, 3, 1),
        ("other", "", 1, 0, 0),
    ]


def test_work_that_was_landed_with_others_was_accepted(database: Database) -> None:
    agents = status(1), status(2), status(3)
    put(database, "composed", *agents, provenance={4: [{"agents": [1]}, {"agents": [1, 3]}]})
    put(database, "united", *agents, union={"number": 4, "commits": {"1": "c", "2": "c"}})
    for name in ("composed", "united"):
        land(database, name, 4)
    assert [a.accepted for a in past.read(database).agents] == [True, True, False, True, False, True]


def test_a_run_that_ends_agents_is_guessed_from_runs_like_it(database: Database) -> None:
    """Also of those who were never started; without such runs, what all of them take is a bound."""
    for number in range(2):
        put(database, f"a{number}", status(1, cost_usd=0.2), status(2, "slow", cost_usd=2.0, ended=400.0))
    names = ["fast", "slow"]

    def line(strategy: str) -> str:
        return str(forecast.told(past.read(database), names, "/project", "", strategy)["line"])

    assert line("all") == "about $2.20 (2.20-2.20), 5 min"
    assert line("race") == "at most about $2.20 (2.20-2.20), 5 min"
    assert line("cascade") == "at most about $2.20 (2.20-2.20), 6 min"
    assert line(past.UNTIL) == "at least about $2.20 (2.20-2.20), 5 min"
    for number, usd in enumerate((0.1, 0.3)):
        put(database, f"c{number}", status(1, cost_usd=usd), course=Course(strategy="cascade"))
        held = AgentRecord(
            run=f"c{number}", status=status(2, "slow", cost_usd=0.0, state=State.STOPPED), slot=2, token="t"
        )
        held.spared = True
        database.put_agent(held)
    put(database, "cut", status(1, cost_usd=9.0, state=State.STOPPED), course=Course(strategy="cascade"))
    assert line("cascade").startswith("about $0.20 (0.10-0.30), ")


def spared(database: Database, strategy: str, *agents: AgentStatus, ended: set[int]) -> str:
    record = RunRecord(
        status=RunStatus(id="now", task="t", repository="/project", store="s", base="b", created=9.0),
        task=Task(text="t"),
        course=Course(strategy=strategy),
    )
    run = Run(record, None, None)  # type: ignore[arg-type]
    for one in agents:
        kept = AgentRecord(
            run="now", status=one, slot=1, token="t", spared=one.number in ended, pid=one.number
        )
        kept.synthesis = Synthesis(winner=1, commit="c") if one.number == 3 else None
        run.agents[one.number] = Agent(kept, Slot(1, Path("/nowhere")))
    return saving.line(database, run)


def test_a_saving_is_told_by_those_like_it(database: Database) -> None:
    stopped = {"state": State.STOPPED, "cost_usd": 0.02, "ended": 110.0, "tokens_in": 10}
    assert spared(database, "race", status(1), status(2), ended=set()) == ""
    two = status(2, **stopped)
    assert spared(database, "race", status(1), two, ended={2}) == "race saved about $0.08, 50 s"
    unpriced = status(1, cost_usd=None, unmetered=True)
    free = status(2, **stopped | {"cost_usd": None, "unmetered": True})
    assert spared(database, "race", unpriced, free, ended={2}) == "race saved about 990 tokens, 50 s"
    slow = status(2, "slow", **stopped)
    assert spared(database, "cascade", status(1), slow, ended={2}) == "cascade saved about $1.98, 50 s"
    assert spared(database, "cascade", slow, ended={2}) == "cascade ended 1 agent early"
    for number in range(2):
        put(database, f"r{number}", status(1, "slow", cost_usd=1.02, ended=220.0))
    better = status(3, cost_usd=9.0, tokens_in=9)  # it improved the winner later, and is no measure
    assert spared(database, "race", status(1), two, better, ended={2}) == "race saved about $0.08, 50 s"
    assert spared(database, "cascade", status(1), slow, ended={2}) == "cascade saved about $1.00, 2 min"
    assert saving.duration(7200) == "2.0 h"


def test_the_language_of_a_change_is_the_one_of_most_lines() -> None:
    def change(path: str, lines: int) -> Change:
        return Change(
            path=path,
            old_path=path,
            status="M",
            kind="text",
            old_mode="100644",
            new_mode="100644",
            old_sha="a",
            new_sha="b",
            added=lines,
            removed=0,
        )

    assert of_changes([change("a.py", 3), change("b.rs", 9), change("Makefile", 99)]) == "Rust"
    assert of_changes([change("Makefile", 1)]) == of_path("README") == ""
    assert of_path("x/y.TSX") == "TypeScript"
