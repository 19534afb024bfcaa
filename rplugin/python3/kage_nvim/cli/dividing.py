"""``kage spawn --parts`` and ``kage parts``: a task divided among agents, and what came of it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from kage_nvim.cli.asking import typed
from kage_nvim.cli.render import MARKS, clean, count
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit, refused
from kage_nvim.evaluate import planning


async def divide(
    ask: Callable[..., Awaitable[Any]], given: argparse.Namespace, asked: dict[str, Any]
) -> None:
    """Put the parts into what is asked of kaged: those given by hand (``--part``, else ``--variant``, else
    the sections ``## 1``, ``## 2`` of the task), else those that a planner proposes and the user confirms.

    Raises:
        KageError: nobody said yes to what was proposed (exit 4), or nothing could be.
    """
    task = asked["task"]
    parts = {str(number): text for number, text in enumerate(given.part, 1)}
    if not parts and task["variants"]:
        parts, task["variants"] = task["variants"], {}
    if not parts:
        whole, own = planning.sections(task["text"])
        if own:
            task["text"] = whole or " / ".join(map(planning.title, own.values()))
            parts = {str(number): text for number, text in own.items()}
    if not parts:
        answer = await ask("plan", task=task, count=given.count, player="")
        print(proposed(answer), file=sys.stderr)
        if not given.yes and not await asyncio.to_thread(_agreed):
            raise refused(
                "nothing was started: the parts were not confirmed",
                fix="Take them with --yes, or give your own: --part TEXT --part TEXT, or sections ## 1.",
                code="confirm",
            )
        parts, asked["plan"] = answer["parts"], answer["plan"]
    asked["course"]["parts"] = parts


def proposed(answer: dict[str, Any]) -> str:
    """A planner's parts, in the form in which they can be given by hand."""
    lines = [f"player `{clean(answer['player'])}` proposes {count(len(answer['parts']), 'part')}:"]
    for number, text in answer["parts"].items():
        lines += [f"## {number}", *map(clean, text.splitlines())]
    return "\n".join(lines)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    print("Start an agent for each? [y/N] ", end="", file=sys.stderr, flush=True)
    return typed().strip().lower() in ("y", "yes")


class Dividing(Shell):
    """The verb about a run's parts."""

    async def parts(self) -> Exit:
        """See parser()."""
        answer = await self.ask("parts")
        self.show(answer, "\n".join(told(answer)))
        return Exit.DONE


def told(answer: dict[str, Any]) -> list[str]:
    """The parts, their union, what contradicts and what was done twice, and what to do about it."""
    lines = []
    for part in answer["parts"]:
        checked = f"  {part['checked']}" if part["checked"] else ""
        size = count(part["files"], "file")
        mark = MARKS.get(part["state"], " ")
        lines.append(clean(f"{part['number']:>3} {mark} {part['title']}  {size}{checked}"))
    union = answer["union"]
    if union is None:
        return [*lines, clean(answer["without"])]
    checked = f"  ({union['checked']})" if union["checked"] else ""
    lines.append(clean(f"{answer['verdict']}{checked}"))
    for kind, mark in (("contradiction", "!"), ("overlap", "=")):
        for clash in union["clashes"]:
            if clash["kind"] == kind:
                line = f":{clash['line']}" if clash["line"] else ""
                lines.append(clean(f"  {mark} {clash['path']}{line}: {clash['text']}"))
    who = sorted({n for c in union["clashes"] if c["kind"] == "contradiction" for n in c["agents"]})
    how = [f"kage accept -p {' '.join(map(str, who))} chooses in those places"] if who else []
    lands = (
        f"kage accept {union['number']} lands the union" if union["files"] else "the union changes nothing"
    )
    return [*lines, "; ".join([*how, lands])]
