"""Composing, for real: hunks of several candidates become one that passes what none of them did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.stage import Stage

SOUND = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n"
BROKEN = SOUND.replace("return 1", "return -1").replace("return 2", "return -2")
CHECK = "import nums\nassert nums.one() == 1\nassert nums.two() == 2\nassert nums.three() == 3\n"


@pytest.fixture
def project(stage: Stage) -> Stage:
    (stage.repository / "nums.py").write_text(BROKEN)
    (stage.repository / "verify.py").write_text(CHECK)
    (stage.repository / ".kage.toml").write_text('[checks.nums]\ncommand = "python3 verify.py"\n')
    stage.configure(
        "[players.first]\ncommand = \"sed -i 's/return -1/return 1/; s/return 3/return 33/' nums.py\"\n"
        "[players.second]\ncommand = \"sed -i 's/return -2/return 2/' nums.py; echo note > NOTES\"\n"
    )
    return stage


def test_what_each_candidate_mends_comes_together_without_what_it_spoils(project: Stage) -> None:
    assert project.run("compose").returncode == 3
    project.shell("spawn", "--hidden", "--yes", "-n", "2", "mend it")
    project.shell("wait")
    assert project.run("compose", "1").returncode == 2
    answer = project.json("compose", "--yes")
    assert answer["green"] is True and answer["number"] == 3, answer
    assert [(h["path"], h["first"], h["agents"]) for h in answer["hunks"]] == [
        ("nums.py", 2, [1]),
        ("nums.py", 6, [2]),
    ]
    made = project.json("status")["runs"][0]["candidates"][-1]
    assert (made["kind"], made["note"], made["files"]) == ("composed", "1: 1 hunk, 2: 1 hunk", 1)
    again = project.run("compose")
    assert again.returncode == 3 and "candidate 3 is that already" in again.stdout
    project.shell("accept", "3")
    assert Path(project.repository / "nums.py").read_text() == SOUND
