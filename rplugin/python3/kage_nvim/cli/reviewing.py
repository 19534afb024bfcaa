"""``kage review``: what reviewers find in a change, as text, as JSON, as SARIF; the exit code is for CI."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.render import clean, count, money
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit, KageError, usage
from kage_nvim.evaluate.reviewing.findings import Finding, worst
from kage_nvim.evaluate.reviewing.findings import count as counted
from kage_nvim.evaluate.reviewing.sarif import sarif
from kage_nvim.visible import UNSEEN, seen

FILES = ("-", ".sarif", ".json")
"""How the file of ``--sarif`` may end: so that a base behind the option is not taken for it."""
MARKS = {"error": "✗", "warning": "!", "info": "i", "hint": "·"}


class Reviewing(Shell):
    """The verb that has a change read."""

    async def review(self) -> Exit:
        """See parser()."""
        given = self.given
        if given.sarif is not None and not given.sarif.endswith(FILES):
            raise usage(
                f"`{given.sarif}` is not called like a SARIF file",
                "Write --sarif FILE.sarif, or name what is reviewed first: kage review BASE --sarif.",
            )
        if given.sarif not in (None, "-") and not Path(given.sarif).parent.is_dir():
            raise usage(  # before anything is spent
                f"the folder of {given.sarif} is not there", "Make it first, or name another file."
            )
        try:
            answer = await (self._again() if given.last or given.show else self._new())
        except KageError as error:
            if error.code in ("nothing", "review"):  # a job that uploads what was found finds a file
                await self._sarif([], {}, [error.message] if error.code == "review" else [])
            raise
        findings = msgspec.convert(answer["findings"], list[Finding])
        failed = [
            f"{one['role']}: {one['reason']}" for one in answer["reviewers"] if one["state"] == "failed"
        ]
        await self._sarif(findings, {one["role"]: one["description"] for one in answer["reviewers"]}, failed)
        if given.sarif != "-":
            self.show(answer, report(answer, findings, everything=given.all))
        for line in failed:
            print(clean(f"kage: a reviewer did not end: {line}"), file=sys.stderr)
        return Exit.ERROR if failed or worst(findings, given.fail_on) else Exit.DONE

    async def _sarif(self, findings: list[Finding], roles: dict[str, str], failed: list[str]) -> None:
        """Write what was found, and why somebody did not come to an end, where ``--sarif`` says."""
        if self.given.sarif is not None:
            text = json.dumps(sarif(findings, roles, failed=failed), ensure_ascii=False, indent=2)
            await asyncio.to_thread(_put, self.given.sarif, text)

    async def _new(self) -> Any:
        given = self.given
        asked = {
            "base": given.base or "",
            "head": given.head or "",
            "roles": given.role,
            "players": given.player,
        }
        return await confirmed(self.ask, "review", asked, yes=given.yes)

    async def _again(self) -> Any:
        if self.given.base or self.given.head:
            raise usage("an earlier review is shown as it is", "Leave the revision away, or --last.")
        return await self.ask("review_again", id=self.given.show or "")


def _put(name: str, text: str) -> None:
    if name == "-":
        print(text)
        return
    try:
        Path(name).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise KageError(
            f"{name} cannot be written: {error.strerror}",
            fix="Name a file that you may write to.",
            code="sarif",
        ) from error


def report(answer: dict[str, Any], findings: list[Finding], *, everything: bool) -> str:
    """The review as text: by file, the worst first, who agreed, what the second pass says."""
    shown = [finding for finding in findings if everything or finding.shown]
    lines = [clean(f"{answer['id']}: {answer['title']}")]
    by_file: dict[str, list[Finding]] = {}
    for finding in shown:
        by_file.setdefault(finding.path, []).append(finding)
    for path, found in by_file.items():
        lines += ["", clean(path)]
        for finding in found:
            lines += _finding(finding)
    lines += ["", *_foot(answer, findings, shown)]
    return "\n".join(lines)


def _finding(finding: Finding) -> list[str]:
    place = str(finding.first) if finding.first == finding.last else f"{finding.first}-{finding.last}"
    who = ", ".join(finding.agreed)
    state = {"refuted": ", refuted", "holds": ", held", "unsure": ", unsure"}.get(finding.verdict, "")
    state += ", dismissed" if finding.dismissed else ""
    lines = [
        clean(f"  {MARKS[finding.severity]} {place}: {finding.claim}  ({finding.severity}; {who}{state})")
    ]
    lines += [f"      {clean(line)}" for line in finding.evidence.splitlines() if line.strip()]
    lines += [f"      also {clean(text)}" for text in finding.also]
    if finding.why and finding.verdict != "holds":
        lines.append(f"      {finding.verdict}: {clean(finding.why)}")
    if finding.patch:
        lines += [f"      - {_code(line)}" for line in finding.patch.old]
        lines += [f"      + {_code(line)}" for line in finding.patch.lines]
    return lines


def _code(line: str) -> str:
    """A line of a file, what no screen shows made visible."""
    return clean(UNSEEN.sub(seen, line))


def _foot(answer: dict[str, Any], findings: list[Finding], shown: list[Finding]) -> list[str]:
    sums = [count(number, severity) for severity, number in counted(findings).items()]
    hidden = len(findings) - len(shown)
    more = f"; {hidden} refuted or dismissed (--all)" if hidden else ""
    who = ", ".join(f"{one['role']} ({one['player']})" for one in answer["reviewers"])
    cost = money(answer["cost_usd"])
    lines = [f"{', '.join(sums) or 'nothing found'}{more}", f"by {who}; {cost}, {answer['seconds']:.0f} s"]
    return [clean(line) for line in [*lines, *answer["notes"]]]
