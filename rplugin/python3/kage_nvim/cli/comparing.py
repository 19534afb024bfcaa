"""``kage diff``, ``kage contrast``: what candidates change, for eyes, git, browsers and difftools."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from kage_nvim.cli import render
from kage_nvim.cli.shell import Shell
from kage_nvim.errors import Exit, KageError, usage
from kage_nvim.protocol import unb64

PAGE = 40_000_000
"""Characters of a page; the lines of the files after that are left out."""


class Comparing(Shell):
    """The verbs that read candidates."""

    async def diff(self) -> Exit:
        """See parser()."""
        if self.given.dir_diff and self.given.tool is None:
            raise usage("--dir-diff is for --tool", "Say kage diff --tool --dir-diff N.")
        if self.given.html is not None:
            return await self._page()
        if self.given.tool is not None:
            return await self._tool()
        if self.given.form is None and await self._are_proposals():
            return await self._sections()
        form = self.given.form or "stat"
        if len(self.given.agents) == 2:
            one, other = self.given.agents
            await self._text(f"candidate {one} → candidate {other}", form, agent=other, against=one)
            return Exit.DONE
        for number in self.given.agents or (await self.ask("diff", agents=[]))["agents"]:
            await self._text(f"candidate {number}", form, agent=number)
        return Exit.DONE

    async def _are_proposals(self) -> bool:
        runs = (await self.ask("status"))["runs"]
        return any(
            run["kind"] == "proposals" for run in runs if run["id"] == (self.given.run or runs[0]["id"])
        )

    async def _sections(self) -> Exit:
        from kage_nvim.cli import sections

        answer = await self.ask("contrast", agents=self.given.agents)
        for line in sections.told(answer, shutil.get_terminal_size().columns):
            print(line)
        return Exit.DONE

    async def _text(self, title: str, form: str, **asked: int) -> None:
        answer = await self.ask("diff_text", form=form, **asked)
        if form == "stat":
            print(title, flush=True)
        sys.stdout.buffer.write(unb64(answer["text_b64"]))
        sys.stdout.flush()

    async def contrast(self) -> Exit:
        """See parser()."""
        answer = await self.ask("contrast", agents=self.given.agents)
        if not answer["files"]:
            raise KageError("nothing to contrast: no file was changed", exit=Exit.NOTHING)
        self.show(answer, render.contrast(answer["table"]))
        return Exit.DONE

    async def _page(self) -> Exit:
        from kage_nvim.cli import page

        path = page.target(self.given.html)
        parts = [part async for part in self._parts()]
        if path is None:
            sys.stdout.buffer.write("".join(parts).encode("utf-8", "backslashreplace"))
        else:
            page.write(path, parts)
            print(f"written: {path}")
        return Exit.DONE

    async def _parts(self) -> AsyncIterator[str]:
        from kage_nvim.cli import page
        from kage_nvim.cli.page_file import section
        from kage_nvim.cli.shown import Colours

        answer = await self.ask("diff", agents=self.given.agents)
        if not answer["files"]:
            raise KageError("nothing to compare: no file was changed", exit=Exit.NOTHING)
        runs = (await self.client.request("status", {"cwd": "", "run": answer["run"]}))["runs"]
        numbers = answer["agents"]
        yield page.head(runs[0], numbers, answer["files"])
        colours, written = Colours(), 0
        for at, file in enumerate(answer["files"]):
            versions = None
            if written < PAGE:
                changers = sorted(map(int, file["agents"]))
                asked = numbers if file["kind"] == "text" else changers
                versions = await self.ask("diff_file", path=file["path"], agents=asked)
            part = section(at, file, versions, colours)
            written += len(part)
            yield part
        yield page.FOOT

    async def _tool(self) -> Exit:
        from kage_nvim.cli import tool

        name, numbers = self.given.tool, list(self.given.agents)
        if name.isdigit():  # `--tool 2` names a candidate, no tool
            name, numbers = "", [int(name), *numbers]
        answer = await self.ask("diff", agents=numbers)
        root = Path(answer["repository"])
        tool.chosen(root, name)
        shown = 0
        for number in answer["agents"]:
            pairs, notes = await self._pairs(answer["files"], number, root)
            for note in notes:
                print(f"candidate {number}: {render.clean(note)}", file=sys.stderr)
            if pairs:
                shown += 1
                tool.show(
                    root, name, pairs, whole=self.given.dir_diff, say=lambda text: print(render.clean(text))
                )
        if not shown:
            raise KageError("nothing to show: your files are as the candidates'", exit=Exit.NOTHING)
        return Exit.DONE

    async def _pairs(
        self, files: list[dict[str, Any]], number: int, root: Path
    ) -> tuple[list[Any], list[str]]:
        """The files of a candidate that yours differ from, and what cannot be shown so."""
        from kage_nvim.cli import tool

        pairs, notes = [], []
        for file in files:
            change = file["agents"].get(str(number))
            if change is None:
                continue
            path = file["path"]
            try:
                mine = tool.mine(root, path)
            except NotADirectoryError:
                mine, file = None, {"kind": "symlink"}
            if file["kind"] in ("symlink", "submodule"):
                notes.append(f"{path} is no plain file; see kage accept {number} {path}")
                continue
            if change["old_path"]:
                notes.append(f"{path} was renamed from {change['old_path']}, which stays as it is")
            answer = await self.ask("diff_file", path=path, agents=[number])
            b64 = answer["versions"][str(number)]["b64"]
            theirs = None if b64 is None else unb64(b64)
            if theirs == mine:
                continue
            if theirs is None:
                notes.append(f"it deletes {path}; an empty file stands for that")
            pairs.append(tool.Pair(path, theirs, change["new_mode"] == "100755"))
        return pairs, notes
