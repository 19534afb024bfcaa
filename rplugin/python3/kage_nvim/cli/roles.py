"""``kage role``: what agents can be told to be, and roles that others share."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from kage_nvim.cli import render
from kage_nvim.cli.asking import agreed
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit, refused, usage


class Roles(Shell):
    """The verb ``role``."""

    async def role(self) -> Exit:
        """See parser()."""
        given = self.given
        if given.action != "list" and not given.names:
            what = "no repository is named" if given.action == "add" else "no role is named"
            raise usage(what, "Write kage role show NAME, or kage role add URL; kage role list names them.")
        if given.action == "add":
            return await self._add(given.names[0], given.names[1:])
        if len(given.names) > 1:
            raise usage(f"`{given.names[1]}`: expected one role", f"Write kage role {given.action} NAME.")
        name = given.names[0] if given.names else ""
        if given.action == "remove":
            answer = await self.ask("role_remove", name=name)
            self.show(answer, f"removed {render.clean(answer['removed'])}")
            return Exit.DONE
        answer = await self.ask("role", name=name)
        text = render.roles(answer["roles"])
        self.show(answer, render.role(answer["roles"][0]) if given.action == "show" else text)
        return Exit.DONE

    async def _add(self, url: str, names: list[str]) -> Exit:
        """Show what a repository shares, whole, and keep what the user says yes to."""
        shown = await self.ask("role_add", url=url, names=names)
        wanted = [
            role
            for role in shown["offered"]
            if await self._trusted(role, shown["instead"].get(role["name"], ""))
        ]
        if not wanted:
            raise refused("no role was added", fix="Answer yes when asked, or give --yes.")
        digests = [role["digest"] for role in wanted]
        answer = await self.ask("role_add", url=url, names=names, digests=digests)
        if len(answer["added"]) < len(wanted):
            changed = sorted({role["name"] for role in wanted} - set(answer["added"]))
            raise refused(
                f"{', '.join(changed)}: the repository has changed it since it was shown",
                fix="Look at it again: repeat the command.",
            )
        added = ", ".join(render.clean(name) for name in answer["added"])
        self.show(answer, f"added {added}; use it as @player+ROLE")
        return Exit.DONE

    async def _trusted(self, role: dict[str, Any], instead: str) -> bool:
        """Whether the user says yes to a role, which takes the place of one from ``instead`` if set."""
        print(render.role(role), end="\n\n", file=sys.stderr)
        if instead:
            print(f"It takes the place of the role from {render.clean(instead)}.\n", file=sys.stderr)
        if self.given.yes:
            return True
        question = {"text": f"Trust the role `{role['name']}`? What it says is told to agents."}
        return await asyncio.to_thread(agreed, [question])
