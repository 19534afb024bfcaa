"""``kage diff``: what candidates change."""

from __future__ import annotations

import sys

from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit
from kage_nvim.protocol import unb64


class Comparing(Shell):
    """The verbs that read candidates."""

    async def diff(self) -> Exit:
        """See parser()."""
        form = self.given.form or "stat"
        numbers = self.given.agents or (await self.ask("diff", agents=[]))["agents"]
        for number in numbers:
            answer = await self.ask("diff_text", agent=number, form=form)
            if form == "stat":
                print(f"candidate {number}", flush=True)
            sys.stdout.buffer.write(unb64(answer["text_b64"]))
            sys.stdout.flush()
        return Exit.DONE
