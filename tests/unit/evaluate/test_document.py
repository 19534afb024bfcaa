"""The verdict as a document: everything in it, nothing too wide, nothing that drives a terminal."""

from __future__ import annotations

import unicodedata

from kage_nvim.evaluate.judging.document import WIDTH, Link, document, text
from kage_nvim.evaluate.verdict import Pairing, Point, Requirement, Standing, Verdict
from kage_nvim.orchestrator.judging import verdicts

EVIL = "\x1b]0;x\x07 and a very long name 宽字符" * 8


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def full() -> Verdict:
    best = Standing(
        number=2, rank=1, green=True, checked="14/14 ✓", matrix=(3, 4), size=12, cost_usd=0.0123, cluster=1,
        decided="the judge prefers it to 1 in both orders",
        strengths=[Point("short", "src/calc.py", 7)], weaknesses=[Point(EVIL)],
    )  # fmt: skip
    worse = Standing(
        number=1, rank=2, green=False, checked="12/14 ✓, 1 new failure",
        regressed=["tests/x.py::" + "t" * 90], weakened=[EVIL], flaky=["f"], cost_usd=None, cluster=2,
    )  # fmt: skip
    copy = Standing(number=13, rank=3, cluster=1, distinct=False, gate="it changes nothing")
    return Verdict(
        run="r1", task=EVIL + "\nmore", winner=2, ranking=[best, worse, copy], clusters=[[2, 13], [1]],
        checklist=[Requirement("add() adds", {2: "met", 1: "unmet"}, {2: "src/calc.py:7 says so"})],
        pairings=[Pairing(one=1, two=2, forward=2, backward=2)], basis="judge", confidence=1.0,
        judge="referee", words="1 against 2: 2 in both orders.\n" + EVIL, cost_usd=0.02, seconds=3.25,
        notes=["an answer of the judge could not be read"],
        stale="candidate 4 is new", landed="nothing landed",
    )  # fmt: skip


def test_everything_is_there_within_the_width() -> None:
    lines = document(full(), {1: "smart", 2: EVIL})
    said = text(lines)
    assert "\x1b" not in said and "\x07" not in said
    for needed in (
        "# Verdict on run r1: candidate 2 is best", "OUT OF DATE: candidate 4 is new", "Confidence 100%",
        "$0.0200", "## Ranking", "★  1.  candidate 2", "out: it changes nothing", "## Evidence", "3/4",
        "12/14 ✓, 1 new failure", "unpriced", "## Requirements", "2: met, src/calc.py:7", "1: unmet",
        "13: unknown", "+ short  src/calc.py:7", "## Added nothing distinct",
        "candidate 13 does the same as 2", "## The judge's words", "could not be read", "nothing landed",
    ):  # fmt: skip
        assert needed in said, f"{needed}\n{said}"
    for line in said.splitlines():
        assert columns(line) <= 80, line


def test_lines_lead_into_the_diff() -> None:
    links = {line.text.strip(): line.link for line in document(full(), {}) if line.link}
    assert links["+ short  src/calc.py:7"] == Link(2, "src/calc.py", 7)
    assert links["2: met, src/calc.py:7 says so"] == Link(2, "src/calc.py", 7)
    assert all(link.number in (1, 2, 13) for link in links.values())


def test_without_a_judge_it_says_so() -> None:
    said = text(document(Verdict(run="r", task="t", ranking=[Standing(number=1, rank=1)], winner=1), {}))
    assert "On evidence alone" in said and "judge cost" not in said


def test_a_best_one_that_should_not_land_is_named_so() -> None:
    for fault, why in (
        ({"regressed": ["t"], "weakened": ["w"], "green": False}, "it breaks 1 that worked"),
        ({"weakened": ["w"], "green": True}, "it weakens tests"),
        ({"green": False}, "not all required checks pass"),
    ):
        best = Standing(number=1, rank=1, **fault)  # type: ignore[arg-type]
        made = Verdict(run="r", task="t", ranking=[best], winner=1)
        assert f"The best of these, but {why}." in text(document(made, {}))
        assert verdicts.line(made).startswith(f"candidate 1 is best of these, but {why}, ")
    assert "but" not in text(document(Verdict(run="r", task="t", ranking=[Standing(number=1)], winner=1), {}))


def test_lines_lead_to_what_a_candidate_changed_and_nowhere_else() -> None:
    odd = "w\u00e9ird dir/na\u00efve \u65e5\u672c.py"
    good = [Point("fine", "calc.py", 2), Point("made up", "gone.py", 9)]
    made = Verdict(run="r", task="t", ranking=[Standing(number=1, rank=1, strengths=good)])
    made.checklist = [Requirement("adds", {1: "met"}, {1: f"see {odd}:7 there"})]
    lines = document(made, {}, {1: {"calc.py", odd}})
    links = {line.text.strip(): line.link for line in lines if line.link}
    assert links["+ fine  calc.py:2"] == Link(1, "calc.py", 2)
    assert links["+ made up  gone.py:9"] == Link(1)
    assert Link(1, odd, 7) in links.values()


def test_wide_characters_take_two_columns() -> None:
    made = Verdict(run="r", task="\u65e5" * 60, words="plain words and one \U0001f389 " * 4)
    lines = [line.text for line in document(made, {})]
    assert max(map(columns, lines)) <= WIDTH
    assert any(columns(line) > WIDTH - 8 for line in lines if "plain" in line), "no room is wasted"
    assert "".join(lines).count("\u65e5") == 60 and not any("\x00" in line for line in lines)
