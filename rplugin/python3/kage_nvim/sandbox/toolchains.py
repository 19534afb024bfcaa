"""Where the user's own tools live: the folders on PATH and the roots they resolve to, never a secret.

A root is bound whole only when it is known to be a toolchain, by the name of its manager or by its shape.
Everything else on PATH is bound as that folder alone: ``~/bin`` must not bring the rest of home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from kage_nvim.sandbox.bwrap import SYSTEM

SECRETS = frozenset(
    (
        *(".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".config", ".netrc", ".docker", ".kube", ".pki"),
        *(".password-store", "keyrings", ".mozilla", ".thunderbird", ".npmrc", ".pypirc", ".gitconfig"),
        *(".git-credentials", ".pgpass", ".my.cnf", ".terraform.d", ".vault-token", ".m2", ".subversion"),
        *("credentials", "credentials.toml"),
    )
)
"""Names that no bound folder may have on its path or directly within it."""
MANAGERS = {
    ".pyenv": "PYENV_ROOT",
    ".rbenv": "RBENV_ROOT",
    ".nodenv": "NODENV_ROOT",
    ".goenv": "GOENV_ROOT",
    ".jenv": "JENV_ROOT",
    ".nvm": "NVM_DIR",
    ".fnm": "FNM_DIR",
    "fnm": "FNM_DIR",
    ".volta": "VOLTA_HOME",
    ".asdf": "ASDF_DATA_DIR",
    ".sdkman": "SDKMAN_DIR",
    ".rustup": "RUSTUP_HOME",
    "mise": "MISE_DATA_DIR",
    ".bun": "BUN_INSTALL",
    ".deno": "DENO_INSTALL",
    ".dotnet": "DOTNET_ROOT",
    ".linuxbrew": "HOMEBREW_PREFIX",
}
"""Folders that are one manager's whole, and the variable that tells its tools so under another HOME."""
ROOT_VARIABLES = (
    *MANAGERS.values(),
    *("ASDF_DIR", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX", "VIRTUAL_ENV", "UV_PYTHON_INSTALL_DIR", "NVM_BIN"),
    *("GOROOT", "JAVA_HOME", "MAVEN_HOME", "GRADLE_HOME", "GEM_HOME", "FNM_MULTISHELL_PATH"),
)
PLAIN_VARIABLES = (
    *("PYENV_VERSION", "RUSTUP_TOOLCHAIN", "ASDF_DEFAULT_TOOL_VERSIONS_FILENAME", "CONDA_DEFAULT_ENV"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME", "TZ"),
)
MARKS = (
    *("pyvenv.cfg", "conda-meta", "lib/node_modules", "include/node", "lib/modules", "pkg/tool"),
    *("lib/rustlib", "lib/ruby", "bin/python3", "Cellar"),
)
"""A folder with one of these in it is an interpreter's or a compiler's root."""
BIN = ("bin", "sbin", "shims", "condabin")


class Toolchains:
    """What to bind read-only, and the variables that go with it.

    ``protected`` are folders of which nothing may be seen: the repository, Kage's own.
    """

    def __init__(self, client_env: Mapping[str, str], protected: Iterable[Path]) -> None:
        self.client = client_env
        homes = (Path(client_env.get("HOME") or "/"), Path.home())
        self.homes = {form for home in homes for form in (home, home.resolve())}
        self.protected = {p for path in protected for p in (path, path.resolve())}
        self.readable: dict[str, None] = {}
        self.env = {name: client_env[name] for name in PLAIN_VARIABLES if client_env.get(name)}
        for name in ROOT_VARIABLES:
            root = Path(client_env.get(name) or "/")
            if self._allowed(root) and root.is_dir():
                self._root(root)
                self.env[name] = str(root)
        for folder in self.folders():
            self._folder(folder)

    def folders(self) -> list[Path]:
        """The absolute folders on the client's PATH, in order, each once."""
        found = (os.path.normpath(p) for p in self.client.get("PATH", "").split(os.pathsep) if p[:1] == "/")
        return [Path(p) for p in dict.fromkeys(found)]

    def sees(self, path: Path) -> bool:
        """True when the sandbox shows that path: as a system folder, or within something bound."""
        return any(path.is_relative_to(root) for root in (*SYSTEM, *self.readable))

    def environment(self, venv: Path) -> None:
        """Bind what a virtual environment's interpreters point at; the environment itself is the caller's."""
        for python in sorted((venv / "bin").glob("python*")):
            self._follow(python)

    def program(self, name: str) -> None:
        """Bind what a program on PATH consists of: the links that lead to it, and the package it lies in."""
        found = shutil.which(name, path=self.client.get("PATH", ""))
        if found is None:
            return
        self._follow(Path(found).absolute())
        real = Path(found).resolve()
        for at in (real, Path(found).absolute()):  # they differ when a folder above it is a link
            package = _package(at)
            if package is not None and not self.sees(package):
                self._add(package)
        if not self.sees(real):
            self._station(real)

    def _allowed(self, path: Path) -> bool:
        for form in {path, path.resolve()}:
            if len(form.parts) < 2 or SECRETS & set(form.parts):
                return False
            if any(home.is_relative_to(form) for home in self.homes):
                return False
            if any(p.is_relative_to(form) or form.is_relative_to(p) for p in self.protected):
                return False
        return True

    def _add(self, path: Path) -> None:
        if self._allowed(path):
            for form in (path, path.resolve()):
                if not self.sees(form):
                    self.readable[str(form)] = None
            if path.resolve().is_relative_to("/nix/store"):
                self.readable["/nix/store"] = None

    def _folder(self, folder: Path) -> None:
        """One folder of PATH, with the root that it is the programs of."""
        if not folder.is_dir():
            return
        if folder == Path("/usr/local/bin") or folder.parts[-2:] == (".local", "bin"):
            self._links(folder)
        if self.sees(folder) or not self._allowed(folder):
            return
        if folder.parts[-2:] == (".local", "bin"):
            self._user_base(folder.parent)
        elif folder.parts[-2:] == (".cargo", "bin") or folder == self._variable("CARGO_HOME", "bin"):
            self._cargo(folder.parent)
        elif (root := self._toolchain(folder)) is not None:
            self._root(root)
        elif (folder.parent / "pkg/mod").is_dir():
            self._go(folder.parent)
        self._add(folder)
        real = folder.resolve()
        if real != folder and (root := self._toolchain(real)) is not None:
            self._root(root)

    def _toolchain(self, path: Path) -> Path | None:
        """The root that this folder or program belongs to, when it is known to be a toolchain's."""
        for outer in reversed([path, *path.parents]):
            known = outer.name in MANAGERS and (outer.name[0] == "." or outer.parent.name == "share")
            if known or outer.parts[-2:] == ("uv", "python"):
                return outer if self._allowed(outer) else None
        for inner in (path, path.parent):
            root = inner.parent
            if inner.name in BIN and root.name != ".local" and self._allowed(root):
                marked = any((root / mark).exists() for mark in MARKS)
                return root if marked else None
        return None

    def _root(self, root: Path) -> None:
        """A toolchain, whole; where a secret lies directly in it, everything but that."""
        holds_secret = any((root / name).exists() for name in SECRETS)
        for part in root.iterdir() if holds_secret else [root]:
            self._add(part)
        variable = MANAGERS.get(root.name)
        if variable:
            self.env.setdefault(variable, str(root))
        self.environment(root)

    def _links(self, folder: Path) -> None:
        """Installers put links to their own roots here: uv, pipx, node; follow each."""
        for entry in folder.iterdir():
            if entry.is_symlink():
                self._follow(entry)

    def _follow(self, link: Path) -> None:
        """Bind every station of a chain of symbolic links, so that it can be walked inside too."""
        at = link
        for _ in range(40):
            if not at.is_symlink():
                break
            at = Path(os.path.normpath(at.parent / at.readlink()))
            self._station(at)
        self._station(at.resolve())

    def _station(self, program: Path) -> None:
        if self.sees(program) or not self._allowed(program) or not program.exists():
            return
        root = self._toolchain(program)
        if root is not None:
            self._root(root)
        elif program.is_symlink():
            self._add(program.parent)
        elif program.is_file() and os.access(program, os.X_OK):
            self._add(program)

    def _variable(self, name: str, *below: str) -> Path | None:
        value = self.client.get(name, "")
        return Path(value, *below) if value[:1] == "/" else None

    def _user_base(self, base: Path) -> None:
        """``~/.local``: programs of ``pip install --user`` find their modules by this variable."""
        libraries = sorted(base.glob("lib/python3*"))
        for library in libraries:
            self._add(library)
        if libraries:
            self.env["PYTHONUSERBASE"] = str(base)

    def _cargo(self, cargo: Path) -> None:
        """The registry but not the credentials beside it; toolchains are rustup's."""
        for name in ("registry", "git"):
            if (cargo / name).is_dir():
                self._add(cargo / name)
        rustup = self._variable("RUSTUP_HOME") or cargo.parent / ".rustup"
        if rustup.is_dir() and self._allowed(rustup):
            self._root(rustup)
            self.env["RUSTUP_HOME"] = str(rustup)
        self.env["CARGO_HOME"] = str(cargo)
        self.env["CARGO_NET_OFFLINE"] = "true"

    def _go(self, gopath: Path) -> None:
        modules = self._variable("GOMODCACHE") or gopath / "pkg/mod"
        self._add(modules)
        self.env["GOMODCACHE"] = str(modules)
        self.env["GOPROXY"] = "off"


def _package(program: Path) -> Path | None:
    """The folder of installed packages that a program of npm's lies in, with those it depends on."""
    return next((folder for folder in program.parents if folder.name == "node_modules"), None)
