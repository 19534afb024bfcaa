"""``kage accept --patch``: hunks are shown one after the other and answered, as ``git add -p`` does.

Of several candidates each place is shown with its versions, and the answer is the number of an agent. Whole
files (new, deleted, renamed, binary, links) and changes of mode are questions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kage_nvim.cli import hunks
from kage_nvim.cli.hunks import Question, Version
from kage_nvim.cli.render import count
from kage_nvim.errors import Exit, KageError, usage

HELP = {
    "y": "land this hunk",
    "N": "land the version of agent N",
    "n": "do not land this hunk",
    "q": "quit; do not land this hunk or any of the remaining ones",
    "a": "land this hunk and all later hunks in the file",
    "d": "do not land this hunk or any of the later hunks in the file",
    "g": "select a hunk to go to",
    "/": "search for a hunk matching the given regex",
    "j": "leave this hunk undecided, see next undecided hunk",
    "J": "leave this hunk undecided, see next hunk",
    "k": "leave this hunk undecided, see previous undecided hunk",
    "K": "leave this hunk undecided, see previous hunk",
    "s": "split the current hunk into smaller hunks",
    "?": "print help",
}
MANY = "several versions: answer with an agent's number"

Ask = Callable[[str], Awaitable[str | None]]
Say = Callable[[str], None]


class Stopped(Exception):
    """The user quit in the middle of a file; ``picks`` are what they had chosen of it."""

    def __init__(self, picks: list[dict[str, Any]]) -> None:
        super().__init__()
        self.picks = picks


@dataclass
class Chooser:
    """The questions of one file, what was answered, and where the user is.

    ``ask`` shows a prompt and gives the answer, ``None`` at the end of the input; ``say`` shows text.
    """

    ask: Ask
    say: Say
    colour: bool
    questions: list[Question]
    at: int = 0
    answers: dict[int, Version | None] = field(default_factory=dict)

    async def run(self) -> list[dict[str, Any]]:
        """Ask until all is decided; returns the picks of this file.

        Raises:
            Stopped: the user quit, or the input ended; what they had chosen holds.
        """
        shown = -1
        while len(self.answers) < len(self.questions):
            if shown != self.at:
                self.say(hunks.shown(self.questions[self.at], self.colour))
            shown = self.at
            text = await self.ask(self._prompt())
            if text is None or text == "q":
                break
            if text and await self._answer(text):
                shown = -1
        picks = [
            pick
            for index, version in sorted(self.answers.items())
            if version is not None
            for pick in self.questions[index].picks(version)
        ]
        if len(self.answers) < len(self.questions):
            raise Stopped(picks)
        return picks

    def _prompt(self) -> str:
        question = self.questions[self.at]
        first = (
            ",".join(str(version.agents[0]) for version in question.versions)
            if len(question.versions) > 1
            else "y"
        )
        keys = ",".join([first, "n", "q", "a", "d", *self._moves(), "?"])
        text = f"({self.at + 1}/{len(self.questions)}) {question.asked} [{keys}]? "
        return f"\x1b[1;34m{text}\x1b[m" if self.colour else text

    def _moves(self) -> list[str]:
        """The keys that lead somewhere from here."""
        open_before = any(index not in self.answers for index in range(self.at))
        open_after = any(index not in self.answers for index in range(self.at + 1, len(self.questions)))
        allowed = {
            "j": open_after,
            "J": self.at + 1 < len(self.questions),
            "k": open_before,
            "K": self.at > 0,
            "g": len(self.questions) > 1,
            "/": len(self.questions) > 1,
            "s": len(self.questions[self.at].parts) > 1,
        }
        return [key for key, works in allowed.items() if works]

    async def _answer(self, text: str) -> bool:
        """Take one answer; whether the hunk has to be shown again."""
        question, key = self.questions[self.at], text[0]
        if text.isdigit() or key == "y":
            self._land(question, text)
        elif key == "n":
            self._decide(None)
        elif key in "ad":
            self._rest(land=key == "a")
        elif key in "jJkKgs/" and key not in self._moves():
            self.say("There is nothing there." if key != "s" else "Sorry, cannot split this hunk.")
        elif key in "jJkK":
            self._move(key)
        elif key == "s":
            self.questions[self.at : self.at + 1] = question.split()
            self.answers = {
                i if i < self.at else i + len(question.parts) - 1: v for i, v in self.answers.items()
            }
            self.say(f"Split into {len(question.parts)} hunks.")
            return True
        elif key in "g/":
            await self._go(key, text[1:].strip())
        else:
            self._help(question)
        return False

    def _land(self, question: Question, text: str) -> None:
        if text.isdigit():
            found = [version for version in question.versions if int(text) in version.agents]
            if not found:
                self.say(f"Agent {text} has no version here.")
                return
            self._decide(found[0])
        elif len(question.versions) > 1:
            self.say(f"There are {MANY}.")
        else:
            self._decide(question.versions[0])

    def _decide(self, version: Version | None) -> None:
        self.answers[self.at] = version
        self._next()

    def _next(self) -> None:
        """The next question without an answer, from the beginning again after the last."""
        order = [*range(self.at + 1, len(self.questions)), *range(self.at)]
        self.at = next((index for index in order if index not in self.answers), self.at)

    def _rest(self, *, land: bool) -> None:
        """Answer this and all later questions that have no answer; with several versions they stay open."""
        skipped = 0
        for index in range(self.at, len(self.questions)):
            if index in self.answers and index != self.at:
                continue
            versions = self.questions[index].versions
            if land and len(versions) > 1:
                skipped += 1
            else:
                self.answers[index] = versions[0] if land else None
        if skipped:
            self.say(f"{skipped} left to be decided, with {MANY}.")
        if self.at in self.answers:
            self._next()

    def _move(self, key: str) -> None:
        back = key in "kK"
        order = range(self.at - 1, -1, -1) if back else range(self.at + 1, len(self.questions))
        self.at = next(index for index in order if key in "JK" or index not in self.answers)

    async def _go(self, key: str, text: str) -> None:
        if not text:
            if key == "g":
                for index, question in enumerate(self.questions, 1):
                    mark = "*" if index - 1 in self.answers else " "
                    self.say(f"{mark}{index:>3}: {question.summary}")
            text = (
                await self.ask("go to which hunk? " if key == "g" else "search for regex? ") or ""
            ).strip()
        if key == "g":
            if text.isdigit() and 1 <= int(text) <= len(self.questions):
                self.at = int(text) - 1
            else:
                self.say(f"There are {len(self.questions)} hunks.")
            return
        try:
            wanted = re.compile(text)
        except re.error as error:
            self.say(f"Malformed search regexp {text}: {error}")
            return
        order = [*range(self.at + 1, len(self.questions)), *range(self.at + 1)]
        found = [i for i in order if wanted.search(hunks.shown(self.questions[i], False))]
        if found:
            self.at = found[0]
        else:
            self.say("No hunk matches the given pattern.")

    def _help(self, question: Question) -> None:
        keys = ["y" if len(question.versions) == 1 else "N", "n", "q", "a", "d", *self._moves(), "?"]
        self.say("\n".join(f"{key} - {HELP[key]}" for key in keys))


async def choose(
    ask_kaged: Callable[..., Awaitable[Any]],
    numbers: Sequence[int],
    wanted: Sequence[str],
    ask: Ask,
    say: Say,
    *,
    colour: bool,
    again: bool = False,
) -> tuple[list[dict[str, Any]], str]:
    """All picks of the candidates, and the base that they are picks on. Hunks that the user has already are
    left out, unless they are to be asked about ``again``.

    Raises:
        KageError: a path of ``wanted`` is not changed by them, or the user has everything already (exit 3).
    """
    listed = await ask_kaged("diff", agents=list(numbers), yours=not again)
    picks: list[dict[str, Any]] = []
    left_out = asked = 0
    for entry in hunks.named(listed, wanted):
        seen = {"path": entry["path"], "yours": listed.get("yours", "")}
        questions, had = hunks.questions(entry, await ask_kaged("diff_file", agents=list(numbers), **seen))
        left_out += had
        if not questions:
            continue
        asked += 1
        say(hunks.header(entry, colour))
        try:
            picks += await Chooser(ask, say, colour, questions).run()
        except Stopped as stopped:
            picks += stopped.picks
            break
    if left_out:
        say(f"Not asked about: {count(left_out, 'hunk')} that you have already.")
    if left_out and not asked:
        raise KageError("you have all of it already", code="nothing", exit=Exit.NOTHING)
    return picks, str(listed["base"])


def agents_and_paths(words: Sequence[str]) -> tuple[list[int], list[str]]:
    """The candidates that the first words name (``1 3``, ``1,3``), and the paths after them.

    Raises:
        KageError: the first word names none.
    """
    count = 0
    while count < len(words) and re.fullmatch(r"\d+(,\d+)*,?", words[count]):
        count += 1
    if not count:
        raise usage(f"`{words[0]}` is no candidate", "Name it by its number: kage accept 2 [PATH…].")
    return [int(number) for word in words[:count] for number in word.split(",") if number], list(
        words[count:]
    )
