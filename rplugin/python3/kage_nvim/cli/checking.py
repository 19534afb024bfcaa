"""``kage check``: the project's own commands on a candidate, or on the working tree as it is."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.render import clean
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit, KageError

MARKS = {"pass": "✓", "fail": "✗", "timeout": "✗", "error": "✗"}
SHOWN = 10
"""Places and names that a line of a check is followed by, in text; JSON has them all."""


class Checking(Shell):
    """The verbs that say what something is worth."""

    async def check(self) -> Exit:
        """See parser()."""
        if self.given.agent == "all":
            return await self._all()
        answer = await self._checked(self.given.agent)
        self.show(answer, "\n".join(told(answer)))
        return Exit.DONE if _passed(answer) else Exit.ERROR

    async def _all(self) -> Exit:
        """Every candidate of the run, side by side once the user's yes is there."""
        runs = (await self.ask("status"))["runs"]
        numbers = [candidate["number"] for run in runs[:1] for candidate in run["candidates"]]
        if not numbers:
            raise KageError("there is no candidate yet", fix="kage wait waits for them.", exit=Exit.NOTHING)
        alone = 0 if self.given.yes else 1
        answers = [await self._checked(number) for number in numbers[:alone]]
        answers += await asyncio.gather(*map(self._checked, numbers[alone:]))
        self.show({"candidates": answers}, "\n".join(line for answer in answers for line in told(answer)))
        return Exit.DONE if all(map(_passed, answers)) else Exit.ERROR

    async def _checked(self, number: int | None) -> dict[str, Any]:
        asked = {"agent": number}
        return dict(await confirmed(self.ask, "check", asked, yes=self.given.yes))


def _passed(answer: dict[str, Any]) -> bool:
    return all(result["state"] == "pass" for result in answer["results"])


def told(answer: dict[str, Any]) -> Iterator[str]:
    """What checks said, as lines: each check with what is to know of it, then all of them in one."""
    for result in answer["results"]:
        yield from _lines(result)
    for weakening in answer["weakened"]:
        line = f":{weakening['line']}" if weakening["line"] else ""
        yield clean(f"! tests weakened: {weakening['path']}{line}: {weakening['text']}")
    if answer["overlaid"]:
        yield dim(f"the base's versions were run of {_some(answer['overlaid'])}")
    if answer.get("missing"):
        yield dim(f"not on PATH, so what they would check is not: {_some(answer['missing'])}")
    if answer["agent"] is not None:
        yield clean(f"candidate {answer['agent']}: {answer['line']}")


def dim(text: str) -> str:
    """Text in the background, where it is read on a terminal that has one."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\x1b[2m{text}\x1b[0m"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    count = f" {result['passed']}/{result['total']}" if result["total"] else ""
    ran = "cached" if result["cached"] else f"{result['seconds']:.1f} s"
    optional = "" if result["required"] else ", not required"
    yield clean(f"{MARKS[result['state']]} {result['name']}{count}  {result['summary']}  ({ran}{optional})")
    for place in result["failures"][:SHOWN]:
        yield clean(f"    {place['path']}:{place['line']}: {place['text']}".rstrip(": "))
    if (more := len(result["failures"]) - SHOWN) > 0:
        yield f"    … {more} more"
    if result["regressed"]:
        yield f"    new failures: {_some(result['regressed'])}"
    if result["failing_at_base"]:
        yield dim(f"    fails at the base, too: {_some(result['failing_at_base'])}")
    if result["fixed"]:
        yield f"    fixed: {_some(result['fixed'])}"
    if result["flaky"]:
        yield f"    flaky, does not count: {_some(result['flaky'])}"
    for metric in result["metrics"]:
        yield f"    {_measured(metric)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return clean(", ".join(names[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def _measured(metric: dict[str, Any]) -> str:
    text = f"{metric['name']} {metric['value']:.4g} ± {metric['spread']:.2g} {metric['unit']}"
    if metric["base"] is not None:
        verdict = f": {metric['verdict']}" if metric["verdict"] else ""
        times = "" if metric["change"] is None else f"{metric['change']:.2f} times "
        text += f", {times}the base's {metric['base']:.4g}{verdict}"
    return clean(text)
