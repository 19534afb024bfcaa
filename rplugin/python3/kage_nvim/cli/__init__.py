"""``kage``: every verb without the editor. Results on stdout, reasons on stderr, the exit code tells."""

from __future__ import annotations

import argparse
import asyncio
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence

from kage_nvim import paths
from kage_nvim.cli import render, spawning
from kage_nvim.cli.arguments import parse
from kage_nvim.cli.asking import typed
from kage_nvim.cli.checking import Checking
from kage_nvim.cli.combining import Combining
from kage_nvim.cli.comparing import Comparing
from kage_nvim.cli.dividing import Dividing
from kage_nvim.cli.judging import Judging
from kage_nvim.cli.landing import Landing
from kage_nvim.cli.reviewing import Reviewing
from kage_nvim.cli.roles import Roles
from kage_nvim.cli.spending import Spending
from kage_nvim.cli.trial import tried
from kage_nvim.cli.words import here, split
from kage_nvim.client import Client
from kage_nvim.errors import Exit, KageError, usage


class Commands(Checking, Combining, Comparing, Dividing, Judging, Landing, Reviewing, Roles, Spending):
    """Every verb, by its name."""

    async def spawn(self) -> Exit:
        """See parser()."""
        answer = await spawning.spawn(self.ask, self.given)
        self.show(answer, f"run {answer['run']}\n{render.agents(answer['agents'])}")
        return Exit.DONE

    async def status(self) -> Exit:
        """See parser()."""
        answer = await self.ask("status", all=self.given.all)
        self.show(answer, render.status(answer))
        return Exit.DONE

    async def wait(self) -> Exit:
        """See parser()."""
        answer = await self.ask("wait", any=self.given.any, timeout=self.given.timeout)
        self.show(answer, render.agents(answer["agents"]))
        failed = [agent["number"] for agent in answer["agents"] if agent["state"] == "failed"]
        return Exit.AGENT_FAILED if failed else Exit.DONE

    async def log(self) -> Exit:
        """See parser()."""
        if self.given.outgoing:
            return await self._outgoing()
        if self.given.agent is None:
            raise usage("log shows one agent", "Name it: kage log N; kage log --outgoing is of all.")
        if self.given.json:
            raise usage(
                "--json is for --outgoing",
                "An agent's log is JSON lines, see :help kage-files.",
            )
        after = 0
        while True:
            answer = await self.ask("log", agent=self.given.agent, after=after)
            for event in answer["events"]:
                for line in render.event(event):
                    print(line, flush=True)
            moved, after = answer["next"] > after, answer["next"]
            if moved:
                continue
            if not self.given.follow or await self._ended():
                return Exit.DONE
            await asyncio.sleep(0.1)

    async def _outgoing(self) -> Exit:
        answer = await self.ask("outgoing", agent=self.given.agent, full=self.given.full)
        self.show(answer["calls"], render.outgoing(answer["calls"]))
        return Exit.DONE

    async def _ended(self) -> bool:
        runs = (await self.ask("status"))["runs"]
        states = [
            agent["state"]
            for run in runs[:1]
            for agent in run["agents"]
            if agent["number"] == self.given.agent
        ]
        return bool(states) and states[0] in ("done", "failed", "stopped", "interrupted")

    async def _tell(self, method: str, word: str) -> Exit:
        """Tell the agents that the first words name something; what follows them is text."""
        words = self.given.words
        which, text = split(words)
        if method == "send" and not text and len(words) > 1:  # an answer that is a number
            which, text = split(words[:-1])[0], words[-1]
        if method == "send" and not text:
            raise usage("there is nothing to say", "Write kage send N TEXT.")
        if text and method not in ("send", "restart"):
            raise usage(f"`{text}` is no agent", "Give numbers (2, or 2,3), or all.")
        answer = await self.ask(method, agent=which, **({"text": text} if text else {}))
        numbers = ", ".join(map(str, answer["agents"]))
        print(f"{word} agent {numbers}" if numbers else "nobody was there to hear it")
        if missed := ",".join(map(str, answer.get("missed", []))):
            print(f"not told: agent {missed}, whose process ended; kage resume {missed}", file=sys.stderr)
        return Exit.DONE

    async def send(self) -> Exit:
        """See parser()."""
        return await self._tell("send", "told")

    async def task(self) -> Exit:
        """See parser()."""
        text = " ".join(self.given.text)
        if self.given.text == ["-"]:
            text = typed(whole=True)
        if self.given.text and not text.strip():
            raise usage("the task is empty", "Say in a sentence what the agents are to do.")
        answer = await self.ask("task", text=text)
        print(render.task(answer) if text else answer["task"])
        return Exit.DONE

    async def summary(self) -> Exit:
        """See parser()."""
        which, text = split(self.given.words or ["all"])
        if text:
            raise usage(f"`{text}` is no agent", "Give numbers (2, or 2,3), or none for all.")
        answer = await self.ask("summary", agent=which)
        self.show(answer, render.summary(answer))
        return Exit.DONE

    async def interrupt(self) -> Exit:
        """See parser()."""
        return await self._tell("interrupt", "interrupted")

    async def stop(self) -> Exit:
        """See parser()."""
        return await self._tell("stop", "stopped")

    async def resume(self) -> Exit:
        """See parser()."""
        return await self._tell("resume", "resumed")

    async def restart(self) -> Exit:
        """See parser()."""
        return await self._tell("restart", "restarted")

    async def attach(self) -> Exit:
        """See parser()."""
        answer = await self.ask("attach")
        argv: list[str] = answer["argv"]
        os.execvp(argv[0], argv)

    async def focus(self) -> Exit:
        """See parser()."""
        answer = await self.ask("focus", agent=self.given.agent)
        print(f"pane {answer['pane']}")
        return Exit.DONE

    async def hide(self) -> Exit:
        """See parser()."""
        answer = await self.ask("hide")
        print("hidden; kage hide again brings them back" if answer["hidden"] else "shown")
        return Exit.DONE

    async def clean(self) -> Exit:
        """See parser()."""
        answer = await self.ask("clean", all=self.given.all)
        self.show(
            answer, f"cleaned {', '.join(answer['runs'])}; {len(answer['trash'])} refs kept in the trash"
        )
        return Exit.DONE

    async def explain(self) -> Exit:
        """See parser()."""
        if self.given.agent is None:
            raise usage("explain needs an agent, or --cli", "Say `kage explain 2`, or see --help.")
        answer = await self.ask("explain", agent=self.given.agent)
        self.show(answer, "\n".join(render.clean(line) for line in answer["lines"]))
        return Exit.DONE

    async def cost(self) -> Exit:
        """See parser()."""
        answer = await self.ask("cost")
        self.show(answer, render.cost(answer))
        return Exit.DONE

    async def doctor(self) -> Exit:
        """See parser()."""
        checks = (await self.ask("doctor"))["checks"]
        self.show({"checks": checks}, render.checks(checks))
        return Exit.DONE if all(check["ok"] for check in checks) else Exit.ERROR


