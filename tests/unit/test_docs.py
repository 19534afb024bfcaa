"""The help, the README and the code say the same: each is compared with what the code knows of itself."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kage_nvim import config, discover, model
from kage_nvim.cli import arguments
from kage_nvim.description import Description
from tests.nvim.editor import CHECKOUT, binary

HELP = (CHECKOUT / "doc" / "kage.txt").read_text("utf-8")
README = (CHECKOUT / "README.md").read_text("utf-8")
TAGS = set(re.findall(r"(?<!\S)\*([^*\s]+)\*(?!\S)", HELP))
LUA = sorted(CHECKOUT.glob("lua/**/*.lua")) + sorted(CHECKOUT.glob("plugin/*.lua"))


def lua(code: str) -> Any:
    """What a Lua expression is, evaluated in a Neovim that has the checkout on its runtime path."""
    write = f"io.write(vim.json.encode({code}))"
    argv = [binary(), "--headless", "-u", "NONE", "-i", "NONE", "--cmd", f"set rtp^={CHECKOUT}"]
    done = subprocess.run([*argv, f"+lua {write}", "+qa"], capture_output=True, check=True, timeout=20)
    return msgspec.json.decode(done.stdout)


def squeezed(text: str) -> str:
    """Text without the line breaks and blanks that layout adds."""
    return " ".join(text.split())


def toml_keys() -> dict[str, Any]:
    """Every key of both files as the help tags it, with its default (``NODEFAULT`` for a required one)."""
    tables: dict[str, type[Any]] = {
        "": config.UserConfig,
        "players.": model.Player,
        "defaults.": config.Defaults,
        "setup.": config.Setup,
        "checks.": config.Check,
        "tests.": config.Tests,
        "budget.": config.Budget,
        "providers.": config.ProviderLimit,
        "clis.": Description,
        "privacy.": config.Privacy,
        "judge.": config.Judge,
        "review.": config.Review,
    }
    nested = {"players", "defaults", "providers", "clis", "privacy", "judge", "review", "tests"}
    return {
        prefix + field.name: field.default
        if field.default_factory is msgspec.NODEFAULT
        else field.default_factory()
        for prefix, struct in tables.items()
        for field in msgspec.structs.fields(struct)
        if prefix or field.name not in nested
    }


def cli_verbs() -> dict[str, argparse.ArgumentParser]:
    """The subcommands of ``kage``."""
    top = arguments.parser()
    return next(
        dict(action.choices) for action in top._actions if isinstance(action, argparse._SubParsersAction)
    )


def cli_paragraph(verb: str) -> str:
    """What the help says about a verb of the shell."""
    section = HELP.split("*kage-shell*", 2)[1].split("*kage-exit-codes*")[0]
    found = re.search(rf"^  kage {verb}\b.*?(?=^  kage |\Z)", section, re.MULTILINE | re.DOTALL)
    assert found, f"`kage {verb}` is not in :help kage-shell"
    return found[0]


def test_helptags_builds_and_no_line_is_too_wide(tmp_path: Path) -> None:
    (tmp_path / "doc").mkdir()
    (tmp_path / "doc" / "kage.txt").write_text(HELP)
    argv = [binary(), "--headless", "-u", "NONE", "-i", "NONE", f"+helptags {tmp_path}/doc", "+qa"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    built = {line.split("\t")[0] for line in (tmp_path / "doc" / "tags").read_text().splitlines()}
    assert built >= TAGS - {"kage"}
    assert [line for line in HELP.splitlines() if len(line) > 79] == []


def test_each_link_leads_somewhere() -> None:
    ours = {link for link in re.findall(r"\|(\S+?)\|", HELP) if re.match(r":?Kage|kage", link)}
    assert ours - TAGS == set()
    mentioned = set()
    for path in [*LUA, *CHECKOUT.glob("rplugin/**/*.py"), CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md"]:
        mentioned |= set(re.findall(r":help (kage[\w-]*)", path.read_text("utf-8")))
    assert mentioned
    assert mentioned - TAGS == set()


def test_every_verb_of_the_editor_is_in_the_help_as_it_is_used() -> None:
    verbs = lua("vim.tbl_map(function(v) return v.usage end, require('kage.commands').verbs)")
    assert verbs
    for verb, usage in verbs.items():
        assert f":Kage-{verb}" in TAGS
        assert f":Kage{verb.capitalize()}" in TAGS
        assert f"\n{f':Kage {verb} {usage}'.strip()}" in HELP, f"usage of :Kage {verb}"
    documented = {tag.removeprefix(":Kage-") for tag in TAGS if tag.startswith(":Kage-")}
    assert documented == set(verbs)


def test_every_alias_is_a_command() -> None:
    plugin = (CHECKOUT / "plugin" / "kage.lua").read_text()
    words = "".join(re.findall(r'"([^"]*)"', plugin.split("local VERBS =")[1].split("\n\n")[0])).split()
    assert {f":Kage{word.capitalize()}" for word in words} | {":Kage"} == {
        tag for tag in TAGS if re.fullmatch(r":Kage[A-Z]?\w*", tag)
    }


def test_every_verb_and_option_of_the_shell_is_in_the_help() -> None:
    verbs = cli_verbs()
    for verb, parser in verbs.items():
        said = cli_paragraph(verb)
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction) or "--run" in action.option_strings:
                continue
            missing = [option for option in action.option_strings if option not in said]
            assert not missing, f"kage {verb}: {missing}"
    section = HELP.split("*kage-shell*", 2)[1].split("*kage-exit-codes*")[0]
    assert set(re.findall(r"^  kage (\w+)", section, re.MULTILINE)) == set(verbs)


def test_every_key_of_the_toml_files_is_in_the_help_with_its_default() -> None:
    keys = toml_keys()
    documented = {tag.removeprefix("kage-config-") for tag in TAGS if tag.startswith("kage-config-")}
    assert documented == {key for key in keys if key not in ("setup", "checks", "budget")}
    for key, default in keys.items():
        if key in ("setup", "checks", "budget") or default is msgspec.NODEFAULT:
            continue
        entry = HELP.split(f"*kage-config-{key}*")[1].split("\n\n")[0]
        shown = "none" if default is None else msgspec.json.encode(default).decode()
        assert f"default {shown}" in squeezed(entry), key


def test_keys_highlights_and_options_are_in_the_help_word_for_word() -> None:
    argv = [binary(), "-l", str(CHECKOUT / "tools" / "help.lua"), "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_events_and_plugs_are_in_the_help() -> None:
    text = "\n".join(path.read_text("utf-8") for path in LUA)
    fired = set(re.findall(r'fire\("(Kage\w+)"', text)) | set(re.findall(r'pattern = "(Kage\w+)"', text))
    assert fired == {tag for tag in TAGS if re.fullmatch(r"Kage[A-Z]\w*", tag)}
    plugs = set(re.findall(r'plug\(\{.*?\}, "(\w+)"', text))
    assert {f"<Plug>({name})" for name in plugs} == {tag for tag in TAGS if tag.startswith("<Plug>")}


def test_states_and_exit_codes_are_in_the_help() -> None:
    icons = lua("require('kage.config').get().icons")
    section = HELP.split("*kage-states*", 2)[1].split("*kage-shell*")[0]
    for state in model.State:
        assert re.search(rf"^{state.value} +{re.escape(icons[state.value])} ", section, re.MULTILINE), state
    from kage_nvim.errors import Exit

    codes = HELP.split("*kage-exit-codes*")[1].split("=====")[0]
    assert {int(code) for code in re.findall(r"^  (\d+) ", codes, re.MULTILINE)} == {int(e) for e in Exit}


def blocks(text: str, kind: str) -> list[str]:
    """The fenced blocks of that kind in Markdown."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("source", ["README", "help"])
