"""What the user configured: ``config.toml`` of the user and ``.kage.toml`` of a repository."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec

from kage_nvim import paths, toml_file
from kage_nvim.description import Description
from kage_nvim.model import Player
from kage_nvim.toml_file import bad
from kage_nvim.visible import quoted, visible

REPOSITORY_FILE = ".kage.toml"
FORMATS: tuple[str, ...] = (
    *("junit", "sarif", "pytest", "go", "cargo", "ctest", "doctest", "unittest", "tap"),
    *("hyperfine", "pytest-benchmark", "go-bench"),
)
"""What results of checks are written in."""
GROUPS = ("passed", "failed", "total", "path", "test", "value")
"""Groups of a check's ``pattern``, one of which it needs; ``line``, ``text``, ``state``, ``unit`` and
``name`` say more of them."""
REVIEWERS = ("security", "performance", "correctness", "style", "tests", "api")
"""The roles of a review when none are named."""


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[budget]``: US dollars and tokens that one agent, one run and one day may spend; ``None`` sets no
    limit."""

    agent_usd: float | None = None
    run_usd: float | None = None
    day_usd: float | None = None
    agent_tokens: int | None = None
    run_tokens: int | None = None
    day_tokens: int | None = None


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[privacy]``: which providers may be sent anything (``None``: all; ``"local"``: this machine's own
    addresses), and whether secrets are replaced on their way out: those of known formats, and, with
    ``entropy``, whatever looks random."""

    allow: list[str] | None = None
    secrets: Literal["replace", "send"] | None = None
    entropy: bool = False


class ProviderLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[providers.NAME]``: the calls that all agents together may have under way at one provider."""

    concurrency: int


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[defaults]``: the players cycled over the agents of a run, and limits and strategy when nothing else
    is said. ``round_seconds`` is the length of a tournament's first round."""

    players: list[str] = []
    agent_usd: float | None = None
    run_usd: float | None = None
    day_usd: float | None = None
    agent_tokens: int | None = None
    run_tokens: int | None = None
    day_tokens: int | None = None
    unmetered: Literal["refuse", "allow"] = "refuse"
    steps: int = 100
    seconds: float = 3600.0
    command_seconds: float = 120.0
    strategy: str = "all"
    round_seconds: float = 120.0


class Judge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[judge]``: the player that compares candidates at the end of each run, and what that may cost in US
    dollars, and take in seconds; without a player the ranking stands on evidence alone. ``auto = false``:
    only when asked."""

    player: str | None = None
    run_usd: float | None = None
    run_tokens: int | None = None
    timeout: float = 600.0
    auto: bool = True


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[review]``: the players and roles that review a change, each role by the next player, those who
    are to refute what was found (none: the reviewers each other), what one review may cost in US dollars,
    and the seconds that each reviewer has, and each who refutes."""

    players: list[str] = []
    refuters: list[str] = []
    roles: list[str] = msgspec.field(default_factory=lambda: list(REVIEWERS))
    run_usd: float | None = None
    run_tokens: int | None = None
    timeout: float = 1200.0


class UserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config.toml``."""

    sandbox: str = "on"
    players: dict[str, Player] = {}
    defaults: Defaults = Defaults()
    privacy: Privacy = Privacy()
    providers: dict[str, ProviderLimit] = {}
    clis: dict[str, Description] = {}
    judge: Judge = Judge()
    review: Review = Review()


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[setup]``: a command run in each slot before its agent starts; list = argv, string = ``sh -c``."""

    command: str | list[str]
    network: bool = False
    timeout: float = 600.0


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[checks.NAME]``: a command of the project that can be run on a tree.

    ``kind`` says what it looks at (empty: taken from name and command), ``weight`` how much it counts,
    ``required`` whether a candidate must pass it (``None``: all but benchmarks). ``report`` is a file that
    the command writes, ``format`` what it or the output is written in (empty: found by looking), ``pattern``
    a regular expression for what no format knows. ``better`` says which way a benchmark's number improves,
    ``retry`` how many turns an agent gets to mend what fails.
    """

    command: str | list[str]
    timeout: float = 600.0
    kind: Literal["", "test", "lint", "type", "bench", "custom"] = ""
    weight: float = 1.0
    required: bool | None = None
    report: str = ""
    format: str = ""
    pattern: str = ""
    better: Literal["lower", "higher"] = "lower"
    retry: int = 0


class Tests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[tests]``: whether the base's tests are laid over what a candidate is checked with, and weakened ones
    named; ``files`` are globs of files that are tests, or belong to them, beside those known by name."""

    overlay: bool = True
    files: list[str] = []


class RepositoryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``.kage.toml``."""

    setup: Setup | None = None
    checks: dict[str, Check] = {}
    tests: Tests = Tests()
    budget: Budget = Budget()
    privacy: Privacy = Privacy()


def load_user(path: Path | None = None) -> UserConfig:
    """The user's configuration, or the defaults when the file is absent.

    Raises:
        KageError: the file is not TOML, or a key is unknown or of the wrong type; the message names the
            key, what was expected and what was found.
    """
    path = path or paths.config_file()
    config = toml_file.load(path, UserConfig, _titled)
    if config.sandbox not in ("on", "off"):
        raise bad(path, f'`sandbox`: expected "on" or "off", found "{config.sandbox}"')
    for name, player in config.players.items():
        if player.cli and player.command:
            raise bad(path, f"`players.{name}`: expected one of cli and command, found both")
        if (player.expose or player.mode != "oneshot") and not player.cli:
            raise bad(path, f"`players.{name}`: expose and mode are for players with a cli")
        if player.permissions == "ask" and player.mode == "oneshot":
            raise bad(path, f'`players.{name}.permissions`: "ask" needs mode = "interactive" or "acp"')
        kinds = [k for k in ("model", "command", "recorded") if getattr(player, k)]
        if player.cli is None and len(kinds) != 1:
            found = " and ".join(kinds) or "none of them"
            raise bad(
                path, f"`players.{name}`: expected one of model, cli, command or recorded, found {found}"
            )
    for name, player in config.players.items():
        _check_fallbacks(path, config, name, player)
    for name, limit in config.providers.items():
        if limit.concurrency < 1:
            raise bad(path, f"`providers.{name}.concurrency`: expected at least 1, found {limit.concurrency}")
    for name, seconds in (("judge", config.judge.timeout), ("review", config.review.timeout)):
        if not 0 < seconds < math.inf:
            raise bad(path, f"`{name}.timeout`: expected seconds above 0, found {seconds:g}")
    for name in config.defaults.players:
        if name not in config.players:
            known = ", ".join(sorted(config.players)) or "none"
            raise bad(path, f"`defaults.players` names `{name}`, which is no player (known: {known})")
    return config


def _check_fallbacks(path: Path, config: UserConfig, name: str, player: Player) -> None:
    """Each fallback is a player with a model or a recording, and none leads back to its own player."""
    reached, waiting = {name}, [(name, other) for other in player.fallback]
    while waiting:
        via, other = waiting.pop()
        where = f"`players.{via}.fallback` names `{other}`"
        if other == name:
            raise bad(path, f"{where}, which leads in a circle back to `{name}`")
        if other not in config.players:
            known = ", ".join(sorted(config.players))
            raise bad(path, f"{where}, which is no player (known: {known})")
        found = config.players[other]
        if found.cli or not (found.model or found.recorded):
            raise bad(path, f"{where}, which has no model to answer with")
        if other not in reached:
            reached.add(other)
            waiting += [(other, further) for further in found.fallback]
    if player.fallback and (player.command or player.own_login):
        raise bad(path, f"`players.{name}.fallback`: its calls do not go through Kage, so nobody can step in")


def load_repository(root: Path) -> RepositoryConfig:
    """The ``.kage.toml`` at the root of the user's own working tree (never a candidate's).

    Raises:
        KageError: as ``load_user``; also a command without a word, a timeout or a weight that is none, a
            pattern that is no regular expression, a report outside the repository, or the name of a check
            that cannot be shown.
    """
    path = root / REPOSITORY_FILE
    config = toml_file.load(path, RepositoryConfig)
    commands: dict[str, Setup | Check] = {f"checks.{name}": check for name, check in config.checks.items()}
    if config.setup:
        commands["setup"] = config.setup
    for name, entry in commands.items():
        shown = visible(name)
        if shown != name or not name.removeprefix("checks.").strip():
            raise bad(path, f"`{shown}`: expected a name without control characters")
        words = [entry.command] if isinstance(entry.command, str) else entry.command
        if not (words and words[0].strip()) or any("\0" in word for word in words):
            raise bad(path, f"`{name}.command`: expected a command, found {visible(repr(entry.command))}")
        if not 0 < entry.timeout < math.inf:
            raise bad(path, f"`{name}.timeout`: expected seconds above 0, found {entry.timeout:g}")
    for name, check in config.checks.items():
        _check_reading(path, f"checks.{name}", check)
    return config


def _check_reading(path: Path, name: str, check: Check) -> None:
    """What a check says of how its results are read and how they count."""
    if not 0 <= check.weight < math.inf:
        raise bad(path, f"`{name}.weight`: expected a number from 0 on, found {check.weight:g}")
    if check.retry < 0:
        raise bad(path, f"`{name}.retry`: expected a number of turns from 0 on, found {check.retry}")
    if check.format and check.format not in FORMATS:
        known = ", ".join(FORMATS)
        raise bad(path, f"`{name}.format`: expected one of {known}, found {quoted(check.format)}")
    report = PurePosixPath(check.report)
    inside = not report.is_absolute() and ".." not in report.parts and report.parts != (".git",)
    if check.report and (not inside or not report.parts or visible(check.report) != check.report):
        what = "expected a path below the repository's root"
        raise bad(path, f"`{name}.report`: {what}, found {quoted(check.report)}")
    if not check.pattern:
        return
    import regex

    try:
        regex.compile(check.pattern)
    except regex.error as error:
        raise bad(
            path, f"`{name}.pattern`: expected a regular expression, found {quoted(check.pattern)}: {error}"
        ) from None
    groups = set(regex.compile(check.pattern).groupindex)
    if not groups & set(GROUPS):
        known = ", ".join(GROUPS)
        raise bad(
            path, f"`{name}.pattern`: expected a group named one of {known}, found {quoted(check.pattern)}"
        )


def _titled(raw: dict[str, Any]) -> None:
    """A CLI's table has its name, which is its title, too, when it has no other."""
    for name, cli in raw.get("clis", {}).items() if isinstance(raw.get("clis"), dict) else []:
        if isinstance(cli, dict):
            cli |= {"name": name, "title": cli.get("title", name)}
