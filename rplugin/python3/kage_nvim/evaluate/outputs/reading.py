"""From what a command did to a result: its exit code, its output, the report that it wrote.

A check has passed when its command ended well and nothing that was read says otherwise: an exit code of 0
alone is no proof that the tests came to their end.
"""

from __future__ import annotations

import re

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate.checks.listening import PREFIX, Listening
from kage_nvim.evaluate.outputs import complaints, endings, formats, measures, reports, text
from kage_nvim.evaluate.outputs.formats import custom
from kage_nvim.evaluate.outputs.formats.said import Said, Unreadable
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Metric, Result, shown
from kage_nvim.model import Profile
from kage_nvim.sandbox import Completed
from kage_nvim.visible import visible

_GENERATED = re.compile(rb"^-* ?generated xml file: [^\n]*" + PREFIX.encode() + rb"[^\n]*\n?", re.MULTILINE)
# A last line that says how many, which is not to be put better.
_SUMS_UP = re.compile(r"[0-9]+ (?:passed|failed|errors?|passing|failing)\b|^(?:OK|FAILED)\b")
_GOES_TO = re.compile(
    r"\s*(?:cd\s+|make\s+-C\s*|(?:npm|pnpm|yarn)\s+(?:--prefix|--cwd|-C)[ =])"
    r"(?:'(?P<quoted>[^'$`]+)'|(?P<folder>[\w./+@-]+))(?=\s|;|&|$)"
)
# A runner that counts what it ran, and prints that last, has not ended when it did not.
_ENDINGS = (
    re.compile(r"\bpython[0-9.]* (?:-\w+ )*-m unittest\b"),
    re.compile(r"\bpython[0-9.]* (?:-\w+ )*-m doctest\b.*-v\b"),
    re.compile(r"(?:^|[;&|]\s*)cargo (?:\+\S+ )?test\b(?!.*--(?:no-run|list|help)\b)"),
    re.compile(r"(?:^|[;&|]\s*)ctest\b(?!.*(?:-N|--show-only|--help)\b)"),
)


def read(
    begun: Result, check: Check, done: Completed, profile: Profile, listening: Listening | None = None
) -> Result:
    """The result of a check that was run with this profile, and heard so."""
    listening = listening or Listening()
    roots = tuple(filter(None, (profile.worktree, profile.alias)))
    places = Places(roots, profile.worktree, _folder(check))
    output = _GENERATED.sub(b"", done.output)
    if begun.kind == "bench":
        return _measured(begun, check, done, profile, listening)
    told, broken = _told(check, output, places, profile, listening)
    if told and not told.broken and formats.go.looks(output) and b'"Action":"' in output:
        output = formats.go.as_text(output)
    failures, passed, total, summary, tail = text.read(output, places)
    if begun.kind in ("lint", "type"):  # "2 errors" are no tests
        passed = total = None
    state = _state(check, done, told)
    if told is not None:
        failures = told.failures or failures
        passed, total = (passed, total) if told.total is None else (told.passed, told.total)
        summary = (
            summary if _SUMS_UP.search(summary) or not told.total else f"{told.passed}/{told.total} passed"
        )
        broken = broken or told.broken
        broken = broken or _hollow(begun, check, told, listening)
    elif not broken:
        broken = _unended(check, listening)
    if state == "pass" and told is None and begun.kind != "test":
        passed = passed if passed == total else None  # "3 failed" may be about anything
        total = passed
    bad = sum(test.state == "fail" for test in told.tests) if told else 0
    if state == "pass" and (broken or bad or (passed or 0) < (total or 0)):
        state = "fail"
        summary = broken or f"it ended with code 0, but {max(bad, (total or 0) - (passed or 0))} failed"
    return msgspec.structs.replace(
        begun,
        state=state,
        code=done.returncode,
        seconds=round(done.seconds, 2),
        passed=passed,
        total=total,
        summary=_summary(check, done, summary),
        failures=failures if state != "pass" else [],
        tests=told.tests if told else [],
        tail=tail,
    )


