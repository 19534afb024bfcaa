"""The words of the command line: one subcommand a verb. The help file is held to them by a test."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import NoReturn

from kage_nvim.errors import usage
from kage_nvim.model import STRATEGIES
from kage_nvim.version import __version__


class Parser(argparse.ArgumentParser):
    """argparse that says what was wrong as Kage does: one reason, one fix, exit 2."""

    def error(self, message: str) -> NoReturn:
        """See argparse."""
        raise usage(message, f"See {self.prog} --help; a task that begins with - goes after --.")


Add = Callable[..., argparse.ArgumentParser]
"""Makes the parser of one verb: its name, its help, whether it has ``--json``."""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line as its words say it; paths may stand among options.

    Raises:
        KageError: exit 2.
    """
    top = parser()
    given, rest = top.parse_known_args(words)
    if rest and given.verb == "accept" and not any(word.startswith("-") for word in rest):
        given.words += rest
    elif rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def parser() -> argparse.ArgumentParser:
    """The command line, one subcommand a verb."""
    top = Parser(prog="kage", description="Conduct AI coding agents from a shell.")
    top.add_argument("--version", action="version", version=f"kage {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)

    def add(name: str, help: str, *, json_too: bool = False) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=help, description=help, allow_abbrev=False)
        if name not in ("spawn", "role", "stats", "estimate"):
            verb.add_argument(
                "--run", type=_word, metavar="ID", help="the run (default: the newest of this repository)"
            )
        if json_too:
            verb.add_argument("--json", action="store_true", help="machine-readable answer")
        return verb

    _spawn_arguments(add("spawn", "start agents on a task", json_too=True))
    _watching(add)
    _steering(add)
    _comparing(add)
    _reviewing(add)
    _combining(add)
    _landing(add)
    _explaining(add)
    return top


def _word(text: str) -> str:
    """An option's word; an empty one is a variable that was not set, mostly, and means nothing."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a word, found none")
    return text


def _usd(text: str) -> float:
    """An amount above 0; what is no number is null on its way to kaged, and would limit nothing."""
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = 0.0
    if not 0 < amount < math.inf:
        raise argparse.ArgumentTypeError(f"expected US dollars above 0, as in 0.50, found {text!r}")
    return amount


def _checked(text: str) -> int | str:
    """A candidate's number, or ``all``."""
    if text != "all" and not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a candidate's number or all, found {text!r}")
    return text if text == "all" else int(text)


def _accept_arguments(accept: argparse.ArgumentParser) -> None:
    accept.add_argument("words", nargs="+", metavar="N|PATH", help="candidates, then files of theirs")
    accept.add_argument("-p", "--patch", action="store_true", help="choose hunks, as git add -p does")
    accept.add_argument("--force", action="store_true", help="write conflict markers instead of refusing")
    accept.add_argument("--commit", action="store_true", help="commit what is landed, and nothing else")
    accept.add_argument("-m", "--message", metavar="TEXT", help="the commit's message")
    accept.add_argument("--branch", metavar="NAME", help="onto a branch; your files stay")
    how = accept.add_mutually_exclusive_group()
    for word, help in (
        ("merge", "as a merge commit"),
        ("rebase", "as a commit for each candidate"),
        ("squash", "as one commit"),
    ):
        how.add_argument(f"--{word}", dest="how", action="store_const", const=word, default="", help=help)


def _watching(add: Add) -> None:
    """How agents are doing."""
    status = add("status", "show runs and agents", json_too=True)
    status.add_argument("--all", action="store_true", help="of all repositories")
    wait = add("wait", "wait until the agents have ended", json_too=True)
    wait.add_argument("--any", action="store_true", help="until the first has ended")
    wait.add_argument("--timeout", type=float, metavar="S", help="give up after S seconds (exit 124)")
    log = add("log", "show an agent's log, or what left the machine", json_too=True)
    log.add_argument("agent", type=int, nargs="?", metavar="N", help="which agent (--outgoing: default all)")
    log.add_argument("-f", "--follow", action="store_true", help="go on until the agent has ended")
    log.add_argument("--outgoing", action="store_true", help="what was sent to models, and where to")
    log.add_argument("--full", action="store_true", help="with --outgoing: every message as it was sent")


