"""Installing as users do: lazy.nvim's build step, a shell, and what is left when it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nvim.editor import CHECKOUT, Editor, binary

NETWORK = ("PIP_", "UV_", "SSL_", "REQUESTS_", "http_", "https_", "HTTP_", "HTTPS_", "no_proxy", "NO_PROXY")
REAL = {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}
"""How this machine reaches its package registry; read before the tests' private environment hides it."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

LAZY = """
local lines = {}
local thread = coroutine.create(function(file) assert(loadfile(file))() end)
_G.progress, _G.failure = lines, nil
local function step(...)
  local ok, said = coroutine.resume(thread, ...)
  if not ok then _G.failure = said return end
  if type(said) == "string" then lines[#lines + 1] = said end
  if coroutine.status(thread) ~= "dead" then vim.defer_fn(step, 5) else _G.built = true end
end
step(...)
"""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as the machine has it set up, with the caches of whoever runs the tests."""
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_CACHE_DIR", str(CACHE / "uv"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(CACHE / "pip"))


@pytest.fixture
def hurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that compiles nothing, which is most of what it costs; the other tests have the real one."""
    if uv := shutil.which("uv"):
        wrapper = tmp_path / "hurried" / "uv"
        wrapper.parent.mkdir()
        left_out = 'for word; do shift; [ "$word" = --compile-bytecode ] || set -- "$@" "$word"; done'
        wrapper.write_text(f'#!/bin/sh\n{left_out}\nexec "{uv}" "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")


@pytest.fixture
def checkout(tmp_path: Path, network: None) -> Path:
    """What a plugin manager has cloned, with a list of one package so that it installs in a second."""
    root = tmp_path / "plug ins" / "kage.nvim"
    for name in ("build.lua", "pyproject.toml", "README.md", "LICENSE", "tools/environment.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, root / name)
    shutil.copytree(CHECKOUT / "lua/kage", root / "lua/kage")
    package = root / "rplugin/python3/kage_nvim"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("NAME = 'first'\n")
    lock = (CHECKOUT / "requirements.lock").read_text()
    start = lock.index("setuptools==")
    entry = lock[start:].split("\n")
    end = next(i for i, line in enumerate(entry) if i and not line.startswith(" "))
    (root / "requirements.lock").write_text("\n".join(entry[:end]) + "\n")
    return root


@pytest.fixture
def environments() -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "nvim" / "kage" / "env"


def make_release(checkout: Path, folder: Path) -> list[str]:
    """The command that makes the checkout's environment under ``folder``."""
    script, lock = checkout / "tools/environment.py", checkout / "requirements.lock"
    return [sys.executable, str(script), str(folder), "--lock", str(lock), "--release", str(checkout)]


def build(nvim: Editor, root: Path) -> list[str]:
    """Run build.lua as lazy.nvim does, in a coroutine stepped from the main loop; its progress lines."""
    nvim.lua("package.loaded['kage.install'] = nil; _G.built = nil")
    nvim.lua(LAZY, str(root / "build.lua"))
    nvim.until("return _G.built or _G.failure ~= nil", seconds=60)
    failure = nvim.lua("return _G.failure")
    if failure:
        raise AssertionError(failure)
    return list(nvim.lua("return _G.progress"))


def installed(environments: Path) -> str:
    """What the package of the current environment calls itself."""
    python = environments / "current" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", "import kage_nvim; print(kage_nvim.NAME)"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_plugin_manager_builds_shows_progress_and_never_blocks(
    start_nvim: Callable[..., Editor], checkout: Path, environments: Path
) -> None:
    nvim = start_nvim(rtp=checkout)
    nvim.lua(
        "_G.beats, _G.beat = 0, vim.uv.new_timer();"
        " _G.beat:start(0, 20, vim.schedule_wrap(function() _G.beats = _G.beats + 1 end))"
    )
    lines = build(nvim, checkout)
    assert any("locked packages" in line for line in lines), lines
    assert lines[-1].startswith("kage: ready: ")
    assert installed(environments) == "first"
    assert nvim.lua("return _G.beats") > 10
    assert nvim.lua("return require('kage.install').python()") == str(
        (environments / "current").resolve() / "bin" / "python"
    )
    assert not (checkout / "build").exists()
    assert not list(checkout.rglob("*.egg-info"))

    again = build(nvim, checkout)
    assert not any("locked packages" in line for line in again), again


@pytest.mark.usefixtures("hurried")
def test_an_update_goes_beside_the_old_one_which_stays_while_it_runs(
    start_nvim: Callable[..., Editor], checkout: Path, environments: Path
) -> None:
    nvim = start_nvim(rtp=checkout)
    source = checkout / "rplugin/python3/kage_nvim/__init__.py"
    build(nvim, checkout)
    first = (environments / "current").resolve()
    runs = subprocess.Popen([first / "bin" / "python", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for name in ("second", "third"):
            source.write_text(f"NAME = '{name}'\n")
            build(nvim, checkout)
            assert installed(environments) == name
        assert (first / "bin" / "python").exists()
    finally:
        runs.kill()
        runs.communicate()
    source.write_text("NAME = 'fourth'\n")
    build(nvim, checkout)
    assert not first.exists()
    assert len([p for p in environments.iterdir() if p.is_dir() and not p.is_symlink()]) == 2


def test_a_failed_build_says_why_and_leaves_the_old_environment(
    start_nvim: Callable[..., Editor], checkout: Path, environments: Path
) -> None:
    nvim = start_nvim(rtp=checkout)
    build(nvim, checkout)
    before = (environments / "current").resolve()
    lock = checkout / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0000")[:-6] + "\n")
    with pytest.raises(AssertionError, match=r"the one before is untouched(.|\n)*pip install"):
        build(nvim, checkout)
    assert (environments / "current").resolve() == before
    assert installed(environments) == "first"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho 3 8\n", "is Python 3.8; Kage needs Python 3.10"),
        ("#!/bin/sh\nexit 1\n", "does not run; Kage needs"),
        (None, "no Python 3.10 to 3.14 was found on PATH.\nInstall one"),
    ],
)
def test_without_a_fitting_python_the_fix_is_named(
    start_nvim: Callable[..., Editor], tmp_path: Path, script: str | None, said: str
) -> None:
    nvim = start_nvim()
    configured = []
    if script:
        fake = tmp_path / "python"
        fake.write_text(script)
        fake.chmod(0o755)
        configured.append(str(fake))
    nvim.lua("vim.env.PATH = '/nonexistent'")
    found = nvim.lua(
        "local python, err = require('kage.install').find(...); return { python, err }", *configured
    )
    assert found[0] is None
    assert said in found[1]


def test_without_a_manager_one_command_builds(checkout: Path, environments: Path) -> None:
    done = subprocess.run(
        [binary(), "--headless", "-u", "NONE", "-i", "NONE", "-l", "build.lua"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "kage: ready" in done.stdout + done.stderr
    assert installed(environments) == "first"


def test_two_builds_at_once_make_one_environment(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "env"
    argv = make_release(checkout, folder)
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("installing Kage itself" in text for text in said) == 1
    assert installed(folder) == "first"


def test_pip_does_the_same_where_uv_is_missing_or_broken(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "uv"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    folder = tmp_path / "env"
    done = subprocess.run(
        make_release(checkout, folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "with pip" in done.stdout
    assert installed(folder) == "first"


@pytest.mark.slow
@pytest.mark.usefixtures("hurried")
def test_the_whole_list_installs_and_kage_runs_from_it(tmp_path: Path, network: None) -> None:
    folder = tmp_path / "env"
    done = subprocess.run(
        make_release(CHECKOUT, folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kage = folder / "current" / "bin" / "kage"
    said = subprocess.run([kage, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "spawn" in said
    python = folder / "current" / "bin" / "python"
    code = "import kage_nvim.daemon, kage_nvim.gateway, kage_nvim.bridge; print(kage_nvim.__file__)"
    place = subprocess.run(
        [python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str((folder / "current").resolve()) in str(Path(place.stdout.strip()).resolve())
