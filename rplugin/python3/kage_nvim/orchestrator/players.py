"""Which players answer in a run, what must be asked before, and how N agents of one model differ."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kage_nvim.config import REPOSITORY_FILE, RepositoryConfig, UserConfig
from kage_nvim.description import Description
from kage_nvim.discover import Found
from kage_nvim.errors import KageError, refused, usage
from kage_nvim.evaluate.results import shown
from kage_nvim.model import ASK_ABOVE, MAX_AGENTS, Player
from kage_nvim.orchestrator import cli_seats, roles
from kage_nvim.orchestrator.roles import Role
from kage_nvim.visible import quoted, visible

DEFAULT_COUNT = 3
"""Agents of a run when neither a count nor players are given."""

ANGLES = (
    "Make the smallest change that fully solves the task.",
    "Begin from the tests: write down what must hold, then make it hold.",
    "Look for the root cause first and mend it where it begins, even if that is elsewhere.",
    "Prefer clarity: the version that the next reader understands fastest.",
    "Prefer robustness: think of odd inputs, errors and edge cases before the usual path.",
    "Prefer speed and low memory, as long as the code stays readable.",
    "Follow the conventions of the surrounding code to the letter; reuse what is there.",
    "Consider two designs, compare them briefly, then carry out the better one.",
    "Prefer the standard library and well-known idioms over code of your own.",
    "Change as few public names and signatures as possible.",
)
"""Given in turn to the agents that share a player, so that their candidates differ."""

_NAME = re.compile(r"[:+]")
_WANTED = re.compile(r"(?P<name>[^:+\s]+)(?::(?P<count>\d{1,4}))?(?:\+(?P<role>[^\s:+]+))?")


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One agent to be: its player, how that is shown, its role (the name, and what it says) and its angle."""

    name: str
    player: Player
    label: str
    cli: Description | None = None
    role: str | None = None
    instructions: str = ""
    angle: str = ""


class Question(msgspec.Struct, frozen=True):
    """Something the user must say yes to; remembered per repository when ``lasting``."""

    id: str
    text: str
    lasting: bool = True


def label(player: Player, cli: Description | None = None) -> str:
    """What answers, as views show it: a recording is always marked as one."""
    if player.recorded:
        return "recorded"
    if player.command:
        return "command"
    return player.model or (cli.model if cli else "")


def seats(
    wanted: Sequence[str], count: int | None, config: UserConfig, found: Sequence[Found], path: str = ""
) -> tuple[list[Seat], list[Found]]:
    """The agents of a run, and those found players among them that the user has not configured.

    ``wanted`` holds words like ``fast:2+security``. Without any, ``defaults.players`` are cycled, else all
    configured players, else the first that was found in the environment. A name that is no configured player
    may be a CLI whose program is on ``path``, the client's PATH.

    Raises:
        KageError: a count out of range, an unknown player, a CLI that is not installed, or no player at all.
    """
    named = {_NAME.split(word.removeprefix("@"))[0] for word in wanted} - config.players.keys()
    clis = [entry for name in sorted(named) if (entry := cli_seats.found(name, config.clis, path))]
    found = [*clis, *(entry for entry in found if entry.name not in {cli.name for cli in clis})]
    known = {entry.name: entry.player for entry in found} | config.players
    chosen: list[tuple[str, str | None]] = []
    for word in wanted:
        chosen += _expand(word, known, config)
    if not wanted:
        first = [entry.name for entry in found[:1]]
        chosen = [(name, None) for name in config.defaults.players or list(config.players) or first]
        count = DEFAULT_COUNT if count is None else count
        if not chosen:
            raise _nobody()
    total = len(chosen) if count is None or not chosen else count
    if not 1 <= total <= MAX_AGENTS:
        raise usage(f"{total} agents were asked for", f"Give a number from 1 to {MAX_AGENTS}.")
    picked = [chosen[i % len(chosen)] for i in range(total)]
    unconfigured = [
        entry for entry in found if entry.name in dict(picked) and entry.name not in config.players
    ]
    return _with_angles(picked, known, config, path), unconfigured


def _with_angles(
    picked: list[tuple[str, str | None]], known: dict[str, Player], config: UserConfig, path: str
) -> list[Seat]:
    clis = {
        name: cli_seats.seated(name, known[name], config.clis, path)
        for name in dict(picked)
        if known[name].cli
    }
    uses: dict[tuple[str, str | None], int] = {}
    made = []
    for name, role in picked:
        player = known[name]
        angle = ""
        if picked.count((name, role)) > 1 and not player.command:  # roles make a difference by themselves
            angle = ANGLES[uses.get((name, role), 0) % len(ANGLES)]
            uses[name, role] = uses.get((name, role), 0) + 1
        cli = clis.get(name)
        shown = label(player, cli)
        made.append(Seat(name=name, player=player, label=shown, cli=cli, role=role, angle=angle))
    return made


