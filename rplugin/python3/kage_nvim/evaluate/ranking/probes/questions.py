"""What to ask of the candidates' functions, and what the answers say. Pure: the asking is done elsewhere."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from kage_nvim.evaluate.ranking.probes import driver, evidence, examples, inputs
from kage_nvim.evaluate.ranking.probes.evidence import Agreement, Call
from kage_nvim.evaluate.ranking.probes.examples import Example
from kage_nvim.evaluate.ranking.probes.inputs import Probe
from kage_nvim.evaluate.ranking.probes.subjects import Subject, covered, subjects

MOST_FUNCTIONS = 12
"""Functions that are called for one run."""
CALL_SECONDS = 1.0
JOB_SECONDS = 20.0
ENOUGH = 8
"""Calls that return, below which two candidates are not said to behave alike."""

Files = Mapping[int, Mapping[str, bytes | None]]
"""The files that any candidate changed, by candidate and path; ``None``: it has none of that name."""


class Question(msgspec.Struct, frozen=True):
    """A function with the calls to make, and the examples among them."""

    subject: Subject
    probes: list[Probe]
    examples: list[Example]


class Told(msgspec.Struct, kw_only=True):
    """What probing says of one candidate.

    ``calls`` are the outcomes of all probes of all questions, ``import_error`` says why there are none.
    ``whole``: everything that the candidate changed is seen in them.
    """

    calls: list[Call | None] = []
    import_error: str = ""
    examples: tuple[int, int] = (0, 0)
    odd: list[str] = []
    unsteady: bool = False
    whole: bool = False
    first_failed: str = ""


def ask(base: Mapping[str, bytes], files: Files, sources: Sequence[bytes]) -> list[Question]:
    """The questions for these candidates; ``sources`` are tests and others that may show calls."""
    paths = sorted({path for there in files.values() for path in there if path.endswith(".py")})
    found = [
        subject
        for path in paths
        for subject in subjects(path, base.get(path), {n: there.get(path) for n, there in files.items()})
    ][:MOST_FUNCTIONS]
    names = [subject.name for subject in found]
    shown: dict[str, list[str]] = {}
    for source in sources:
        for name, calls in examples.calls_in(source, names).items():
            shown.setdefault(name, []).extend(calls)
    made = []
    for subject in found:
        told = [one for doc in subject.docs for one in examples.read(doc, subject.name, subject.parameters)]
        calls = [one.call for one in told] + shown.get(subject.name, [])[: examples.MOST]
        probes = inputs.probes(subject, calls)[: max(40, inputs.MOST * 3 // len(found))]
        made.append(Question(subject, probes, [one for one in told if one.wanted is not None]))
    return made


def program(questions: Sequence[Question], paths: set[str]) -> bytes:
    """The text that a Python is given to answer; ``paths`` are all files of the tree."""
    jobs = [_job(question, paths) for question in questions]
    return f"{inspect.getsource(driver)}\n\nmain(json.loads({json.dumps(json.dumps(jobs))!s}))\n".encode()


def _job(question: Question, paths: set[str]) -> dict[str, Any]:
    path = PurePosixPath(question.subject.path)
    parts = [path.stem] if path.name != "__init__.py" else []
    root = path.parent
    while str(root / "__init__.py") in paths and root.name:
        parts.insert(0, root.name)
        root = root.parent
    package = ".".join(parts) if root != path.parent and all(part.isidentifier() for part in parts) else ""
    return {
        "path": str(path),
        "package": package,
        "roots": [str(root), ".", "src"],
        "calls": [probe.call for probe in question.probes],
        "seconds": CALL_SECONDS,
        "total": JOB_SECONDS,
    }


Answers = Sequence[tuple[str, list[Call | None]]]
"""For each question why the file does not load, and what came of its calls."""
MARK = "kage probe: "
"""What the lines with answers begin with."""


def answers(output: bytes, questions: Sequence[Question]) -> list[Answers] | None:
    """Two rounds of answers; ``None``: there are none."""
    lines = output.decode("utf-8", "replace").splitlines()
    try:
        found = [_answer(line.removeprefix(MARK), questions) for line in lines if line.startswith(MARK)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if len(found) == 2 else None


def _answer(line: str, questions: Sequence[Question]) -> Answers:
    return [
        (str(one["import"]), [one.get("calls", {}).get(str(at)) for at in range(len(question.probes))])
        for one, question in zip(json.loads(line), questions, strict=True)
    ]


def told(
    questions: Sequence[Question],
    given: Mapping[int, Sequence[Answers]],
    base: Mapping[str, bytes],
    files: Files,
) -> dict[int, Told]:
    """What two rounds of the same calls say of each candidate. A question that no candidate's file loads for
    tells nothing."""
    found = {number: Told() for number in given}
    for at, question in enumerate(questions):
        if all(first[at][0] for first, _ in given.values()):
            continue
        outcomes = {}
        for number, (first, second) in given.items():
            steady = [
                evidence.unsteady() if one and two and evidence.strict(one) != evidence.strict(two) else one
                for one, two in zip(first[at][1], second[at][1], strict=True)
            ]
            outcomes[number] = steady
            entry = found[number]
            entry.calls += steady
            entry.import_error = entry.import_error or first[at][0]
            entry.unsteady |= any(call is not None and call.get("kind") == "unsteady" for call in steady)
        for number, odd in evidence.oddities(question.subject, outcomes).items():
            found[number].odd += odd
        _examples(question, outcomes, found)
    names: dict[str, set[str]] = {}
    for question in questions:
        names.setdefault(question.subject.path, set()).add(question.subject.name)
    for number, entry in found.items():
        returned = sum(call is not None and call.get("kind") == "value" for call in entry.calls)
        entry.whole = returned >= ENOUGH and _whole(base, files[number], names)
    return found


def _whole(
    base: Mapping[str, bytes], files: Mapping[str, bytes | None], names: Mapping[str, set[str]]
) -> bool:
    for path, data in files.items():
        if data == base.get(path):
            continue
        if data is None or not covered(base.get(path), data, names.get(path, set())):
            return False
    return True


def _examples(
    question: Question, outcomes: Mapping[int, Sequence[Call | None]], found: Mapping[int, Told]
) -> None:
    """Count the examples that are met. One that nobody meets is a wrong example, or read wrongly."""
    places = {probe.call: at for at, probe in enumerate(question.probes)}
    for example in question.examples:
        at = places.get(example.call)
        if at is None:
            continue
        met = {number: evidence.equal(calls[at], example.wanted or "") for number, calls in outcomes.items()}
        if not any(met.values()):
            continue
        for number, is_met in met.items():
            passed, total = found[number].examples
            found[number].examples = passed + is_met, total + 1
            if not is_met and not found[number].first_failed:
                found[number].first_failed = f"{example.call} is not {example.wanted}"


def agreements(
    questions: Sequence[Question], found: Mapping[int, Told], votes: Mapping[int, float]
) -> dict[int, Agreement]:
    """How much the candidates agree over all that was called."""
    probes = [probe for question in questions for probe in question.probes]
    outcomes = {number: one.calls for number, one in found.items()}
    length = min((len(calls) for calls in outcomes.values()), default=0)
    if not length:
        return {}
    return evidence.agreements(probes[:length], outcomes, votes)