def _steering(add: Add) -> None:
    """What is said to agents, and where they are seen."""
    send = add("send", "say something to an agent at work or idle")
    send.add_argument("words", nargs="+", metavar="N|all TEXT", help="the agents (2, or 2,3), then the text")
    task = add("task", "show the task of the run, or change it for all its agents")
    task.add_argument("text", nargs="*", metavar="TEXT", help="the new task; - reads it from stdin")
    for name, help in (
        ("interrupt", "stop what agents are doing; they wait for what is said next"),
        ("stop", "end agents; their work is kept as candidates"),
        ("resume", "start ended agents again from their logs"),
    ):
        add(name, help).add_argument("words", nargs="+", metavar="N|all")
    restart = add("restart", "start agents again from the base")
    restart.add_argument("words", nargs="+", metavar="N|all [TASK]", help="the agents, then a new task")
    repair = add("repair", "send agents the failures of their candidates, to be mended")
    repair.add_argument("words", nargs="+", metavar="N|all")
    repair.add_argument("--yes", action="store_true", help="answer yes to what would be asked")
    summary = add("summary", "what agents did, from their logs", json_too=True)
    summary.add_argument("words", nargs="*", metavar="N")
    role = add("role", "the roles that agents can be given", json_too=True)
    role.add_argument("action", choices=("list", "show", "add", "remove"))
    role.add_argument("names", nargs="*", metavar="NAME|URL", help="a role; add: URL[#REVISION] [NAME…]")
    role.add_argument("--yes", action="store_true", help="with add: trust what is shown")
    add("attach", "show the agents' panes in this terminal")
    add("focus", "bring an agent's pane to the front").add_argument("agent", type=int, metavar="N")
    add("hide", "put the agents' panes away, or back")


def _comparing(add: Add) -> None:
    """Candidates beside each other, and what they are worth."""
    diff = add("diff", "show what candidates change")
    diff.add_argument(
        "agents",
        type=int,
        nargs="*",
        metavar="N",
        help="candidates; two: from the first to the other",
    )
    form = diff.add_mutually_exclusive_group()
    form.add_argument(
        "--patch", dest="form", action="store_const", const="patch", help="as a patch for git apply"
    )
    form.add_argument("--stat", dest="form", action="store_const", const="stat", help="as a table (default)")
    form.add_argument(
        "--html", type=_word, metavar="FILE", help="all versions side by side as one page; - is stdout"
    )
    form.add_argument(
        "--tool",
        nargs="?",
        const="",
        metavar="NAME",
        help="in a difftool, against your files (default: git's diff.tool)",
    )
    diff.add_argument("--dir-diff", action="store_true", help="with --tool: all files at once")
    contrast = add("contrast", "how the approaches of candidates differ, as a table", json_too=True)
    contrast.add_argument("agents", type=int, nargs="*", metavar="N", help="which (default: all)")
    add("parts", "the parts of the run's task, their union, and where they clash", json_too=True)
    check = add("check", "run the project's checks on a candidate, or on your working tree", json_too=True)
    check.add_argument(
        "agent", type=_checked, nargs="?", metavar="N|all", help="a candidate (default: what you have)"
    )
    check.add_argument("--yes", action="store_true", help="answer yes to what would be asked")
    judge = add(
        "judge", "rank the candidates, by evidence and by a judge where one is configured", json_too=True
    )
    judge.add_argument("--yes", action="store_true", help="answer yes to what would be asked")


def _reviewing(add: Add) -> None:
    """A change as reviewers see it."""
    review = add("review", "have a change read by reviewers", json_too=True)
    review.add_argument(
        "base",
        nargs="?",
        metavar="BASE",
        help="what to compare with, or a range A..B, a pull request's head, a candidate (2, or RUN:2)",
    )
    review.add_argument("--head", type=_word, metavar="REV", help="review this instead of what you have")
    review.add_argument("--role", action="append", default=[], type=_word, help="who reviews (repeatable)")
    review.add_argument("--player", action="append", default=[], type=_word, help="who plays them")
    review.add_argument("--all", action="store_true", help="also what was refuted or dismissed")
    review.add_argument("--sarif", nargs="?", const="-", metavar="FILE", help="as SARIF (default: stdout)")
    review.add_argument(
        "--fail-on",
        choices=("error", "warning", "info", "hint", "never"),
        default="error",
        help="exit 1 when something as bad as this is found",
    )
    review.add_argument("--last", action="store_true", help="show the newest review again")
    review.add_argument("--show", type=_word, metavar="ID", help="show an earlier one again")
    review.add_argument("--yes", action="store_true", help="answer yes to what would be asked")


def _combining(add: Add) -> None:
    """One candidate out of several."""
    compose = add("compose", "put the candidates' hunks together so that most checks pass", json_too=True)
    compose.add_argument("agents", type=int, nargs="*", metavar="N", help="candidates (default: all)")
    compose.add_argument("--seconds", type=float, metavar="S", help="search so long at most (default 50)")
    compose.add_argument("--yes", action="store_true", help="answer yes to what would be asked")
    synth = add("synth", "have one more agent improve the winner by what the others made", json_too=True)
    synth.add_argument("agent", type=int, nargs="?", metavar="N", help="the candidate (default: the winner)")
    synth.add_argument("--player", type=_word, metavar="P[+role]", help="who answers (default: the winner's)")
    synth.add_argument("--hidden", action="store_true", help="its pane in a hidden session")
    synth.add_argument("--wait", action="store_true", help="until it is known what came of it")
    synth.add_argument("--yes", action="store_true", help="answer yes to what would be asked")


