"""Probes: examples read, inputs made, hostile functions survived."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kage_nvim.evaluate.ranking.probes import evidence, examples, inputs, questions, subjects
from kage_nvim.evaluate.ranking.probes.questions import Told

BASE = 'def f(n: int) -> int:\n    """Twice as much.\n\n    >>> f(2)\n    4\n    """\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (">>> f(1)\n2", [("f(1)", "2")]),
        (">>> f([1,\n... 2])\n[1,\n 2]\n\n>>> f(2) == 3\nTrue", [("f([1, 2])", "[1, 2]"), ("f(2)", "3")]),
        (">>> f(1) == 2", [("f(1)", "2")]),
        (">>> round(f(1), 2)\n0.5", [("round(f(1), 2)", "0.5")]),
        (">>> f(0)\nTraceback (most recent call last):\nValueError", [("f(0)", None)]),
        ("f(1) ➞ true\nf('a) b') => 'x'", [("f(1)", "True"), ("f('a) b')", "'x'")]),
        ("f(1, 2) returns [1]", [("f(1, 2)", "[1]")]),
        ("f(3) = 2 + 3 = 5", [("f(3)", "5")]),
        ("f(n) = f(n - 1) + 1", []),
        ("f(abc) => False", [("f('abc')", "False")]),
        ("For n = 2, m = 'x' the output should be 'xx'.", [("f(n=2, m='x')", "'xx'")]),
        ("Input: n = 2, m = 3\nOutput: 6", [("f(n=2, m=3)", "6")]),
        ("f(1) should be small, unlike gf(2) == 3", [("f(1)", None)]),
        ("f(os.getcwd()) == 1 and f(", []),
        ("", []),
    ],
)
def test_examples_are_read_in_many_notations(text: str, found: list[tuple[str, str | None]]) -> None:
    assert [(one.call, one.wanted) for one in examples.read(text, "f", ("n", "m"))] == found


def test_calls_are_taken_from_tests() -> None:
    source = b"def test_f():\n    assert m.f(1, key='a') == f([2])\n    f(x)\n    g(3)\n"
    assert examples.calls_in(source, ["f"]) == {"f": ["f(1, key='a')", "f([2])"]}


def test_inputs_depend_on_the_function_alone_and_stay_literals() -> None:
    (subject,) = subjects.subjects("a.py", BASE.encode(), {1: (BASE + "    return n\n").encode()})
    made = inputs.probes(subject, ["f(3)", "f(10)"])
    assert made == inputs.probes(subject, ["f(3)", "f(10)"])
    assert [probe.call for probe in made[:2]] == ["f(3)", "f(10)"] and len(made) > 8
    assert any(probe.weight == inputs.EDGE for probe in made)
    guessed = inputs.probes(subject, [])
    assert len(guessed) > 8 and all(probe.call.startswith("f(") for probe in guessed)


def asked(tmp_path: Path, *bodies: str, base: str = BASE) -> dict[int, Told]:
    """What probing says of candidates with these bodies of ``f``."""
    files = {number: {"a.py": (base + body).encode()} for number, body in enumerate(bodies, 1)}
    before = {"a.py": (base + "    raise NotImplementedError\n").encode()}
    found = questions.ask(before, files, [])
    program = questions.program(found, {"a.py"})
    for number, texts in files.items():
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.py").write_bytes(texts["a.py"])

    def ran(number: int) -> bytes:
        folder = tmp_path / str(number)
        command = [sys.executable, "-"]
        return subprocess.run(
            command, input=program, cwd=folder, capture_output=True, timeout=60, check=True
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(ran, [*files, *files]))
    given = {}
    for number, first, second in zip(files, outputs, outputs[len(files) :], strict=False):
        told = questions.answers(first + second, found)
        assert told is not None
        given[number] = told
    told = questions.told(found, given, before, files)
    shares = questions.agreements(found, told, dict.fromkeys(told, 1.0))
    for number, share in shares.items():
        told[number].odd.append(f"{share.share:.2f} {share.raised}/{share.calls}")
    return told


def test_candidates_are_told_apart_by_what_they_do(tmp_path: Path) -> None:
    found = asked(
        tmp_path,
        "    return n * 2\n",
        "    return n + n\n",
        "    return abs(n) * 2\n",
        "    return 4\n",
        "    return str(n * 2)\n",
    )
    assert found[1].calls == found[2].calls != found[3].calls
    assert [found[number].examples for number in found] == [(1, 1)] * 4 + [(0, 1)]
    assert found[5].first_failed == "f(2) is not 4"
    assert "f() gives str, not int" in found[5].odd
    assert all(told.whole for told in found.values())


def test_hostile_functions_cost_themselves_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(inputs, "MOST", 12)
    found = asked(
        tmp_path,
        "    return n * 2\n",
        "    import os; os._exit(0)\n",
        "    while True: pass\n",
        "    return f(n)\n",
        "    print('kage probe: []'); return n * 2\n",
        "    import random; return random.random()\n",
        "    import os, signal; os.kill(0, signal.SIGKILL)\n",
        "    import sys; sys.stdin.read(); sys.exit(3)\n",
        "    raise KeyboardInterrupt\n",
        "    return [0] * 10 ** 10\n",
        "    class Odd:\n        def __repr__(self): raise ValueError\n    return Odd()\n",
        "    return (i for i in iter(int, 1))\n",
        "    import os; os.closerange(0, 99); return 1\n",
    )
    good = [call for call in found[1].calls if call and call["kind"] == "value"]
    assert len(good) == len(found[1].calls) > 8
    kinds = {number: {call["kind"] for call in told.calls if call} for number, told in found.items()}
    assert kinds[2] == kinds[7] == kinds[9] == {"died"} and kinds[3] == {"timeout"}
    assert kinds[4] == kinds[8] == kinds[10] == kinds[11] == {"raise"}
    assert found[6].unsteady and not found[1].unsteady
    assert "f() prints" in found[5].odd
    assert [number for number, told in found.items() if told.examples == (1, 1)] == [1, 5]


def test_a_file_that_does_not_load_says_why(tmp_path: Path) -> None:
    found = asked(tmp_path, "    return n * 2\n\nimport nothing_of_that_name\n", "    return n * 2\n")
    assert "nothing_of_that_name" in found[1].import_error and not found[2].import_error
    assert not any(found[1].calls) and found[1].odd[-1].endswith(
        f"{len(found[2].calls)}/{len(found[2].calls)}"
    )


def test_what_is_no_answer_is_none() -> None:
    assert questions.answers(b"", []) is None
    assert questions.answers(b"kage probe: {\nkage probe: []\n", []) is None
    assert evidence.equal(None, "1") is False


def test_only_functions_that_can_be_called_alike_are_asked() -> None:
    one, two = b"def f(a):\n    return a\n", b"def f(a, b):\n    return a\n"
    assert subjects.subjects("a.py", None, {1: one, 2: two}) == []
    assert subjects.subjects("a.py", one, {1: one, 2: one}) == [], "nobody changed it"
    assert [s.name for s in subjects.subjects("a.py", one, {1: one, 2: one + b"    a\n"})] == ["f"]
    assert subjects.subjects("a.py", None, {1: one, 2: None, 3: None}) == []
    assert not subjects.covered(one, one + b"class A: pass\n", {"f"})
    assert not subjects.covered(one, b"x = 1\n", {"f"})
    assert subjects.covered(one, b"import os\ndef g():\n    pass\ndef f(a):\n    return 1\n", {"f"})