READING = (
    *("status", "wait", "log", "diff", "contrast", "parts", "history", "explain"),
    *("cost", "doctor", "summary", "role", "stats", "estimate"),
)
"""Verbs that change nothing, so that they are asked again when kaged was killed under them."""


async def _run(given: argparse.Namespace) -> Exit:
    if given.verb == "explain" and given.cli:
        return tried(given)
    for last in (False, True):
        client = Client()
        await client.open("cli", here())
        try:
            result: Exit = await getattr(Commands(client, given), given.verb)()
            return result
        except ConnectionError:
            if last or given.verb not in READING:
                raise
        finally:
            await client.close()
    raise AssertionError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    # Words are bytes that need not be UTF-8, and a terminal need not show all that is.
    words = [
        os.fsencode(word).decode("utf-8", "replace") for word in (sys.argv[1:] if argv is None else argv)
    ]
    _stand_in()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        done = int(asyncio.run(_run(parse(words))))
        sys.stdout.flush()
        return done
    except KageError as error:
        for line in [*f"kage: {error.message}".splitlines(), *error.fix.splitlines()]:
            print(render.clean(line), file=sys.stderr)
        return int(error.exit)
    except BrokenPipeError:
        _give_up_stdout()
        return int(Exit.DONE)
    except ConnectionError as error:
        print(f"kage: {error}\nTry again; kage doctor says how things stand.", file=sys.stderr)
        return int(Exit.ERROR)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            return _surprised(error)
        print(f"kage: the answer could not be written: {error.strerror}", file=sys.stderr)
        _give_up_stdout()
        return int(Exit.ERROR)
    except Exception as error:
        return _surprised(error)


def _stand_in() -> None:
    """Open /dev/null where stdin, stdout or stderr is closed: else the next file would get its number."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _give_up_stdout() -> None:
    """What is still to be written has nowhere to go; Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _surprised(error: Exception) -> int:
    """An error that nobody foresaw: said in a line, kept whole in a file."""
    print(render.clean(f"kage: failed unexpectedly: {type(error).__name__}: {error}"), file=sys.stderr)
    try:
        with (paths.state() / "cli.log").open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        print(f"The details are in {log.name}.", file=sys.stderr)
    except OSError:
        print("Kage's state folder (XDG_STATE_HOME) must be one that you can write to.", file=sys.stderr)
    return int(Exit.ERROR)
