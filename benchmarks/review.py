"""The mechanism of a review, on recorded answers about planted defects: no claim about any model's eye.

    .venv/bin/python benchmarks/review.py

Twelve defects are planted in one change, some in neighbouring lines. Three recorded reviewers report each by
one, two or all of them, in words of their own, and as models do: with lines that are off, ``b/`` before the
path, arguments that are no JSON, JSON in prose in the place of calls. They also claim three things that are
not so, which the recorded second pass refutes. What must come out: each defect once, on its line, with all
who named it, its patch fitting; nothing else in sight; the reviewers asked side by side; else exit 1.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from ground import machine

DELAY = 0.3
"""Seconds that each recorded answer takes."""
ROLES = ("security", "correctness", "tests")

# The planted line, what it should be, and how each reviewer says it.
DEFECTS: tuple[tuple[str, str, tuple[str, str, str]], ...] = (
    (
        "    subprocess.run('tar xf ' + name, shell=True)",
        "    subprocess.run(['tar', 'xf', name])",
        (
            "A file name with a semicolon runs any command, because shell=True is given text.",
            "Names with blanks or quotes break the shell command.",
            "No test gives the shell command a hostile name.",
        ),
    ),
    (
        "    return open('/srv/' + path).read()",
        "    return inside('/srv', path).read_text()",
        (
            "A path with .. reads any file outside /srv.",
            "The path is not checked: .. leaves /srv.",
            "Reading a path with .. is untested.",
        ),
    ),
    (
        "    token = random.random()",
        "    token = secrets.token_hex()",
        (
            "The token can be guessed: random is not made for secrets.",
            "random makes a token that repeats.",
            "Tests seed random, so the token is never checked.",
        ),
    ),
    (
        "    return given == stored",
        "    return hmac.compare_digest(given, stored)",
        (
            "Comparing the secret with == leaks it by timing.",
            "== on secrets compares in variable time.",
            "No test compares unequal secrets in time.",
        ),
    ),
    (
        "    return sum(values) / len(values)",
        "    return sum(values) / len(values) if values else 0.0",
        (
            "An empty list crashes the service by dividing by zero.",
            "Divides by zero for an empty list of values.",
            "The empty list, which divides by zero, has no test.",
        ),
    ),
    (
        "    return items[1:count]",
        "    return items[:count]",
        (
            "The first item is skipped by the slice.",
            "Off by one: the slice drops the first item.",
            "No test looks at the first item of the slice.",
        ),
    ),
    (
        "    for key in table: del table[key]",
        "    table.clear()",
        (
            "Deleting from the table while iterating raises RuntimeError.",
            "RuntimeError: the dictionary changes size while iterating over table.",
            "Deleting while iterating over the table is not tested.",
        ),
    ),
    (
        "    except Exception: pass",
        "    except OSError: return None",
        (
            "Every error is swallowed, failed logins included.",
            "All errors are swallowed by except Exception.",
            "Swallowed errors make this test pass always.",
        ),
    ),
    (
        "def collect(item, seen=[]):",
        "def collect(item, seen=()):",
        (
            "The default list is shared by all callers.",
            "A mutable default list is kept between calls.",
            "Tests share the mutable default list.",
        ),
    ),
    (
        "    deadline = time.time() + wait",
        "    deadline = time.monotonic() + wait",
        (
            "A clock that is set back keeps the deadline open.",
            "The deadline follows the wall clock, which jumps.",
            "The deadline depends on the wall clock in tests.",
        ),
    ),
    (
        "    total = total + price * 100 // 1",
        "    total = total + round(price * 100)",
        (
            "Cents are cut off the price, which can be exploited.",
            "Cents of the price are truncated, not rounded.",
            "Rounding of the cents of a price is untested.",
        ),
    ),
    (
        "    assert True",
        "    assert total == 30",
        (
            "The assertion checks nothing.",
            "assert True is an assertion that can never fail.",
            "This test asserts nothing: assert True.",
        ),
    ),
)
FALSE = ("subprocess is not imported", "values may be a string here", "seen leaks memory for ever")
PATH = "service/core.py"


def source(mended: bool) -> str:
    """The planted file: two defects to a block, a line between blocks."""
    lines = ["import everything"]
    for number, (bad, good, _) in enumerate(DEFECTS):
        lines += [] if number % 2 else ["", f"# block {number // 2}"]
        lines.append(good if mended else bad)
    return "\n".join(lines) + "\n"


LINES = source(mended=False).splitlines()


def report(number: int, role: int) -> dict[str, Any]:
    """How a reviewer reports a defect; the worse, the later in the list."""
    bad, good, claims = DEFECTS[number]
    line = LINES.index(bad) + 1
    given = {"path": PATH, "first": line, "last": line, "severity": "error", "claim": claims[role]}
    given |= {"evidence": f"`{bad.strip()}` in the change", "patch": good, "confidence": 0.8}
    if number % 4 == 1:
        given |= {"first": line + 40, "last": line + 40}
    elif number % 4 == 2:
        given |= {"path": f"b/{PATH}", "severity": "critical", "confidence": "high"}
    elif number % 4 == 3:
        given |= {"first": max(line - 2, 1), "last": max(line - 2, 1), "patch": [good]}
    return given


def named_by(number: int) -> list[int]:
    """Who reports a defect: one, two or all three."""
    return [(number + more) % 3 for more in range(number % 3 + 1)]


def reports(role: int) -> list[dict[str, Any]]:
    """All that a reviewer says: its defects, and claims that are not so."""
    found = [report(number, role) for number in range(len(DEFECTS)) if role in named_by(number)]
    wrong = {"path": PATH, "last": 1, "severity": "error", "evidence": "`import everything`"}
    return found + [wrong | {"first": 1, "claim": f"{claim}."} for claim in FALSE if role != 1]


def answer(body: dict[str, Any], _: dict[str, str]) -> Any:
    """The recorded answers."""
    from tests.fixtures.model_server import Reply

    system, asked = (str(message["content"]) for message in body["messages"][:2])
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    if "Try to refute" in system:
        verdict = "refuted" if any(claim in asked for claim in FALSE) else "holds"
        return Reply(tool_calls=[("verdict", {"verdict": verdict, "reason": "recorded"})], delay=DELAY)
    match = re.search(r"in this review, (\S+):", system)
    role = ROLES.index(match[1] if match else "")
    given = reports(role)
    if role == 2:  # calls no tools
        text = f"Here is what I found.\n```json\n{json.dumps({'findings': given, 'done': True})}\n```"
        return Reply("Let me think {first}." if turn == 0 else text, delay=DELAY)
    calls: list[list[tuple[str, Any]]] = [
        [("report_finding", "{no json"), ("report_finding", given[0] | {"path": "nowhere.py"})],
        [("report_finding", one) for one in given],
        [("done", {})],
    ]
    return Reply(tool_calls=calls[turn], delay=DELAY)


def judged(review: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """What came out, each as (so many, of so many)."""
    shown = [one for one in review["findings"] if one["verdict"] != "refuted"]
    lines = {LINES.index(bad) + 1: number for number, (bad, _, _) in enumerate(DEFECTS)}
    placed = [one for one in shown if one["first"] == one["last"] and one["first"] in lines]
    once = [one for one in placed if sum(other["first"] == one["first"] for other in shown) == 1]
    agreed = [
        one for one in once if set(one["agreed"]) == {ROLES[role] for role in named_by(lines[one["first"]])}
    ]
    good = [
        one for one in once if one["patch"] and one["patch"]["lines"] == [DEFECTS[lines[one["first"]]][1]]
    ]
    every = len(DEFECTS)
    return {
        "planted defects on their line": (len({one["first"] for one in placed}), every),
        "shown once": (len(once), every),
        "with all who named them": (len(agreed), every),
        "with a patch that fits and mends": (len(good), every),
        "shown that are none (0 is right)": (len(shown) - len(placed), 0),
        "false claims hidden": (sum(one["verdict"] == "refuted" for one in review["findings"]), len(FALSE)),
        "unusable reports told back": (sum(one["rejected"] for one in review["reviewers"]), 4),
    }


def main() -> int:
    """Run it and print a table."""
    from tests.fixtures.model_server import ModelServer

    def plant(root: Path) -> None:
        (root / "service").mkdir()
        (root / PATH).write_text(source(mended=True))

    with machine(20, plant) as stage, ModelServer(answer) as server:
        stage.player(server.url, more=f"[review]\nroles = {json.dumps(ROLES)}\n")  # type: ignore[attr-defined]
        (stage.repository / PATH).write_text(source(mended=False))  # type: ignore[attr-defined]
        stage.run("review")  # type: ignore[attr-defined]
        server.most_in_flight, asked = 0, len(server.requests)
        began = time.perf_counter()
        said = stage.run("review", "--json")  # type: ignore[attr-defined]
        took = time.perf_counter() - began
    if not said.stdout:
        print(said.stderr)
        return 1
    found = judged(json.loads(said.stdout))
    for name, (number, of) in found.items():
        print(f"{name:<36} {number:>3} of {of}")
    calls = len(server.requests) - asked
    print(f"{calls} answers of {DELAY} s in {took:.1f} s, {server.most_in_flight} at once")
    print(f"one after the other: {calls * DELAY:.1f} s")
    return int(any(number != of for number, of in found.values()) or server.most_in_flight < len(ROLES))


if __name__ == "__main__":
    sys.exit(main())
