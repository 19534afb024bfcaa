"""What each strategy decides, for every state in which it may find a run."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.cli import arguments
from kage_nvim.config import Budget, Check, RepositoryConfig, UserConfig
from kage_nvim.errors import KageError
from kage_nvim.model import MAX_AGENTS, AgentStatus, CandidateStatus, Player, State
from kage_nvim.orchestrator import money
from kage_nvim.orchestrator.runs import Agent
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.orchestrator.strategies import asked, cascade, converge, race, spending, tournament, until
from kage_nvim.orchestrator.strategies.seen import Act, Seen
from kage_nvim.records import AgentRecord, Course, Round

DONE, WORKING, CHECKING = State.DONE, State.WORKING, State.CHECKING


def seen(number: int, state: State = WORKING, **more: Any) -> Seen:
    return Seen(number=number, state=state, **more)


def kinds(acts: list[Act]) -> list[tuple[str, int]]:
    return [(act.kind, act.number) for act in acts]


# Race.


def test_nobody_wins_a_race_before_one_is_green() -> None:
    assert race.decide([seen(1), seen(2, DONE), seen(3, State.FAILED), seen(4, CHECKING)]) == []


def test_the_first_green_one_stops_those_that_still_spend() -> None:
    states = [
        State.STARTING,
        WORKING,
        State.WAITING,
        State.UNKNOWN,
        CHECKING,
        State.FAILED,
        State.INTERRUPTED,
    ]
    agents = [seen(number, state) for number, state in enumerate(states, 1)]
    agents += [seen(8, DONE, green=True, ended=20.0), seen(9, DONE, green=True, ended=10.0)]
    acts = race.decide(agents)
    assert kinds(acts) == [("stop", 1), ("stop", 2), ("stop", 3), ("stop", 4)]
    assert {act.reason for act in acts} == {"agent 9 was green first"}


# Cascade.


def held(number: int) -> Seen:
    return seen(number, State.WAITING, held=True)


@pytest.mark.parametrize(
    ("first", "acts"),
    [
        (seen(1, WORKING), []),
        (seen(1, CHECKING), []),
        (seen(1, State.INTERRUPTED), []),
        (seen(1, DONE), [("start", 2)]),
        (seen(1, State.FAILED), [("start", 2)]),
        (seen(1, State.STOPPED), [("start", 2)]),
        (seen(1, DONE, green=True), [("stop", 2), ("stop", 3)]),
    ],
)
def test_a_cascade_goes_on_only_when_it_must(first: Seen, acts: list[tuple[str, int]]) -> None:
    assert kinds(cascade.decide([first, held(2), held(3)])) == acts


def test_a_cascade_waits_for_all_that_were_started_and_ends() -> None:
    assert cascade.decide([seen(1, DONE), seen(2, WORKING), held(3)]) == []
    assert cascade.decide([seen(1, DONE), seen(2, DONE)]) == []
    assert cascade.decide([held(1)]) == [Act("start", 1)]


# Converge.


def test_of_the_same_changes_the_one_that_is_further_goes_on() -> None:
    one = seen(1, change="a", usd=0.5)
    assert kinds(converge.decide([one, seen(2, change="a", usd=0.1)])) == [("stop", 1)]
    assert kinds(converge.decide([one, seen(2, DONE, change="a", usd=9.0)])) == [("stop", 1)]
    assert kinds(converge.decide([one, seen(2, CHECKING, change="a")])) == [("stop", 1)]
    assert kinds(converge.decide([one, seen(2, change="a", usd=0.5)])) == [("stop", 2)]
    assert converge.decide([one, seen(2, change="b")]) == []
    assert converge.decide([seen(1), seen(2)]) == []
    assert converge.decide([one, seen(2, State.FAILED, change="a")]) == []


def test_a_stuck_agent_is_stopped_and_takes_nobody_along() -> None:
    acts = converge.decide([seen(1, change="a", stuck="`make` failed"), seen(2, change="a", usd=9.0)])
    assert acts == [Act("stop", 1, "`make` failed")]


def log(*steps: tuple[str, str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number, (command, text) in enumerate(steps):
        events.append({"kind": "tool", "id": str(number), "name": "shell", "args": {"command": command}})
        events.append({"kind": "result", "id": str(number), "ok": True, "text": text})
    return events


def test_the_same_failure_three_times_is_stuck() -> None:
    failure = "exit 1\nE assert 1 == 2\n1 failed in {}s at 0x7f{}"
    times = [("pytest  -q", failure.format(n / 7, n)) for n in range(3)]
    assert converge.stuck(log(*times)) == "`pytest -q` failed 3 times in the same way"
    assert converge.stuck(log(*times[:2])) == ""
    other = ("pytest -q", "exit 1\nE assert 'x' == 'y'")
    assert converge.stuck(log(*times[:2], other)) == ""
    assert converge.stuck(log(*[("pytest -q", "exit 0\nok")] * 5)) == ""
    assert converge.stuck([{"kind": "result", "id": "9"}, {"kind": "text"}]) == ""
    edits = [{"kind": "tool", "id": "e", "name": "edit", "args": {"path": "a.py", "old": "x", "new": "y"}}]
    edits.append({"kind": "result", "id": "e", "ok": False, "text": "no such text"})
    assert converge.stuck(edits * 3) == "`edit a.py` failed 3 times in the same way"
    long = converge.stuck(log(*[("x" * 200, "exit 2")] * 3))
    assert len(long) < 120


def test_one_that_gets_on_or_takes_another_time_is_told_apart() -> None:
    left = [("pytest -q", f"exit 1\n{n} failed, {9 - n} passed in 0.{n}3s") for n in (5, 3, 1)]
    assert converge.stuck(log(*left)) == "", "fewer fail each time"
    moved = [("make", f"exit 2\na.c:{n}:7: error: expected ';'") for n in (10, 20, 30)]
    assert converge.stuck(log(*moved)) == "", "another place each time"
    same = [
        f"exit 1\n12:0{n}:07.123 FAIL (pid {n}) in /tmp/x{n}/a, {n * 3} ms, {n}.5 seconds" for n in (1, 2, 3)
    ]
    assert "3 times" in converge.stuck(log(*[("make", text) for text in same]))


# Tournament.


def test_a_round_ends_by_the_clock_and_halves_the_field() -> None:
    now = Round(began=100.0, seconds=10.0, playing=[1, 2, 3, 4])
    agents = [seen(1), seen(2, DONE), seen(3, State.FAILED), seen(4, resting=True, state=State.WAITING)]
    assert tournament.at_the_bell(agents, 109.0, now) == []
    assert kinds(tournament.at_the_bell(agents, 110.0, now)) == [("rest", 1)]
    assert not tournament.is_over(agents, now)
    assert not tournament.is_over([seen(1, resting=True), *agents[1:]], now), "asked to rest, still at work"
    agents[0] = seen(1, State.WAITING, resting=True)
    assert tournament.is_over(agents, now)
    acts, following = tournament.after(agents, {4: 1, 2: 2, 1: 3}, 120.0, now)
    assert kinds(acts) == [("go_on", 4), ("stop", 1)]
    assert acts[1].reason == "place 3 of 3 after its round"
    assert following == Round(began=120.0, seconds=20.0, playing=[4, 2])
    last = tournament.after([seen(2, DONE), seen(4, State.WAITING, resting=True)], {2: 1}, 9.0, following)
    assert kinds(last[0]) == [("stop", 4)]
    assert last[1].seconds is None


@pytest.mark.parametrize("count", range(1, 10))
def test_a_tournament_always_ends(count: int) -> None:
    """Whatever rests goes on or is stopped, and the rounds come to an end with one."""
    current = tournament.opening(range(1, count + 1), 10.0, 0.0)
    for turn in itertools.count():
        if current.seconds is None:
            break
        resting = [seen(number, State.WAITING, resting=True) for number in current.playing]
        assert current.seconds == 10.0 * 2**turn
        acts, current = tournament.after(resting, {}, float(turn), current)
        assert len(acts) == len(resting)
        assert turn < math.ceil(math.log2(count)) + 1
    assert len(current.playing) == 1


# Until green.


def test_a_further_attempt_takes_the_next_players_place() -> None:
    agents = [seen(1, DONE, change="a"), seen(2, State.FAILED)]
    assert kinds(until.decide(agents, out_of_money=False)) == [("attempt", 1)]
    assert until.decide(agents, out_of_money=True) == []
    agents.append(seen(3, DONE, change="b", copy_of=1))
    assert kinds(until.decide(agents, out_of_money=False)) == [("attempt", 2)]
    assert until.decide([*agents, seen(4)], out_of_money=False) == []
    assert until.decide([*agents, seen(4, State.STOPPED, by_user=True)], out_of_money=False) == []
    assert until.decide([*agents, seen(4, State.INTERRUPTED)], out_of_money=False) == []
    assert kinds(until.decide([*agents, seen(4, DONE, green=True), seen(5)], out_of_money=True)) == [
        ("stop", 5)
    ]


def test_attempts_that_bring_nothing_new_come_to_an_end() -> None:
    agents = [seen(1, DONE, change="a")]
    while acts := until.decide(agents, out_of_money=False):
        assert len(agents) < MAX_AGENTS
        agents.append(seen(len(agents) + 1, DONE, change="a", copy_of=acts[0].number))
    assert len(agents) == 1 + until.FUTILE
    assert until.gave_up(agents, out_of_money=False).endswith("the last 3 attempts made nothing new")
    assert until.gave_up(agents, out_of_money=True).endswith("its budget is spent")
    assert until.gave_up([*agents, seen(9, DONE, green=True)], out_of_money=True) == ""
    assert until.gave_up([*agents, seen(9, State.STOPPED, by_user=True)], out_of_money=False) == ""
    agents = [seen(1, DONE, change="0")]
    while until.decide(agents, out_of_money=False):
        agents.append(seen(len(agents) + 1, DONE, change=str(len(agents)), copy_of=1))
    assert len(agents) == MAX_AGENTS


class Run:
    """What is asked of a run here."""

    def __init__(self, course: Course, *agents: AgentStatus, green: int = 0) -> None:
        self.agents = {
            s.number: Agent(AgentRecord(run="r", status=s, slot=1, token="t"), SLOT) for s in agents
        }
        made = [
            CandidateStatus(number=s.number, commit="c", files=1, green=s.number == green) for s in agents
        ]
        self.record = self.status = self
        self.course, self.candidates = course, made


SLOT = Slot(1, Path("/nowhere"))


def status(number: int, state: State = DONE, reason: str = "", usd: float | None = 0.1) -> AgentStatus:
    return AgentStatus(number=number, player="p", state=state, reason=reason, cost_usd=usd)


@pytest.mark.parametrize(
    "course", [Course(strategy="race"), Course(strategy="cascade"), Course(until="green")]
)
def test_nobody_mends_what_a_green_one_made_needless(course: Course) -> None:
    both = status(1), status(2, CHECKING)
    assert spending.decided(Run(course, *both, green=1), green=False)  # type: ignore[arg-type]
    assert spending.decided(Run(course, *both), green=True)  # type: ignore[arg-type]
    assert not spending.decided(Run(course, *both), green=False)  # type: ignore[arg-type]
    every = Run(Course(strategy="all"), *both, green=1)
    assert not spending.decided(every, green=True)  # type: ignore[arg-type]


def test_a_limit_of_one_agent_does_not_end_the_run() -> None:
    own = status(1, State.STOPPED, "budget: agent 1 has spent $0.10 of $0.10 (agent_usd), and the next call")
    all_of = status(
        1, State.STOPPED, "budget: this run has spent $0.10 of $0.10 (run_usd), and the next call"
    )
    course = Course(until="green", usd=0.5)
    assert not spending._out_of_money(Run(course, own))  # type: ignore[arg-type]
    assert spending._out_of_money(Run(course, all_of))  # type: ignore[arg-type]
    assert spending._out_of_money(Run(course, status(1, usd=0.2), status(2, usd=0.3)))  # type: ignore[arg-type]
    assert not spending._out_of_money(Run(course, status(1, usd=None)))  # type: ignore[arg-type]


# What may be asked.

WRONG = [
    (Course(strategy="fast"), "no strategy"),
    (Course(until="red"), "expected green"),
    (Course(auto_accept="all"), "expected green"),
    (Course(retry=-1), "repair turns"),
    (Course(retry=21), "repair turns"),
    (Course(usd=0.0), "budget"),
    (Course(usd=math.inf), "budget"),
    (Course(usd=math.nan), "budget"),
]


@pytest.mark.parametrize(("course", "said"), WRONG)
def test_a_course_that_cannot_be_is_refused_with_its_fix(course: Course, said: str) -> None:
    with pytest.raises(KageError, match=said) as refused:
        asked.course(course, UserConfig())
    assert refused.value.fix


@pytest.mark.parametrize("budget", ["nan", "inf", "0", "-1", "0,50", "1e999"])
def test_what_limits_nothing_is_no_budget(budget: str) -> None:
    with pytest.raises(KageError, match="US dollars above 0"):
        arguments.parse(["spawn", "--budget", budget, "x"])
    assert arguments.parse(["spawn", "--budget", "$.50", "x"]).budget == 0.5


def test_without_checks_there_is_nothing_to_decide_on() -> None:
    checks = {"speed": Check(command="x", kind="bench"), "lint": Check(command="x", required=False)}
    for course in (Course(strategy="race"), Course(strategy="cascade"), Course(until="green")):
        with pytest.raises(KageError, match="no required one is known") as refused:
            asked.must_be_decidable(course, checks, limited=True)
        assert "Name a check" in refused.value.fix
        asked.must_be_decidable(course, {"test": Check(command="x")}, limited=True)
    with pytest.raises(KageError, match="nothing limits it"):
        asked.must_be_decidable(Course(until="green"), {"test": Check(command="x")}, limited=False)
    for strategy in ("all", "converge", "tournament"):
        asked.must_be_decidable(Course(strategy=strategy), {}, limited=False)


def test_the_least_of_all_budgets_holds() -> None:
    player, user = Player(model="m"), UserConfig()
    for given, least in ((None, 1.0), (0.5, 0.5), (2.0, 1.0)):
        settings = RepositoryConfig(budget=Budget(run_usd=1.0))
        assert money.limits(player, user, settings, given)["run_usd"] == least
    assert money.limits(player, user, RepositoryConfig(), 0.5)["run_usd"] == 0.5
    assert money.terms(player, user, RepositoryConfig(), 0.5)["limits"]["run_usd"] == 0.5
