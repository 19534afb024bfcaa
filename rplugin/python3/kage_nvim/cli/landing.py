"""``kage accept``, ``undo`` and ``history``: candidates come into the working tree, and go out again."""

from __future__ import annotations

import sys

from kage_nvim.cli import render
from kage_nvim.cli.shell import Shell
from kage_nvim.cli.words import inside
from kage_nvim.errors import Exit


class Landing(Shell):
    """The verbs that change the user's files."""

    async def accept(self) -> Exit:
        """See parser()."""
        given = self.given
        paths = [inside(path) for path in given.paths]
        answer = await self.ask("accept", agent=given.agent, paths=paths, force=given.force)
        self.show(answer, render.landed(answer))
        for conflict in answer["conflicts"]:
            print(f"conflict markers: {conflict['path']}:{conflict['line'] or 1}", file=sys.stderr)
        return Exit.DONE

    async def undo(self) -> Exit:
        """See parser()."""
        answer = await self.ask("undo")
        self.show(answer, render.landed(answer))
        return Exit.DONE

    async def history(self) -> Exit:
        """See parser()."""
        answer = await self.ask("history")
        self.show(answer, render.history(answer["landings"]))
        return Exit.DONE