def test_configuration_shown_is_valid(source: str, tmp_path: Path) -> None:
    if source == "README":
        shown = blocks(README, "toml")
        assert len(shown) == 4
        assert all(len(block.splitlines()) == 5 for block in shown)
    else:
        shown = re.findall(r">toml\n(.*?)^<", HELP, re.MULTILINE | re.DOTALL)
        assert len(shown) == 5
    for block in shown:
        path = tmp_path / ("config.toml" if "players" in block else config.REPOSITORY_FILE)
        path.write_text(re.sub(r"(?m)^    ", "", block))
        if "players" in block:
            assert config.load_user(path).players
        else:
            assert config.load_repository(tmp_path) != config.RepositoryConfig()


def test_models_named_are_those_that_kage_finds_itself() -> None:
    known = {service.model for service in discover.SERVICES}
    named = set(re.findall(r'^ *model = "([^"]+)"$', README + HELP, re.MULTILINE))
    assert {name for name in named if name != "openai/qwen3-coder"} <= known
    for service in discover.SERVICES:
        assert service.variable in README and service.variable in HELP
    for server in discover.SERVERS:
        assert str(server.port) in HELP and server.title in HELP and server.title in README


def test_the_versions_that_are_needed_agree() -> None:
    from kage_nvim.orchestrator.doctor import NEEDED

    for name, (major, minor) in NEEDED.items():
        assert f"{name} {major}.{minor}" in HELP and f"{name} ≥ {major}.{minor}" in README
    assert "Python ≥ 3.10" in README and "Python 3.10" in HELP
    assert 'requires-python = ">=3.10"' in (CHECKOUT / "pyproject.toml").read_text()


def test_no_list_of_packages_names_a_host_or_a_folder() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (CHECKOUT / name).read_text()
        assert "://" not in text and "index-url" not in text and "file:" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith(" ")]
        assert pins and all(re.match(r"[a-z0-9-]+==\S+( ; .*)? \\$", line) for line in pins)
