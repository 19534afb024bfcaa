"""The message of a commit that lands an agent's work: its own last words, the task, and who helped.

The user is author and committer: they asked for the work, read it and answer for it. The trailer names the
player and its model without an address, for none would be anybody's.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from kage_nvim.git import run_git
from kage_nvim.orchestrator import summary
from kage_nvim.orchestrator.runs import Run

WIDTH = 72
TASK = 600
"""Characters of the task that a message quotes."""

_STALE = "Before the last message to it: "
_BULLET = re.compile(r"^(?:[-*+>]|\d+[.)])\s+")
_SENTENCE = re.compile(r"(?<=[\w)`\"'\]]{2})[.!?](?=\s|$)")


def message(run: Run, numbers: Sequence[int], given: str = "") -> str:
    """The message: ``given``, or one written from the agents' summaries; in both cases with trailers."""
    words = [_words(run, number) for number in numbers]
    text = given.strip() or written(run.record.task.text, words)
    return with_trailers(text, [_assisted(run, number) for number in numbers])


def written(task: str, words: Sequence[str]) -> str:
    """A subject of at most 72 characters, what the agents said, wrapped, and the task.

    Of one agent the subject is its own first sentence; of several, whose words differ, it is the task's.
    """
    told = [text for text in words if text]
    source = told[0] if len(told) == 1 == len(words) else task
    subject, whole = _subject(source)
    if source is not task and len(subject.split()) < 3:
        subject = _subject(task)[0]
    parts = [subject]
    for text in told:
        if not (whole and text == source):
            parts.append(wrapped(text))
    if source is not task and (asked := _cleaned(task)):
        cut = asked if len(asked) <= TASK else asked[:TASK].rsplit(" ", 1)[0] + " …"
        parts.append(wrapped(f"The task was: {cut}"))
    return "\n\n".join(parts)


def with_trailers(text: str, trailers: Sequence[str]) -> str:
    """The message with trailers below its own, each of them once."""
    words = [f"--trailer={trailer}" for trailer in dict.fromkeys(trailers)]
    options = ["--no-divider", "--if-exists=addIfDifferent", "--where=end"]
    out = run_git(
        ["interpret-trailers", *options, *words], input=f"{text.rstrip()}\n".encode(errors="replace")
    )
    return out.decode("utf-8", "replace")


def wrapped(text: str) -> str:
    """Text in lines of at most 72 characters; code and tables stay as they are."""
    lines, fenced = [], False
    for each in text.splitlines():
        fence = each.lstrip().startswith("```")
        fenced = fenced != fence
        if fence or fenced or each.startswith(("    ", "\t", "|")):
            lines.append(each.rstrip())
            continue
        found = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", each)
        lines += textwrap.wrap(
            each,
            WIDTH,
            subsequent_indent=" " * len(found[0]) if found else "",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines).strip("\n")


def _subject(text: str) -> tuple[str, bool]:
    """The first sentence of a text that says something, cut at a word where it is too long, and whether that
    is the whole text. Headings, and sentences of a word or two (``Done.``), say nothing."""
    found = [sentence for line in text.splitlines() for sentence in _sentences(line)]
    if not found:
        return "Land an agent's work", not text.strip()
    sentence = next((each for each in found if len(each.split()) > 2), found[0])
    if len(sentence) > WIDTH:
        cut = sentence[: WIDTH - 1]
        return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(",;:") + "…", False
    return sentence, text.strip().rstrip(".!?") == sentence


def _sentences(line: str) -> list[str]:
    """The sentences of a line, without the marks of a list; none of a heading."""
    plain = line.strip()
    if plain.startswith(("#", "```", "|")) or plain.endswith(":"):
        return []
    plain = _BULLET.sub("", plain).replace("**", "").strip("*_ ")
    return [part for part in (each.strip().rstrip(".!?") for each in _SENTENCE.split(plain)) if part]


def _words(run: Run, number: int) -> str:
    """An agent's own account; empty for a candidate that is no agent's."""
    agent = run.agents.get(number)
    if agent is None:
        return ""
    return _cleaned(summary.of_agent(agent).words.removeprefix(_STALE))


def _assisted(run: Run, number: int) -> str:
    """The trailer: ``Assisted-by: fast (openai/gpt-5-mini) via Kage``."""
    agent = run.agents.get(number)
    if agent is None:
        return "Assisted-by: Kage"
    status = agent.record.status
    name = " ".join(_cleaned(status.player).split())
    model = " ".join(_cleaned(status.model).split())
    return f"Assisted-by: {name} ({model}) via Kage" if model else f"Assisted-by: {name} via Kage"


def _cleaned(text: str) -> str:
    """Text without control characters but for line ends and tabs."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f")).strip()
