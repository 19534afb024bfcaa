"""Where all checks are equal, what improves a winner is kept only if a judge prefers it in both orders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim import paths
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.orchestrator.combining import upholding
from kage_nvim.orchestrator.judging.jury import Jury
from kage_nvim.records import Synthesis
from tests.unit.git.desk import Desk
from tests.unit.git.support import make

SAID = ["the judge prefers it to 1 in both orders"]


class Judge:
    """Chooses by the two texts that it is shown."""

    window = 0

    def __init__(self, choose: Callable[[str, str], str | None]) -> None:
        self._choose = choose

    async def ask(self, messages: list[dict[str, Any]], read: Callable[[str], Any]) -> Any:
        text = "\n".join(str(message["content"]) for message in messages)
        first, second = sorted((text.index("sloppy"), text.index("neat")))
        chosen = self._choose(text[first : first + 6], text[second : second + 6])
        return None if chosen is None else read(json.dumps({"winner": chosen, "why": "it is"}))


@pytest.mark.parametrize(
    ("choose", "better"),
    [
        (lambda a, _: "A" if a.startswith("neat") else "B", SAID),
        (lambda a, _: "B" if a.startswith("neat") else "A", []),
        (lambda *_: "A", []),
        (lambda *_: "tie", []),
        (lambda *_: None, []),
    ],
)
def test_a_judge_decides_where_checks_do_not(
    choose: Callable[[str, str], str | None],
    better: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(make(tmp_path / "p", calc=b"a - b\n"))
    winner = desk.candidate(1, {"calc": b"a + b  # sloppy\n"})
    made = desk.candidate(2, {"calc": b"a + b  # neat\n"})
    synthesis = Synthesis(winner=1, commit=winner.commit)
    agent: Any = SimpleNamespace(number=2, record=SimpleNamespace(synthesis=synthesis))
    evaluation = Evaluation(commit=made.commit, tree="t")

    async def engaged(*_: Any) -> Judge:
        return Judge(choose)

    monkeypatch.setattr(Jury, "engaged", engaged)
    conductor: Any = None
    preferred = upholding._preferred(conductor, desk.run, agent, made, evaluation)
    assert asyncio.run(preferred).better == [], "nobody judges"
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text('[players.referee]\nmodel = "x/y"\n[judge]\nplayer = "referee"\n')
    preferred = upholding._preferred(conductor, desk.run, agent, made, evaluation)
    assert asyncio.run(preferred).better == better
