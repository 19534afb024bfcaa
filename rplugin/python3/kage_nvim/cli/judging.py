"""``kage judge``: the verdict on a run, as a document to read or as JSON."""

from __future__ import annotations

from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.render import clean
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit


class Judging(Shell):
    """The verbs that put candidates in order."""

    async def judge(self) -> Exit:
        """See parser()."""
        answer = await confirmed(self.ask, "judge", {}, yes=self.given.yes)
        self.show(answer["verdict"], "\n".join(clean(line["text"]) for line in answer["document"]))
        return Exit.DONE