def _measured(begun: Result, check: Check, done: Completed, profile: Profile, heard: Listening) -> Result:
    """One run of a benchmark; one that failed has no number."""
    roots = tuple(filter(None, (profile.worktree, profile.alias)))
    failures, _, _, summary, tail = text.read(done.output, Places(roots, profile.worktree, _folder(check)))
    state = _state(check, done)
    found: list[Metric] = []
    if state == "pass":
        try:
            written = reports.read(profile.worktree, check.report) if check.report else []
            written = written or (reports.read(heard.folder, heard.report) if heard.report else [])
            if check.report and not written:
                state, summary = "fail", f"it did not write {check.report}"
            elif found := measures.of_run(done.output, written, check, done.seconds):
                summary = measures.line(found)
            else:
                state, summary = "fail", "no number was found in what it said"
        except (Unreadable, OSError, RecursionError) as error:
            state, summary = "fail", f"its report cannot be read: {error}"
    return msgspec.structs.replace(
        begun,
        state=state,
        code=done.returncode,
        seconds=round(done.seconds, 2),
        summary=_summary(check, done, summary),
        failures=failures if state != "pass" else [],
        metrics=found,
        tail=tail,
    )


def _state(check: Check, done: Completed, told: Said | None = None) -> str:
    """What the end of the command says; tests that were told of show that something was run."""
    if done.timed_out:
        return "timeout"
    if not (told and told.tests) and endings.not_started(check, done):
        return "error"
    return "pass" if done.returncode == 0 else "fail"


def _summary(check: Check, done: Completed, said: str) -> str:
    if done.timed_out:
        return f"not done after {check.timeout:g} s"
    return visible(endings.summary(done.returncode, said))


def _folder(check: Check) -> str:
    """The folder that the command goes to first: what it prints may be named from there."""
    found = _GOES_TO.match(shown(check.command))
    return (found["folder"] or found["quoted"]).rstrip("/") if found else ""


def _told(
    check: Check, output: bytes, places: Places, profile: Profile, listening: Listening
) -> tuple[Said | None, str]:
    """What a report, or else the output, says in a form that is known; and what is wrong with the report."""
    try:
        if check.report:
            return _reported(check, profile, places)
        if listening.report and (found := reports.read(listening.folder, listening.report)):
            return formats.junit.read(found[0], places), ""
        if check.pattern:
            return custom.read(output, places, check.pattern), ""
        output = text.uncoloured(output)
        form = formats.FORMATS.get(check.format)
        form = form if form and form.looks(output) else formats.found(output) if not check.format else None
        return (form.read(output, places) if form else None), ""
    except Unreadable as error:
        return None, f"its report cannot be read: {error}"
    except OSError as error:
        return None, f"its report cannot be read: {error.strerror or error}"
    except RecursionError:
        return None, "its report cannot be read: it is too deep"


def _reported(check: Check, profile: Profile, places: Places) -> tuple[Said | None, str]:
    found = reports.read(profile.worktree, check.report)
    if not found:
        return None, "" if reports.is_pattern(check.report) else f"it did not write {check.report}"
    parts = []
    for data in found:
        if check.pattern and not check.format:
            parts.append(custom.read(data, places, check.pattern))
            continue
        form = formats.FORMATS.get(check.format) or formats.found(data)
        if form is None:
            raise Unreadable("it is in no known form")
        parts.append(form.read(data, places))
    return _together(parts), ""


def _together(parts: list[Said]) -> Said:
    """Several reports of one run."""
    if len(parts) == 1:
        return parts[0]
    counted = [part for part in parts if part.total is not None]
    return Said(
        tests=[test for part in parts for test in part.tests],
        failures=[failure for part in parts for failure in part.failures][: complaints.MOST_FAILURES],
        passed=sum(part.passed or 0 for part in counted) if counted else None,
        total=sum(part.total or 0 for part in counted) if counted else None,
        broken=next((part.broken for part in parts if part.broken), ""),
    )


def _hollow(begun: Result, check: Check, told: Said, listening: Listening) -> str:
    """pytest and unittest that ran nothing prove nothing; others have parts that are empty by right."""
    runner = listening.certain or "-m unittest" in shown(check.command)
    nothing = not told.tests and not told.total
    return "no test was run" if begun.kind == "test" and runner and nothing else ""


def _unended(check: Check, listening: Listening) -> str:
    """Why a run that says nothing of its end has none."""
    command = shown(check.command)
    if listening.certain:
        return "its tests did not come to their end: pytest wrote no report"
    if any(shape.search(command) for shape in _ENDINGS):
        return "its tests did not come to their end: the last lines of the runner are missing"
    return ""
