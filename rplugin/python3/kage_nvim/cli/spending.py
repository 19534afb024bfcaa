"""``kage repair``, ``kage stats``, ``kage estimate``: how runs are spent."""

from __future__ import annotations

from typing import Any

from kage_nvim.cli import render
from kage_nvim.cli.asking import confirmed
from kage_nvim.cli.shell import Shell
from kage_nvim.cli.words import inside, split
from kage_nvim.errors import Exit, usage


class Spending(Shell):
    """The verbs on what agents and runs take."""

    async def repair(self) -> Exit:
        """See parser()."""
        which, text = split(self.given.words)
        if text:
            raise usage(f"`{text}` is no agent", "Give numbers (2, or 2,3), or all.")
        answer = await confirmed(self.ask, "repair", {"agent": which}, yes=self.given.yes)
        numbers = ", ".join(map(str, answer["agents"]))
        print(f"sent its failures to agent {numbers}")
        return Exit.DONE

    async def stats(self) -> Exit:
        """See parser()."""
        answer = await self.ask("stats", all=self.given.all)
        where = "" if self.given.all else " in this repository (--all: everywhere)"
        self.show(answer, stats(answer["rows"]) if answer["rows"] else f"no agent has ended yet{where}")
        return Exit.DONE

    async def estimate(self) -> Exit:
        """See parser()."""
        given = self.given
        path = inside(given.file) if given.file else ""
        asked = {"players": given.player, "count": given.count, "path": path}
        asked |= {"strategy": given.strategy or "", "until": given.until or ""}
        answer = await self.ask("estimate", **asked)
        lines = [answer["line"] or "nothing is known of such a run yet", answer["suggestion"]]
        self.show(answer, "\n".join(render.clean(line) for line in lines if line))
        return Exit.DONE


def stats(rows: list[dict[str, Any]]) -> str:
    """What each player was worth, as a table."""
    heads = ["player", "role", "language", "runs", "green", "wins", "accepted", "per accepted", "time"]
    table = [heads]
    for row in rows:
        rate = row["green_rate"]
        each, spent = row["usd_per_accepted"], row["usd"]
        cost = render.money(each) if each is not None else ("unpriced" if spent is None else "-")
        table.append(
            [
                render.clean(row["player"]),
                render.clean(row["role"] or "-"),
                render.clean(row["language"] or "-"),
                str(row["runs"]),
                "-" if rate is None else f"{row['green']}/{row['checked']} ({rate:.0%})",
                str(row["wins"]),
                str(row["accepted"]),
                cost,
                f"{row['seconds']:.0f} s",
            ]
        )
    widths = [max(len(line[column]) for line in table) for column in range(len(heads))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )
