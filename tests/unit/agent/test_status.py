"""One judge of an agent's state: whose word counts, and for how long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kage_nvim.agent_runtime.clis.events import Event
from kage_nvim.agent_runtime.clis.status import FRESH, SILENCE, Authority
from kage_nvim.description import Description, EventRule, ScreenRule
from kage_nvim.model import State

TOY = Description(
    name="toy",
    title="Toy",
    program="toy",
    install="",
    wire="chat",
    provider="openai",
    oneshot=["toy"],
    events=[EventRule(kind="done")],
    screens=[
        ScreenRule(state="waiting", waiting="permission", all=["^may I"]),
        ScreenRule(state="working", all=["^busy"]),
        ScreenRule(state="failed", all=["^broken"]),
        ScreenRule(state="done", all=["^ready"]),
    ],
)
SCREENS = st.sampled_from(["may I?", "busy", "broken", "ready", "nothing"])
KINDS = st.sampled_from(["session", "text", "tool", "result", "usage", "working", "retrying", "waiting"])


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def begun() -> tuple[Authority, Clock]:
    clock = Clock()
    authority = Authority(TOY, clock=clock)
    authority.begin()
    authority.process(True)
    return authority, clock


@given(
    st.lists(st.one_of(SCREENS.map(lambda s: ("screen", s)), KINDS.map(lambda k: ("event", k))), max_size=30)
)
def test_a_tool_that_speaks_is_done_only_when_it_says_so(steps: list[tuple[str, str]]) -> None:
    authority, clock = begun()
    authority.event(Event(kind="working"))
    for what, value in steps:
        clock.now += 0.7
        if what == "screen":
            authority.screen(value)
        else:
            authority.event(Event(kind=value))  # type: ignore[arg-type]
        assert authority.finding.state is not State.DONE
    authority.event(Event(kind="done", fields={"text": "did it"}, evidence="done: did it"))
    for what, value in steps:
        if what == "screen":
            clock.now += 5
            authority.screen(value)
    found = authority.finding
    assert (found.state, found.reason, found.evidence) == (State.DONE, "did it", "done: did it")


@given(st.lists(SCREENS, max_size=10), st.lists(KINDS, max_size=10), st.sampled_from([0, 1, -9, None]))
def test_after_death_nothing_but_the_process_counts(
    screens: list[str], kinds: list[str], code: int | None
) -> None:
    authority, _ = begun()
    authority.event(Event(kind="tool"))
    authority.process(False, code)
    ended = authority.finding
    assert ended.state is State.FAILED
    assert ended.rule.startswith("process")
    for text in screens:
        authority.screen(text)
    for kind in kinds:
        authority.event(Event(kind=kind))  # type: ignore[arg-type]
    authority.idle(1000, False)
    assert authority.finding == ended


def test_a_fresh_event_stands_against_the_screen_but_for_a_question() -> None:
    authority, clock = begun()
    authority.event(Event(kind="tool"))
    authority.screen("broken")
    assert authority.finding.state is State.WORKING
    authority.screen("may I remove it?")
    found = authority.finding
    assert (found.state, found.waiting, found.reason) == (
        State.WAITING,
        "permission",
        "permission: may I remove it?",
    )
    assert found.rule == "screen: permission"
    authority.screen("busy")
    assert authority.finding.state is State.WORKING
    authority.event(Event(kind="text"))
    authority.screen("broken")
    clock.now += FRESH
    authority.idle(2, True)
    assert authority.finding.state is State.FAILED


def test_silence_is_unknown_until_it_speaks_and_work_is_no_silence() -> None:
    authority, _ = begun()
    authority.event(Event(kind="text", evidence="last words"))
    authority.idle(SILENCE + 5, True)
    assert authority.finding.state is State.WORKING
    authority.idle(SILENCE + 12, False)
    found = authority.finding
    assert found.state is State.UNKNOWN
    assert f"{SILENCE + 10:.0f} s" in found.reason
    assert found.evidence == "last words"
    authority.event(Event(kind="text"))
    assert authority.finding.state is State.WORKING


def test_a_question_may_wait_for_ever_and_a_new_turn_forgets_the_old_end() -> None:
    authority, _ = begun()
    authority.event(Event(kind="waiting", fields={"name": "question", "text": "which?"}))
    authority.idle(10_000, False)
    assert authority.finding.reason == "question: which?"
    authority.event(Event(kind="done"))
    authority.process(False, 1)
    assert authority.finding.state is State.DONE
    authority.begin()
    assert authority.finding.state is State.WORKING