def _landing(add: Add) -> None:
    """Candidates into the user's files, and out again."""
    _accept_arguments(add("accept", "land candidates in your working tree, or as commits", json_too=True))
    undo = add("undo", "take the newest landings back", json_too=True)
    undo.add_argument("count", type=int, nargs="?", default=1, metavar="N", help="how many (default 1)")
    add("history", "list landings", json_too=True)
    clean = add("clean", "free slots and panes; content is kept in the trash for 30 days", json_too=True)
    clean.add_argument("--all", action="store_true", help="all runs of this repository")


def _explaining(add: Add) -> None:
    """Why, how much, what is missing."""
    explain = add("explain", "say why an agent is in its state, or try a CLI's rules", json_too=True)
    explain.add_argument("agent", type=int, metavar="N", nargs="?")
    explain.add_argument("--cli", metavar="NAME", help="judge a recording by the rules of this CLI")
    recording = explain.add_mutually_exclusive_group()
    recording.add_argument("--events", metavar="FILE", help="what it printed, or its session file")
    recording.add_argument("--screen", metavar="FILE", help="its pane, as tmux capture-pane -p (-e) gives it")
    explain.add_argument("--title", default="", help="the pane's title, with --screen")
    stats = add("stats", "what each player was worth so far", json_too=True)
    stats.add_argument("--all", action="store_true", help="in all repositories")
    estimate = add("estimate", "what a run will take, by runs like it", json_too=True)
    estimate.add_argument("-n", dest="count", type=int, metavar="N", help="how many agents (1 to 50)")
    estimate.add_argument("--player", action="append", default=[], metavar="P[:n][+role]", help="who answers")
    estimate.add_argument("--file", type=_word, metavar="PATH", help="a file of the language in question")
    estimate.add_argument("--strategy", choices=STRATEGIES, metavar="S", help="how its agents are spent")
    estimate.add_argument("--until", choices=("green",), help="as of a spawn")
    add("cost", "tokens and money: this run, today, by player", json_too=True)
    add("doctor", "check what Kage needs", json_too=True)


def _spawn_arguments(spawn: argparse.ArgumentParser) -> None:
    spawn.add_argument("-n", dest="count", type=int, metavar="N", help="how many agents (1 to 50)")
    spawn.add_argument("--player", action="append", default=[], metavar="P[:n][+role]", help="who answers")
    spawn.add_argument(
        "--variant", action="append", default=[], metavar="TEXT", help="more, for agent 1, 2, …"
    )
    spawn.add_argument(
        "--file", action="append", default=[], metavar="PATH", help="a file the agents should read"
    )
    spawn.add_argument("--on", metavar="CANDIDATE", help="go on from candidate N, or RUN:N")
    spawn.add_argument("--record", type=_word, metavar="FILE", help="write the model traffic to a new file")
    _course_arguments(spawn)
    spawn.add_argument("--hidden", action="store_true", help="panes in a hidden session")
    spawn.add_argument("--yes", action="store_true", help="answer yes to what would be asked")
    spawn.add_argument("task", nargs="*", metavar="TASK", help="what to do; - reads it from stdin")


def _course_arguments(spawn: argparse.ArgumentParser) -> None:
    """What follows in the run by itself; kaged says what of it cannot be."""
    spawn.add_argument(
        "--strategy", type=_word, metavar="S", help=f"how agents are spent: {', '.join(STRATEGIES)}"
    )
    spawn.add_argument("--until", choices=("green",), help="go on until a candidate's checks are all green")
    spawn.add_argument("--budget", type=_usd, metavar="USD", help="what the run may cost in US dollars")
    spawn.add_argument("--retry", type=int, metavar="N", help="turns to mend what checks complain of")
    spawn.add_argument("--auto-accept", choices=("green",), help="land the winner if all is green")
    spawn.add_argument(
        "--part", action="append", default=[], metavar="TEXT", help="a subtask, for agent 1, 2, …"
    )
    spawn.add_argument(
        "--parts", action="store_true", help="a subtask for each agent, proposed by a planner if not given"
    )
    spawn.add_argument("--proposals", action="store_true", help="a Markdown document each, and no code yet")
    spawn.add_argument("--document", type=_word, metavar="FILE", help="--proposals, written to this file")
