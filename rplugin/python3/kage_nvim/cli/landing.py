"""``kage accept``, ``undo`` and ``history``: candidates come into the working tree, and go out again."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import Any, TextIO

from kage_nvim.cli import render
from kage_nvim.cli.asking import typed
from kage_nvim.cli.choosing import agents_and_paths, choose
from kage_nvim.cli.shell import Shell
from kage_nvim.cli.words import inside
from kage_nvim.errors import Exit, KageError, usage


class Landing(Shell):
    """The verbs that change the user's files."""

    async def accept(self) -> Exit:
        """See parser()."""
        given = self.given
        numbers, paths = agents_and_paths(given.words)
        asked: dict[str, Any] = {
            "commit": given.commit,
            "message": _text("--message", given.message),
            "branch": _text("--branch", given.branch),
            "how": given.how,
        }
        if given.patch:
            if given.force:
                raise usage("--force is for whole candidates", "Leave it away: hunks are landed as chosen.")
            asked |= await self._chosen(numbers, [inside(path) for path in paths])
        else:
            asked |= {"agents": numbers, "paths": [inside(path) for path in paths], "force": given.force}
        answer = await self.ask("accept", **asked)
        self.show(answer, render.landed(answer))
        for conflict in answer["conflicts"]:
            where = render.clean(conflict["path"]) + (f":{conflict['line']}" if conflict["line"] else "")
            who = " and ".join(map(str, conflict["agents"]))
            if conflict["marked"]:
                print(f"conflict markers: {where}", file=sys.stderr)
            elif conflict["whole"] and "~yours" in where:
                print(f"what you had is now: {where} ({conflict['kind']}, with {who})", file=sys.stderr)
            elif conflict["whole"]:
                print(f"landed whole: {where} ({conflict['kind']}, of {who})", file=sys.stderr)
            else:
                print(f"left as you have it: {where} ({conflict['kind']}, of {who})", file=sys.stderr)
        return Exit.DONE

    async def _chosen(self, numbers: list[int], paths: list[str]) -> dict[str, Any]:
        """The hunks that the user says yes to."""
        out = sys.stderr if self.given.json else sys.stdout
        colour = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

        async def ask(prompt: str) -> str | None:
            return await _answer(prompt, out)

        def say(text: str) -> None:
            print(text, file=out, flush=True)

        # What you have may still be missing in the commit, or on the branch, that is asked for.
        given = self.given
        again = bool(given.commit or given.message or given.branch or given.how)
        picks, shown = await choose(self.ask, numbers, paths, ask, say, colour=colour, again=again)
        if not picks:
            raise KageError(
                "no hunk was chosen; nothing was changed",
                fix="Answer y at what you want.",
                code="nothing",
                exit=Exit.NOTHING,
            )
        return {"picks": picks, "shown": shown}

    async def undo(self) -> Exit:
        """See parser()."""
        answer = await self.ask("undo", count=self.given.count)
        self.show(answer, render.landed(answer))
        return Exit.DONE

    async def history(self) -> Exit:
        """See parser()."""
        answer = await self.ask("history")
        self.show(answer, render.history(answer["landings"]))
        return Exit.DONE


def _text(option: str, given: str | None) -> str:
    """What was given with an option; nothing is not what it means."""
    if given is not None and not given.strip():
        raise usage(f"{option} is empty", f"Give it a text, or leave {option} away.")
    return given or ""


async def _answer(prompt: str, out: TextIO) -> str | None:
    """A line that the user types; ``None`` at the end of the input.

    It is read beside the connection, which kaged may use meanwhile, by a thread that no Ctrl-C waits for.
    """
    print(prompt, end="", file=out, flush=True)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def put(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        loop.call_soon_threadsafe(put, typed())

    threading.Thread(target=read, daemon=True).start()
    text = await line
    if not text.endswith("\n"):
        print(file=out, flush=True)
    return text.strip() if text else None
