"""Parts: a task divided by hand or by a planner, a union of what came of it, and where the parts clash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim import paths
from kage_nvim.errors import KageError
from kage_nvim.orchestrator import parts
from kage_nvim.records import Course
from tests.conftest import until
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

CALC = "def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a + b\n\n\nNAME = 'calc'\n"
PLAN = {"parts": [{"title": "mend add", "task": "In calc.py."}, {"title": "mend sub", "task": "In calc.py."}]}


@pytest.fixture
def divided(stage: Stage) -> Stage:
    """A repository with two faults, a check that counts them, and players that mend one each."""
    (stage.repository / "calc.py").write_text(CALC)
    check = "python3 -c 'from calc import *; assert add(2, 1) == 3; assert sub(2, 1) == 1'"
    (stage.repository / ".kage.toml").write_text(f'[checks.sums]\ncommand = "{check}"\n')
    stage.configure(players())
    return stage


def players(planner: Path | None = None, **more: str) -> str:
    """The configuration; players are commands that edit."""
    edits = {
        "one": "sed -i '2s/-/+/; 9s/calc/one/' calc.py",
        "two": "sed -i '6s/+/-/; 9s/calc/two/' calc.py",
        **more,
    }
    tables = [f'[players.{name}]\ncommand = """{edit}"""\n' for name, edit in edits.items()]
    if planner:
        tables.append(
            f'[players.planner]\nrecorded = "{planner}"\n[judge]\nplayer = "planner"\nauto = false\n'
        )
    return "\n".join(tables)


def spec(run: str, number: int) -> dict[str, object]:
    """What an agent was started with."""
    return dict(
        json.loads((paths.run_folder(run) / "agents" / str(number) / "spec.json").read_bytes())["task"]
    )


def test_parts_by_hand_land_as_their_union(divided: Stage) -> None:
    by = ("--player", "one", "--player", "two")
    answer = json.loads(
        divided.shell(
            "spawn", "--yes", "--json", *by, "--part", "mend add", "--part", "mend sub", "mend calc"
        )
    )
    divided.shell("check", "--yes", code=1)
    refused = divided.run("spawn", "--yes", "--parts", "do")
    assert (refused.returncode, "none is a model" in refused.stderr) == (1, True), refused.stderr
    divided.shell("wait", "--timeout", "30")
    told = str(spec(answer["run"], 2)["variants"])
    assert "You do part 2" in told and "- part 1: mend add" in told and "Stay inside your part" in told
    run = divided.json("status")["runs"][0]
    assert run["kind"] == "parts" and [agent["angle"] for agent in run["agents"]] == ["mend add", "mend sub"]
    found = wait_for_union(divided)
    assert [(c["kind"], c["path"], c["line"], c["agents"]) for c in found["union"]["clashes"]] == [
        ("contradiction", "calc.py", 9, [1, 2])
    ]
    run = divided.json("status")["runs"][0]
    assert "union of parts 1 and 2: 1 contradiction" in run["verdict"] and run["winner"] is None
    assert run["candidates"][2]["checks"] == {"sums": "pass"} and run["candidates"][2]["kind"] == "composed"
    assert run["candidates"][0]["checks"] == {"sums": "fail"}, "half of it is mended"
    said = divided.shell("parts")
    assert "! calc.py:9" in said and "kage accept 3 lands the union" in said
    divided.shell("accept", "3")
    mended = CALC.replace("a - b", "a X b").replace("a + b", "a - b").replace("a X b", "a + b")
    assert (divided.repository / "calc.py").read_text() == mended


def wait_for_union(stage: Stage) -> dict[str, dict[str, object]]:
    """Until the union is checked."""

    def made() -> bool:
        union = stage.json("parts")["union"]
        return bool(union and union["green"] is not None)

    until(made, 20, "the union is checked")
    return dict(stage.json("parts"))


def test_names_that_a_part_takes_from_another_are_contradictions(divided: Stage) -> None:
    divided.configure(
        players(
            renames="sed -i '1s/add/plus/; 5s/(a, b)/(a, b, c)/' calc.py; echo 'X = 1' > new.py",
            uses="echo 'from calc import add, sub; add(1, 2); sub(2, 1)' > use.py; echo 'X = 1' > new.py",
        )
    )
    by = ("--player", "renames", "--player", "uses")
    divided.shell("spawn", "--yes", *by, "--parts", "clean up\n## 1\nrename add\n## 2\nuse it")
    divided.shell("wait", "--timeout", "30")
    until(lambda: divided.json("parts")["union"] is not None, 20, "the union")
    clashes = divided.json("parts")["union"]["clashes"]
    texts = [clash["text"] for clash in clashes if clash["kind"] == "contradiction"]
    assert any("takes `add` away or renames it, which agent 2 uses (use.py:1)" in text for text in texts), (
        clashes
    )
    assert any("changes how `sub` is called, which agent 2 uses (use.py:1)" in text for text in texts), (
        clashes
    )
    assert [c["path"] for c in clashes if c["kind"] == "overlap"] == ["new.py"]


def test_a_planner_proposes_and_nothing_starts_unconfirmed(divided: Stage, tmp_path: Path) -> None:
    answers = [Reply("I would rather not."), Reply(f"Sure:\n```json\n{json.dumps(PLAN)}\n```")]
    divided.configure(players(tape(tmp_path / "plan.jsonl", answers * 2)))
    by = ("--player", "one", "--player", "two")
    refused = divided.run("spawn", *by, "--parts", "mend calc")
    assert refused.returncode == 4 and "## 2\nmend sub\nIn calc.py." in refused.stderr, refused.stderr
    assert divided.json("status")["runs"] == []
    answer = json.loads(divided.shell("spawn", "--yes", "--json", *by, "--parts", "mend calc"))
    assert len(answer["agents"]) == 2
    divided.shell("wait", "--timeout", "30")
    cost = divided.json("cost")
    assert cost["id"] == answer["run"] and cost["run"]["calls"] == 2, "the planner's cost is the run's"


def test_what_cannot_be_divided() -> None:
    two = {1: "a", 2: "b"}
    for course, wanted, said in (
        (Course(parts=two), 3, "3 agents for 2 parts"),
        (Course(parts={1: "a"}), None, "numbered 1"),
        (Course(parts={1: "a", 3: "b"}), None, "numbered 1, 3"),
        (Course(parts=two, strategy="race"), None, "all needed"),
        (Course(parts=two, until="green"), None, "all needed"),
    ):
        with pytest.raises(KageError, match=said) as refused:
            parts.count(course, wanted)
        assert refused.value.exit == 2 and refused.value.fix
    assert parts.count(Course(parts=two), None) == parts.count(Course(parts=two), 2) == 2
