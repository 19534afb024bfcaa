"""What follows when an agent is done: whatever breaks in its checks, it is seen as done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim.config import Check, RepositoryConfig
from kage_nvim.errors import KageError
from kage_nvim.model import State
from kage_nvim.orchestrator import course
from kage_nvim.orchestrator.checking.bench import is_named
from kage_nvim.orchestrator.checking.checks import Checks
from kage_nvim.orchestrator.turns import Turns


@pytest.mark.parametrize("broken", ["checked", "repaired", "upheld"])
def test_a_mistake_in_its_checks_leaves_no_agent_behind(
    broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fine(*_: Any) -> Any:
        return "all well" if broken != "upheld" else None

    async def fails(*_: Any) -> Any:
        raise OSError("the disk is gone")

    async def not_repaired(*_: Any) -> bool:
        return False

    for name, made in {"checked": fine, "repaired": not_repaired, "upheld": fine}.items():
        monkeypatch.setattr(course, name, fails if name == broken else made)
    over: list[tuple[Any, ...]] = []
    turns = Turns(SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setattr(turns, "_over", lambda *words: over.append(words[2:]))
    record = SimpleNamespace(captured=1, repairs=[], status=SimpleNamespace(reason=""))
    agent: Any = SimpleNamespace(number=3, record=record, has_gone_on=lambda _: False)
    monkeypatch.setattr("kage_nvim.orchestrator.turns.repairs.settle", lambda _: None)
    asyncio.run(turns._checked(SimpleNamespace(id="r"), agent, "exit 0", 1))  # type: ignore[arg-type]
    assert over == [(State.DONE, "exit 0", 1)]
    assert "the disk is gone" in caplog.text and "agent 3" in caplog.text


class Slow(Checks):
    """Checks of one candidate that end when they are told to; ``began`` counts them."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(environment=lambda run: {}))  # type: ignore[arg-type]
        self.began = 0
        self.ends: list[asyncio.Future[str]] = []

    async def wanted(self, *_: Any) -> Any:
        return RepositoryConfig(), {"t": Check(command="true")}

    def questions(self, *_: Any, **__: Any) -> Any:
        return []

    async def _of_candidate(self, *_: Any) -> Any:
        self.began += 1
        self.ends.append(asyncio.get_running_loop().create_future())
        return await self.ends[-1]


async def _turns() -> None:
    """What is ready to run does."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_who_asks_for_a_check_that_is_under_way_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(*_: Any) -> Any:
        return None

    monkeypatch.setattr("kage_nvim.orchestrator.checking.around.ground", at_once)

    async def trial() -> None:
        checks = Slow()
        commits = ["one"]
        run: Any = SimpleNamespace(
            id="r",
            root=Path("/r"),
            store=None,
            candidate=lambda _: SimpleNamespace(commit=commits[-1]),
            record=SimpleNamespace(course=SimpleNamespace(proposals=False)),
        )
        first, second = (asyncio.ensure_future(checks.candidate(run, 1)) for _ in range(2))
        await _turns()
        assert checks.began == 1
        # The user asks for the same: both wait for that now, and go on by themselves when the user leaves.
        of: Any = ("one", (await checks.wanted())[1])
        asked = asyncio.ensure_future(checks._instead((run.root, "r", 1), None, checks._of_candidate(), of))
        await _turns()
        assert checks.began == 2 and not first.done() and not second.done()
        checks._under_way[run.root, "r", 1].cancel()
        await _turns()
        assert asked.cancelled() and checks.began == 3
        checks.ends[-1].set_result("fine")
        assert await asyncio.gather(first, second) == ["fine", "fine"]
        # Two editors ask: one check, and neither is told that the other took its place.
        both = [
            asyncio.ensure_future(checks._shared((run.root, "r", 1), None, checks._of_candidate, of))
            for _ in range(2)
        ]
        await _turns()
        assert checks.began == 4
        checks.ends[-1].set_result("for both")
        assert await asyncio.gather(*both) == ["for both", "for both"]
        # Of another commit there is nothing to wait for.
        old = asyncio.ensure_future(checks.candidate(run, 1))
        await _turns()
        commits.append("two")
        newer = asyncio.ensure_future(checks.candidate(run, 1))
        await _turns()
        checks.ends[-1].set_result("newer")
        assert await newer == "newer"
        with pytest.raises(KageError, match="newer check"):
            await old

    asyncio.run(trial())


def test_an_agent_that_ends_while_its_run_is_judged_ends_the_run_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def trial() -> None:
        judged: asyncio.Queue[asyncio.Event] = asyncio.Queue()

        async def run_over(*_: Any) -> None:
            done = asyncio.Event()
            judged.put_nowait(done)
            await done.wait()

        async def broken(*_: Any) -> None:
            raise OSError("no strategy")

        monkeypatch.setattr(course, "run_over", run_over)
        monkeypatch.setattr("kage_nvim.orchestrator.strategies.spending.decide", broken)
        monkeypatch.setattr("kage_nvim.orchestrator.strategies.saving.line", lambda *_: "saved")
        status = SimpleNamespace(state=State.DONE, saved="")
        agents = {n: SimpleNamespace(record=SimpleNamespace(status=status)) for n in (1, 2)}
        course_of = SimpleNamespace(parts=[], auto_accept="")
        record = SimpleNamespace(status=status, over=False, course=course_of)
        run: Any = SimpleNamespace(id="r", agents=agents, record=record, following=2, concluding=0)
        conductor: Any = SimpleNamespace(database=None, changed=lambda _: None)

        async def ended(number: int) -> None:
            await course.agent_ended(conductor, run, run.agents[number])
            run.following -= 1

        both = [asyncio.ensure_future(ended(number)) for number in (1, 2)]
        first = await judged.get()
        assert not record.over, "a kaged that dies here judges anew"
        run.following += 1  # one of them was restarted amid the verdict, and is done again
        again = asyncio.ensure_future(ended(1))
        (await asyncio.wait_for(judged.get(), 5)).set()
        first.set()
        await asyncio.gather(*both, again)
        assert judged.empty() and run.following == run.concluding == 0 and record.over

    asyncio.run(trial())


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("requirements.txt", True),
        ("web/package-lock.json", True),
        ("uv.lock", True),
        ("bun.lockb", True),
        ("tools/install.sh", True),  # the command names it
        ("src/install.py", False),
        ("README.md", False),
    ],
)
def test_what_setup_depends_on(path: str, named: bool) -> None:
    assert is_named(path, "sh tools/install.sh --quick") is named
