"""Configuration files: what is wrong is named, with what was expected and what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.config import load_repository, load_user
from kage_nvim.errors import KageError

USER = [
    ("[players.fast]\nmodel = 5", ["`players.fast.model`", "Expected `str | null`", "got `int`"]),
    ("[players.fast]\nmodle = 'x'", ["`players.fast`", "field `modle`", "expected one of", "api_base"]),
    ("[players]\nfast = 3", ["`players.fast`", "got `int`"]),
    ("[players.fast]\nprice_in = 1.0", ["`players.fast`", "one of model, cli, command or recorded"]),
    ("[players.fast]\nmodel = 'a'\ncommand = 'b'", ["found model and command"]),
    ("[defaults]\nplayer = ['x']", ["`defaults`", "unknown field `player`", "players", "run_usd"]),
    ("[defaults]\nsteps = 'many'", ["`defaults.steps`", "Expected `int`", "got `str`"]),
    ("[defaults]\nplayers = ['gone']", ["`defaults.players` names `gone`", "known: none"]),
    ("[players.a]\nmodel = 'x'\nfallback = ['b']", ["`players.a.fallback` names `b`", "no player"]),
    (
        "[players.a]\nmodel = 'x'\nfallback = ['b']\n[players.b]\nmodel = 'y'\nfallback = ['a']",
        ["names `a`", "in a circle back to `a`"],
    ),
    ("[players.a]\nmodel = 'x'\nfallback = ['b']\n[players.b]\ncommand = 'y'", ["no model to answer with"]),
    ("[providers.openai]\nconcurrency = 0", ["`providers.openai.concurrency`", "at least 1, found 0"]),
    ("[review]\ntimeout = 0", ["`review.timeout`", "above 0, found 0"]),
    ("[judge]\ntimeout = nan", ["`judge.timeout`", "found nan"]),
    ("sandbox = 'half'", ['expected "on" or "off", found "half"']),
    ("sandbocks = 'on'", ["unknown field `sandbocks`", "sandbox, players, defaults"]),
    ("this is no TOML", ["not valid TOML"]),
]
REPOSITORY = [
    ("[checks.test]\ncommand = 1", ["`checks.test.command`", "got `int`"]),
    ("[setup]\ncmd = 'x'", ["`setup`", "unknown field `cmd`", "command, network, timeout"]),
    ("[budget]\nagent_usd = 'free'", ["`budget.agent_usd`", "got `str`"]),
    ('[checks."\\u001b[2Kok\\n"]\ncommand = "x"', ["`checks.\u241b[2Kok\u240a`", "control characters"]),
    ("[checks.a]\ncommand = []", ["`checks.a.command`", "found []"]),
    ("[checks.a]\ncommand = ' '", ["`checks.a.command`"]),
    ("[checks.a]\ncommand = 'x'\ntimeout = -1", ["`checks.a.timeout`", "above 0, found -1"]),
    ("[checks.a]\ncommand = 'x'\ntimeout = nan", ["`checks.a.timeout`", "found nan"]),
    ("[checks.a]\ncommand = 'x'\nkind = 'tests'", ["`checks.a.kind`", "test, lint, type", "found 'tests'"]),
    ("[checks.a]\ncommand = 'x'\nweight = -1", ["`checks.a.weight`", "from 0 on", "found -1"]),
    ("[checks.a]\ncommand = 'x'\nweight = inf", ["`checks.a.weight`", "found inf"]),
    ("[checks.a]\ncommand = 'x'\nretry = -1", ["`checks.a.retry`", "found -1"]),
    ("[checks.a]\ncommand = 'x'\nformat = 'xml'", ["`checks.a.format`", "junit, sarif", "found `xml`"]),
    ("[checks.a]\ncommand = 'x'\nreport = '/r.xml'", ["`checks.a.report`", "below", "found `/r.xml`"]),
    ("[checks.a]\ncommand = 'x'\nreport = 'a/../../r'", ["`checks.a.report`"]),
    ("[checks.a]\ncommand = 'x'\npattern = '('", ["`checks.a.pattern`", "regular expression", "found `(`"]),
    ("[checks.a]\ncommand = 'x'\npattern = 'ok'", ["`checks.a.pattern`", "passed, failed", "found `ok`"]),
    ("[setup]\ncommand = 'x'\ntimeout = 0", ["`setup.timeout`", "above 0, found 0"]),
]


@pytest.mark.parametrize(("text", "words"), USER)
def test_what_is_wrong_in_config_toml(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(KageError) as caught:
        load_user(path)
    assert all(word in caught.value.message for word in [str(path), *words]), caught.value.message
    assert caught.value.fix


@pytest.mark.parametrize(("text", "words"), REPOSITORY)
def test_what_is_wrong_in_kage_toml(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / ".kage.toml").write_text(text)
    with pytest.raises(KageError) as caught:
        load_repository(tmp_path)
    assert all(word in caught.value.message for word in words), caught.value.message


def test_absent_files_mean_the_defaults(tmp_path: Path) -> None:
    assert load_user(tmp_path / "none.toml").sandbox == "on"
    assert load_repository(tmp_path).setup is None
