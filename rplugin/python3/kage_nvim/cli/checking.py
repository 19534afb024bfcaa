"""``kage check``: the project's own commands on a candidate, or on the working tree as it is."""

from __future__ import annotations

from typing import Any

from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.render import clean
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit

MARKS = {"pass": "✓", "fail": "✗", "timeout": "✗", "error": "✗"}
SHOWN = 10
"""Places that a failed check complains of, in text; JSON has them all."""


class Checking(Shell):
    """The verbs that say what something is worth."""

    async def check(self) -> Exit:
        """See parser()."""
        given = self.given
        answer = await confirmed(self.ask, "check", {"agent": given.agent}, yes=given.yes)
        self.show(answer, "\n".join(line for result in answer["results"] for line in _lines(result)))
        return Exit.DONE if all(result["state"] == "pass" for result in answer["results"]) else Exit.ERROR


def _lines(result: dict[str, Any]) -> list[str]:
    count = f" {result['passed']}/{result['total']}" if result["total"] else ""
    ran = "cached" if result["cached"] else f"{result['seconds']:.1f} s"
    head = clean(f"{MARKS[result['state']]} {result['name']}{count}  {result['summary']}  ({ran})")
    places = [
        clean(f"    {p['path']}:{p['line']}: {p['text']}".rstrip(": ")) for p in result["failures"][:SHOWN]
    ]
    more = len(result["failures"]) - SHOWN
    return [head, *places, *([f"    … {more} more"] if more > 0 else [])]
