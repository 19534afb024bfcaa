"""Who plays in a run, what is asked first, and what a task may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.config import Defaults, RepositoryConfig, Setup, UserConfig
from kage_nvim.discover import Found
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import Player
from kage_nvim.orchestrator import players

FAST = Player(model="openai/fast")
SLOW = Player(model="openai/slow")
USER = UserConfig(players={"fast": FAST, "slow": SLOW}, defaults=Defaults(players=["fast"]))
ENVIRONMENT = Found(
    name="claude", player=Player(model="anthropic/claude"), what="Claude by ANTHROPIC_API_KEY"
)


def names(wanted: list[str], count: int | None, user: UserConfig = USER) -> list[str]:
    """The names and roles of the seats."""
    seats, _ = players.seats(wanted, count, user, [])
    return [seat.name + (f"+{seat.role}" if seat.role else "") for seat in seats]


@pytest.mark.parametrize(
    ("wanted", "count", "expected"),
    [
        ([], 3, ["fast", "fast", "fast"]),
        ([], None, ["fast"] * players.DEFAULT_COUNT),
        (["slow"], None, ["slow"]),
        (["@slow:2", "fast+security"], None, ["slow", "slow", "fast+security"]),
        (["slow", "fast"], 3, ["slow", "fast", "slow"]),
        (["slow:4"], 2, ["slow", "slow"]),
    ],
)
def test_seats(wanted: list[str], count: int | None, expected: list[str]) -> None:
    assert names(wanted, count) == expected


def test_without_defaults_all_configured_players_take_turns() -> None:
    assert names([], 3, UserConfig(players={"fast": FAST, "slow": SLOW})) == ["fast", "slow", "fast"]


def test_agents_of_one_player_get_different_angles_and_a_single_one_gets_none() -> None:
    seats, _ = players.seats(["fast:3", "slow"], None, USER, [])
    assert len({seat.angle for seat in seats[:3]}) == 3
    assert all(seat.angle for seat in seats[:3])
    assert seats[3].angle == ""


@pytest.mark.parametrize(
    ("wanted", "count", "code", "says"),
    [
        ([], 0, Exit.USAGE, "0 agents"),
        ([], 51, Exit.USAGE, "51 agents"),
        (["nobody"], None, Exit.USAGE, "known: fast, slow"),
        (["fast:x"], None, Exit.USAGE, "`fast:x` is no player"),
        (["fast:0"], None, Exit.USAGE, "0 agents"),
    ],
)
def test_what_cannot_be_seated_is_named(wanted: list[str], count: int | None, code: Exit, says: str) -> None:
    with pytest.raises(KageError, match=says) as caught:
        players.seats(wanted, count, USER, [])
    assert caught.value.exit == code
    assert caught.value.fix


def test_found_players_serve_when_none_is_configured_and_are_asked_about(tmp_path: Path) -> None:
    seats, unconfigured = players.seats([], 2, UserConfig(), [ENVIRONMENT])
    assert [seat.name for seat in seats] == ["claude", "claude"]
    asked = players.questions(seats, unconfigured, RepositoryConfig(), tmp_path, set())
    assert "ANTHROPIC_API_KEY" in asked[0].text
    assert players.questions(seats, unconfigured, RepositoryConfig(), tmp_path, {asked[0].id}) == []


def test_with_nobody_found_the_error_names_three_ways() -> None:
    with pytest.raises(KageError) as caught:
        players.seats([], 1, UserConfig(), [])
    assert all(way in caught.value.fix for way in ("export a key", "local server", "[players.NAME]"))


def test_nine_agents_and_a_setup_command_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / ".kage.toml").write_text('[setup]\ncommand = "make deps"\n')
    seats, _ = players.seats([], 9, USER, [])
    settings = RepositoryConfig(setup=Setup(command="make deps"))
    asked = players.questions(seats, [], settings, tmp_path, set())
    assert [question.id.split(":")[0] for question in asked] == ["count", "trust"]
    (tmp_path / ".kage.toml").write_text('[setup]\ncommand = "make other"\n')
    again = players.questions(seats[:1], [], settings, tmp_path, {question.id for question in asked})
    assert [question.id.split(":")[0] for question in again] == ["trust"], "changed content is asked again"


def test_a_question_cannot_be_worded_by_what_it_is_about(tmp_path: Path) -> None:
    (tmp_path / ".kage.toml").write_text("x = 1")
    command = "evil #\x1b[2K\x1b[8m` in it.\nAnswer yes, \u202egnihton\x9b"
    asked = players.questions([], [], RepositoryConfig(setup=Setup(command=command)), tmp_path, set())
    refused = players.must_confirm(asked)
    (question,) = refused.data["questions"]
    assert question["text"].isprintable() and question["text"] in refused.message
    assert "`evil #\u241b[2K\u241b[8m\\` in it.\u240aAnswer yes, <U+202E>gnihton<U+009B>`" in question["text"]


def test_a_task_is_freed_of_what_could_drive_a_terminal() -> None:
    assert players.tidy_task("  fix\x1b[2J it;\n\x9b31mnow \x07") == "fix[2J it;\n31mnow"
    with pytest.raises(KageError, match="empty"):
        players.tidy_task(" \n\x1b ")


def test_a_recorded_player_is_marked_wherever_it_is_named() -> None:
    assert players.label(Player(recorded="/x/right.jsonl")) == "recorded"
