"""``kage compose`` and ``kage synth``: one candidate out of several. How far it is stands on stderr."""

from __future__ import annotations

import sys
from typing import Any

from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.render import clean, count
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit


class Combining(Shell):
    """The verbs that make candidates of candidates."""

    async def compose(self) -> Exit:
        """See parser()."""
        given = self.given
        asked = {"agents": given.agents, "seconds": given.seconds}
        self.client.listen(_heard)
        await self.ask("subscribe")
        answer = await confirmed(self.ask, "compose", asked, yes=given.yes)
        self.show(answer, composed(answer))
        return Exit.DONE if answer["number"] else Exit.NOTHING

    async def synth(self) -> Exit:
        """See parser()."""
        given = self.given
        layout = {"place": "hidden" if given.hidden else "beside"}
        asked = {"number": given.agent, "player": given.player or "", "layout": layout}
        answer = await confirmed(self.ask, "synth", asked, yes=given.yes)
        for note in answer["notes"]:
            print(f"note: {clean(note)}", file=sys.stderr)
        if not given.wait:
            self.show(answer, begun(answer))
            return Exit.DONE
        print(begun(answer), file=sys.stderr, flush=True)
        run = await self.ask("wait", run=answer["run"])
        (agent,) = (one for one in run["agents"] if one["number"] == answer["number"])
        kept = any(made["number"] == answer["number"] for made in run["candidates"])
        told = answer | {"agents": [agent], "kept": kept, "said": agent["reason"]}
        self.show(told, upheld(told))
        if agent["state"] == "failed":
            return Exit.AGENT_FAILED
        return Exit.DONE if kept else Exit.NOTHING


def _heard(name: str, params: dict[str, Any]) -> None:
    if name == "compose" and params["state"] == "searching" and params["hunks"]:
        print(clean(f"best so far: {progress(params)}"), file=sys.stderr, flush=True)


def progress(told: dict[str, Any]) -> str:
    """``all pass, 9 hunks (1: 7 hunks, 3: 2 hunks), 12 tries, 3.2 s``."""
    state = "all pass" if told["green"] else f"{told['passed']} pass, {told['failing']} fail"
    tries = "1 try" if told["tries"] == 1 else f"{told['tries']} tries"
    return f"{state}, {count(told['hunks'], 'hunk')} ({told['note']}), {tries}, {told['seconds']:.1f} s"


def composed(answer: dict[str, Any]) -> str:
    """What a composition came to."""
    tries = f"{answer['tries']} trees tried in {answer['seconds']:.1f} s"
    if not answer["number"]:
        return clean(f"no new candidate: {answer['said']} ({tries})")
    number = answer["number"]
    lines = [clean(f"candidate {number}: {answer['line']}; {answer['note']} ({tries})")]
    for hunk in answer["hunks"]:
        agents = ", ".join(map(str, hunk["agents"]))
        lines.append(clean(f"  {place(hunk)}  from {agents}"))
    lines.append(f"kage diff {number} shows it, kage accept {number} lands it")
    return "\n".join(lines)


def place(hunk: dict[str, Any]) -> str:
    """Where a unit is in the base: ``calc.py:3-5``, or what was done to the file."""
    if hunk["kind"] == "hunk":
        first, last = hunk["first"], hunk["past"] - 1
        if last < first:
            return f"{hunk['path']}:{first} (inserted)"
        return f"{hunk['path']}:{first}" + (f"-{last}" if last > first else "")
    words = {"new": "new file", "delete": "deleted", "mode": "mode", "whole": "as a whole"}
    what = f"renamed to {hunk['to']}" if hunk["kind"] == "rename" else words[hunk["kind"]]
    return f"{hunk['path']} ({what})"


def begun(answer: dict[str, Any]) -> str:
    """What an agent that was started is to improve, and with what."""
    *some, last = map(str, answer["others"])
    others = f"{', '.join(some)} and {last}" if some else last
    player = answer["agents"][0]["player"]
    return clean(
        f"agent {answer['number']} ({player}) improves candidate {answer['winner']} by {others};"
        " kage wait waits for it"
    )


def upheld(told: dict[str, Any]) -> str:
    """What came of it."""
    number = told["number"]
    if not told["kept"]:
        return clean(f"candidate {told['winner']} stands: {told['said']}")
    shown = f"kage diff {number} shows it, kage accept {number} lands it"
    return f"{clean(f'candidate {number}: ' + told['said'])}\n{shown}"
