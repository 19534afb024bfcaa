"""The user's own tools run inside, from wherever their managers keep them; nothing secret comes along."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from kage_nvim.model import Profile
from tests.unit.sandbox.machine import SYSTEM_PATH, Machine, host_path, program, run, said

ANSWER = "#!/bin/sh\necho from $0\n"


def seen(profile: Profile, path: Path | str) -> bool:
    return run(profile, f'test -e "{path}" -o -L "{path}"').returncode == 0


@pytest.mark.skipif(not shutil.which("pytest"), reason="no pytest on PATH")
def test_this_machines_pytest_runs_inside(machine: Machine) -> None:
    env = {name: os.environ[name] for name in ("PYENV_ROOT", "CARGO_HOME") if name in os.environ}
    profile = machine.slot(env={"PATH": host_path(), **env})
    assert "1 passed" in said(profile, "python3 --version && pytest -q -p no:cacheprovider")


def test_the_slots_git_works_inside(machine: Machine) -> None:
    profile = machine.slot(2)
    said(profile, "echo x > new && git add new && git switch -qc mine && git commit -qm new")
    assert said(profile, "git log --format='%an %s'").splitlines() == ["Kage agent 2 new", "Ada first"]
    assert said(profile, "git status --porcelain; git fsck 2>&1 | grep -ci error || true") == "0"


@pytest.mark.parametrize(
    ("root", "bin_", "variable"),
    [
        (".pyenv", "shims", "PYENV_ROOT"),
        (".nvm", "versions/node/v20.1.0/bin", "NVM_DIR"),
        (".local/share/fnm", "node-versions/v20/installation/bin", "FNM_DIR"),
        (".volta", "bin", "VOLTA_HOME"),
        (".asdf", "shims", "ASDF_DATA_DIR"),
        (".local/share/mise", "installs/node/20/bin", "MISE_DATA_DIR"),
        (".sdkman", "candidates/java/current/bin", "SDKMAN_DIR"),
        (".rbenv", "shims", "RBENV_ROOT"),
        (".linuxbrew", "bin", "HOMEBREW_PREFIX"),
    ],
)
def test_a_managers_root_comes_with_its_folder_on_path(
    machine: Machine, root: str, bin_: str, variable: str
) -> None:
    top = machine.home / root
    program(top / bin_ / "tool", f"#!/bin/sh\nexec {top}/libexec/it\n")
    program(top / "libexec/it", ANSWER)
    (top / ".npmrc").write_text("//registry/:_authToken=secret")
    profile = machine.slot(env={"PATH": f"{top / bin_}:{SYSTEM_PATH}"})
    assert said(profile, "tool") == f"from {top}/libexec/it"
    assert profile.env[variable] == str(top)
    assert not seen(profile, top / ".npmrc")
    assert not seen(profile, machine.home / ".gitconfig")


def test_cargo_without_its_credentials(machine: Machine) -> None:
    cargo = machine.home / ".cargo"
    program(cargo / "bin/cargo", '#!/bin/sh\n. "$RUSTUP_HOME/env"\nls $CARGO_HOME/registry\n')
    (cargo / "registry/index").mkdir(parents=True)
    (cargo / "credentials.toml").write_text("token")
    (cargo / "credentials").write_text("token")
    program(machine.home / ".rustup/env", "echo rust\n")
    profile = machine.slot(env={"PATH": f"{cargo}/bin:{SYSTEM_PATH}"})
    assert said(profile, "cargo") == "rust\nindex"
    assert not seen(profile, cargo / "credentials.toml")
    assert not seen(profile, cargo / "credentials")


def test_go_and_its_modules(machine: Machine) -> None:
    go = machine.home / "go"
    program(go / "bin/stringer", ANSWER)
    (go / "pkg/mod/example.org").mkdir(parents=True)
    (go / "src/private").mkdir(parents=True)
    profile = machine.slot(env={"PATH": f"{go}/bin:{SYSTEM_PATH}"})
    assert "stringer" in said(profile, "stringer")
    assert said(profile, "ls $GOMODCACHE") == "example.org"
    assert not seen(profile, go / "src")


def test_local_bin_follows_its_links_one_by_one(machine: Machine) -> None:
    local = machine.home / ".local"
    uv = local / "share/uv"
    program(uv / "python/cpython-3.12.5/bin/python3.12", ANSWER)
    (uv / "python/cpython-3.12").symlink_to("cpython-3.12.5")
    tool = uv / "tools/ruff"
    program(tool / "bin/ruff", f"#!{tool}/bin/python\n")
    (tool / "pyvenv.cfg").write_text("home = x\n")
    (tool / "bin/python").symlink_to(uv / "python/cpython-3.12/bin/python3.12")
    (local / "bin").mkdir()
    (local / "bin/ruff").symlink_to(tool / "bin/ruff")
    (local / "bin/python3.12").symlink_to(uv / "python/cpython-3.12/bin/python3.12")
    program(local / "share/claude/versions/2.0", ANSWER)
    (local / "bin/claude").symlink_to(local / "share/claude/versions/2.0")
    program(machine.home / ".ssh/id", "secret")
    (local / "bin/leak").symlink_to(machine.home / ".ssh/id")
    (local / "share/keyrings").mkdir()
    (local / "share/private").mkdir()
    profile = machine.slot(env={"PATH": f"{local}/bin:{SYSTEM_PATH}"})
    for name in ("python3.12", "ruff", "claude"):
        assert said(profile, name).startswith("from")
    assert run(profile, "cat ~/.local/bin/leak").returncode != 0
    assert run(profile, f"cat {local}/bin/leak").returncode != 0
    assert not seen(profile, local / "share/keyrings")
    assert not seen(profile, local / "share/private")


def test_programs_of_pip_user_find_their_modules(machine: Machine) -> None:
    local = machine.home / ".local"
    python = shutil.which("python3", path="/usr/bin:/bin")
    if python is None:
        pytest.skip("no system python")
    version = subprocess.check_output(
        [python, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], text=True
    ).strip()
    site = local / f"lib/{version}/site-packages"
    site.mkdir(parents=True)
    (site / "mine.py").write_text("print('mine')\n")
    program(local / "bin/mine", f"#!{python}\nimport mine\n")
    profile = machine.slot(env={"PATH": f"{local}/bin:{SYSTEM_PATH}"})
    assert said(profile, "mine") == "mine"


def test_conda_by_its_shape_wherever_it_is(machine: Machine) -> None:
    conda = machine.folder / "any where#%/conda"
    (conda / "conda-meta").mkdir(parents=True)
    program(conda / "envs/e/bin/tool", ANSWER)
    (conda / "envs/e/conda-meta").mkdir()
    (conda / "envs/e/lib").mkdir()
    profile = machine.slot(
        env={"PATH": f"{conda}/envs/e/bin:{conda}/condabin:{SYSTEM_PATH}", "CONDA_PREFIX": f"{conda}/envs/e"}
    )
    assert said(profile, "tool") == f"from {conda}/envs/e/bin/tool"
    assert seen(profile, conda / "envs/e/lib")
    assert profile.env["CONDA_PREFIX"] == f"{conda}/envs/e"


def test_a_home_bin_brings_that_folder_only(machine: Machine) -> None:
    home = machine.home
    program(home / "bin/mine", ANSWER)
    (home / "notes").write_text("private")
    (home / "bin/linked").symlink_to(home / "notes")
    (home / "lib").mkdir()
    profile = machine.slot(env={"PATH": f"{home}/bin:{home}:{home}/.config/tool/bin:{SYSTEM_PATH}"})
    assert said(profile, "mine") == f"from {home}/bin/mine"
    assert run(profile, "cat $(command -v linked || echo none)").returncode != 0
    assert not seen(profile, home / "notes")
    assert not seen(profile, home / "lib")
    assert not seen(profile, home / ".gitconfig")
    assert profile.env["PATH"] == f"{home}/bin:{SYSTEM_PATH}"


@pytest.mark.parametrize(
    "folder", [".ssh/bin", ".gnupg/bin", ".aws/bin", ".config/x/bin", ".docker/bin", ".kube/bin", ".mozilla"]
)
def test_a_secret_folder_is_never_bound_even_when_path_names_it(machine: Machine, folder: str) -> None:
    program(machine.home / folder / "tool", ANSWER)
    profile = machine.slot(env={"PATH": f"{machine.home / folder}:{SYSTEM_PATH}"})
    assert not seen(profile, machine.home / folder)


def test_a_variable_cannot_open_home(machine: Machine) -> None:
    (machine.home / "notes").write_text("private")
    env = {
        name: str(machine.home) for name in ("PYENV_ROOT", "VIRTUAL_ENV", "JAVA_HOME", "GEM_HOME", "NVM_DIR")
    }
    profile = machine.slot(env={**env, "CARGO_HOME": "/", "GOMODCACHE": str(machine.home)})
    assert not seen(profile, machine.home / "notes")
    assert profile.env.keys().isdisjoint(env)


def test_folders_of_path_that_are_not_there_are_left_out(machine: Machine) -> None:
    profile = machine.slot(env={"PATH": "relative::/no/such/folder:/usr/bin"})
    assert profile.env["PATH"] == "/usr/bin:/usr/local/bin:/bin"


@pytest.fixture
def with_venv(machine: Machine) -> Machine:
    """A repository with an ignored ``.venv`` in which the repository itself is installed editable."""
    venv.create(machine.repository / ".venv", symlinks=True)
    site = next((machine.repository / ".venv/lib").glob("python*/site-packages"))
    (site / "editable.pth").write_text(f"{machine.repository}\n")
    tool = machine.repository / ".venv/bin/tool"
    program(
        tool, f"#!{machine.repository}/.venv/bin/python\nimport calc\nprint(calc.__file__, calc.add(1, 2))\n"
    )
    return machine


def test_a_repositorys_venv_runs_on_the_agents_files(with_venv: Machine) -> None:
    machine = with_venv
    env = {
        "PATH": f"{machine.repository}/.venv/bin:{SYSTEM_PATH}",
        "VIRTUAL_ENV": f"{machine.repository}/.venv",
    }
    profile = machine.slot(env=env)
    said(profile, "echo 'def add(a, b): return 42' > calc.py")
    assert said(profile, "cd / && tool") == f"{machine.repository}/calc.py 42"
    assert said(profile, "cd / && .venv/bin/tool 2>/dev/null || true") == ""
    assert said(profile, ".venv/bin/python -c 'import sys; print(sys.prefix)'").endswith("/.venv")
    assert run(profile, "touch .venv/x").returncode != 0
    assert run(profile, f"touch '{machine.repository}/.venv/x'").returncode != 0
    assert said(profile, f"cd '{machine.repository}' && git status --porcelain") == " M calc.py"
    assert said(profile, "git log --format=%s; git fsck 2>&1 | grep -ci error || true") == "first\n0"
    assert "a + b" in (machine.repository / "calc.py").read_text()
    assert not any((machine.folder / "slots/1/tree/.venv").iterdir())


def test_a_venv_elsewhere_brings_the_alias_too(machine: Machine) -> None:
    elsewhere = machine.home / ".virtualenvs/p"
    venv.create(elsewhere, symlinks=True)
    profile = machine.slot(env={"PATH": f"{elsewhere}/bin:{SYSTEM_PATH}", "VIRTUAL_ENV": str(elsewhere)})
    assert profile.alias == str(machine.repository)
    assert said(profile, "python -c 'import sys; print(sys.prefix)'") == str(elsewhere)


def test_an_environment_that_git_tracks_or_a_setup_makes_is_left_alone(machine: Machine) -> None:
    (machine.repository / "node_modules").mkdir()
    (machine.repository / "node_modules/users").write_text("")
    (machine.repository / "venv").mkdir()
    profile = machine.slot()
    assert said(profile, "ls -A node_modules") == "users"
    assert not seen(profile, "venv")
    own = machine.slot(2, environments=False)
    assert said(own, "mkdir node_modules && touch node_modules/own && ls node_modules") == "own"
    # What the slot has filled by itself is not covered afterwards.
    assert said(machine.slot(2), "ls node_modules") == "own"


def test_environments_of_workspaces_and_of_any_name(machine: Machine) -> None:
    ignored = ("packages/a/node_modules/dep", "env-3.12/bin", "build/out")
    for name in ignored:
        (machine.repository / name).mkdir(parents=True)
    (machine.repository / "env-3.12/pyvenv.cfg").write_text("")
    (machine.repository / ".gitignore").write_text("node_modules\nenv-*\nbuild\n")
    profile = machine.slot()
    assert said(profile, "ls packages/a/node_modules env-3.12") == (
        "env-3.12:\nbin\npyvenv.cfg\n\npackages/a/node_modules:\ndep"
    )
    assert not seen(profile, "build")


@pytest.mark.parametrize("name", ["a b", "#{x}", "100%", "new\nline", "quo'te\"", "ünï", "-dash", "$HOME"])
def test_any_path_will_do(tmp_path: Path, home: Path, name: str) -> None:
    machine = Machine(tmp_path / "m", home, tmp_path / name / "project")
    program(machine.home / name / "bin/tool", ANSWER)
    venv.create(machine.repository / ".venv", symlinks=True)
    for number, environments in enumerate((False, True), 1):
        env = {"PATH": f"{machine.home / name}/bin:{SYSTEM_PATH}"}
        profile = machine.slot(number, env, environments=environments)
        assert bool(profile.alias) == environments
        assert said(profile, "tool").startswith("from")
        assert said(profile, "git log --format=%s 2>&1") == "first"
    assert said(profile, ".venv/bin/python -c 'print(1)'") == "1"


def test_every_slot_has_its_own_places(machine: Machine) -> None:
    one, two = machine.slot(1), machine.slot(2)
    assert (one.env["KAGE_PORT"], two.env["KAGE_PORT"]) == ("20010", "20020")
    assert (one.env["KAGE_AGENT"], one.env["TERM"]) == ("1", "dumb")
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        assert one.env[name] != two.env[name]
        said(one, f'mkdir -p "${name}" && touch "${name}/x"')
    assert said(one, "getent passwd $(id -u)").split(":")[5] == one.env["HOME"]
    assert said(one, "getent hosts localhost")
    assert said(one, "touch /tmp/x /run/x /dev/shm/x && ls /run") == "x"