def _expand(word: str, known: dict[str, Player], config: UserConfig) -> list[tuple[str, str | None]]:
    match = _WANTED.fullmatch(word.removeprefix("@"))
    if match is None:
        raise usage(f"`{word}` is no player", "Write name, name:2 or name:2+role.")
    name = match["name"]
    if name not in known and name in cli_seats.known(config.clis):
        cli = cli_seats.describe(name, config.clis)
        raise KageError(
            f"the program `{cli.program}` ({cli.title}) is not on PATH",
            fix=f"Install it: {cli.install}. Or start from a shell that has it on PATH.",
            code="no_player",
        )
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise KageError(
            f"there is no player `{name}` (known: {names})",
            fix=f"Add [players.{name}] to config.toml; :help kage-players shows how.",
            code="no_player",
            exit=usage("").exit,
        )
    return [(name, match["role"])] * int(match["count"] or 1)


def in_roles(seated: Sequence[Seat], root: Path) -> tuple[list[Seat], list[Role]]:
    """The seats with what their roles say, and those roles.

    Raises:
        KageError: there is no such role.
    """
    wanted = {seat.role: roles.find(seat.role, root) for seat in seated if seat.role}
    dressed = [
        msgspec.structs.replace(seat, role=wanted[seat.role].name, instructions=wanted[seat.role].text)
        if seat.role
        else seat
        for seat in seated
    ]
    return dressed, list(wanted.values())


def _nobody() -> KageError:
    return KageError(
        "no model was found: no player is configured, no key is in the environment, no local server answers",
        fix=(
            "Do one of three: export a key (such as ANTHROPIC_API_KEY or OPENAI_API_KEY) and start Neovim"
            " from that shell; or start a local server (Ollama, llama.cpp, LM Studio, vLLM); or add a"
            " [players.NAME] table to config.toml (:help kage-players)."
        ),
        code="no_player",
    )


def questions(
    seated: Sequence[Seat],
    unconfigured: Sequence[Found],
    repository: RepositoryConfig,
    root: Path,
    yes: set[str],
    given: Sequence[Role] = (),
) -> list[Question]:
    """What has still to be asked before this run may begin; ``yes`` holds what was answered already.
    ``given`` are the roles that agents get: those that the repository brought need trust."""
    asked = []
    if len(seated) > ASK_ABOVE:
        asked.append(Question(f"count:{len(seated)}", f"Start {len(seated)} agents at once?", lasting=False))
    for entry in unconfigured:
        text = f"Send code of {root.name} to {entry.what}? It was found in your environment, not configured."
        what = entry.player.model or f"cli {entry.player.cli}"
        asked.append(Question(f"found:{entry.name}:{what}", text))
    if trust := trusted(repository, root):
        asked.append(trust)
    for role in given:
        if role.digest:
            shown = f" ({role.description[:80]})" if role.description else ""
            text = f"Trust the role {quoted(role.name)} of {root.name}?{shown}"
            text += f" {role.source} instructs the agents."
            asked.append(Question(f"trust:{role.digest}", text))
    return [question for question in asked if question.id not in yes]


def trusted(repository: RepositoryConfig, root: Path) -> Question | None:
    """Whether the commands of a repository's file may be run: asked once for its content."""
    if not (repository.checks or repository.setup):
        return None
    content = (root / REPOSITORY_FILE).read_bytes()
    told = []
    if repository.setup:
        network = " with network access" if repository.setup.network else ""
        told.append(f"It runs {quoted(shown(repository.setup.command))}{network} in each agent's sandbox.")
    if repository.checks:
        commands = ", ".join(quoted(shown(check.command)) for check in repository.checks.values())
        told.append(f"It runs {commands} in the sandbox, as checks.")
    text = f"Trust {REPOSITORY_FILE} of {root.name}? {' '.join(told)}"
    return Question(f"trust:{hashlib.sha256(content).hexdigest()}", text)


def must_confirm(asked: Sequence[Question]) -> KageError:
    """The refusal that a client turns into questions to the user. What is asked is a line without controls,
    for names and commands in it come from files of others."""
    shown = [{"id": question.id, "text": visible(question.text)} for question in asked]
    listed = "\n".join(f"  {question['text']}" for question in shown)
    return refused(
        f"this has to be confirmed first:\n{listed}",
        fix="Answer yes when asked, or run it in a shell with --yes.",
        code="confirm",
        questions=shown,
    )


def tidy_task(text: str) -> str:
    """A task as it is kept: control characters out (they could drive a terminal), ends trimmed.

    Raises:
        KageError: nothing is left.
    """
    clean = "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f")).strip()
    if not clean:
        raise usage("the task is empty", "Say in a sentence what the agents are to do.")
    return clean
