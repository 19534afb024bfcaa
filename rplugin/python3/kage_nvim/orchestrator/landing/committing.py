"""Writing into the user's repository, which happens for commits that they asked for and for nothing else.

Their own git does it, with their identity, settings, signing key and hooks. Objects are brought first, which
nobody sees; a ref moves last, and only from where it was seen to be.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.git import failure, fields, line, run_git, user_git
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import ABSENT, Entry, index_info

HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
TOLD_HOOKS = (".pre-commit-config.yaml", ".husky", "lefthook.yml", "lefthook.yaml", ".overcommit.yml")
"""What the hooks that are installed by other tools are told by."""
FEW = 1000
"""Paths that are given to git as words; of more it tells all."""


@dataclass(frozen=True)
class Writer:
    """The user's git in their working tree. ``env`` is the environment of the client that asked."""

    store: Store
    env: Mapping[str, str]

    @property
    def root(self) -> Path:
        """Their working tree."""
        return self.store.repository.root

    def ask(self, *args: str, env: Mapping[str, str] | None = None, input: bytes | None = None) -> bytes:
        """What their git answers.

        Raises:
            KageError: code ``git``, with its words.
        """
        done = user_git(args, root=self.root, base=self.env, env=env, input=input)
        if done.code:
            raise failure(next(word for word in args if word[0] != "-" and "=" not in word), done)
        return done.out

    def identity(self) -> None:
        """Make sure that git knows in whose name it commits.

        Raises:
            KageError: it does not (exit 4).
        """
        for name in ("GIT_COMMITTER_IDENT", "GIT_AUTHOR_IDENT"):
            done = user_git(["var", name], root=self.root, base=self.env)
            if done.code:
                why = done.err.splitlines()[-1] if done.err else ""
                raise refused(
                    f"git does not know in whose name to commit: {why}",
                    fix='git config --global user.name "Your Name";'
                    " git config --global user.email you@your-mail",
                    code="identity",
                )

    def setting(self, name: str, kind: str = "bool") -> str:
        """A setting of theirs; empty when there is none."""
        done = user_git(["config", f"--type={kind}", "--get", name], root=self.root, base=self.env)
        return line(done.out) if done.code == 0 else ""

    def bring(self, trees: Sequence[str], known: Iterable[str]) -> None:
        """Copy what these trees of the store consist of, but for what the ``known`` ones have."""
        listed = run_git(
            ["rev-list", "--objects", "--no-object-names", "--missing=allow-any", *trees, "--not", *known],
            git_dir=self.store.git_dir,
        )
        if listed:
            packed = run_git(
                ["pack-objects", "-q", "--stdout", "--window=0"], git_dir=self.store.git_dir, input=listed
            )
            self.ask("unpack-objects", "-q", input=packed)

    def commit(self, tree: str, parents: Sequence[str], text: str, *, hooked: bool = True) -> str:
        """Make a commit and return it; no ref names it yet. With ``hooked`` the user's hooks see the message.

        Raises:
            KageError: a hook refused (code ``hook``), or it could not be signed (code ``git``).
        """
        file = self.store.scratch / f"message-{secrets.token_hex(4)}"
        try:
            file.write_text(text, "utf-8", "replace")
            if hooked:
                self.hook("prepare-commit-msg", str(file), "message")
                self.hook("commit-msg", str(file))
            whole = self.ask("stripspace", input=file.read_bytes())
            if not whole.strip():
                raise _hook_error("commit-msg", "it left the message empty")
            sign = ["-S"] if self.setting("commit.gpgsign") == "true" else []
            above = [word for parent in parents for word in ("-p", parent)]
            said = ("-c", "i18n.commitEncoding=UTF-8", "commit-tree", *sign, *above, "-F", "-", tree)
            return line(self.ask(*said, input=whole))
        finally:
            file.unlink(missing_ok=True)

    def hook(self, name: str, *args: str, env: Mapping[str, str] | None = None) -> None:
        """Run one of the user's hooks, if they have it.

        Raises:
            KageError: code ``hook``, with what it printed.
        """
        command = ["hook", "run", "--ignore-missing", name]
        done = user_git([*command, *(["--", *args] if args else [])], root=self.root, base=self.env, env=env)
        if done.code:
            raise _hook_error(name, done.err or f"it ended with {done.code}")

    def has_hook(self, name: str) -> bool:
        """Whether the user has such a hook."""
        return (self._hooks() / name).is_file()

    def _hooks(self) -> Path:
        return Path(line(self.ask("rev-parse", "--path-format=absolute", "--git-path", "hooks")))

    def hooks_among(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths that the user's hooks are made of: they would be run unseen."""
        folder = self._hooks()
        own = [*TOLD_HOOKS] if any((folder / name).is_file() for name in HOOKS) else []
        if folder.resolve().is_relative_to(self.root.resolve()):
            own.append(folder.resolve().relative_to(self.root.resolve()).as_posix())
        return sorted(path for path in paths if any(f"{path}/".startswith(f"{top}/") for top in own))

    def before_commit(self, tree: str) -> str:
        """Run the ``pre-commit`` hook on an index with this tree; the tree that it leaves there."""
        if not self.has_hook("pre-commit"):
            return tree
        index = self.store.scratch / f"commit-{secrets.token_hex(4)}"
        env = {"GIT_INDEX_FILE": str(index)}
        try:
            own = self.store.repository.git_dir / "index"
            if own.is_file():
                shutil.copyfile(own, index)  # for what it knows of the files on disk
                self.ask("read-tree", "--reset", tree, env=env)
            else:
                self.ask("read-tree", tree, env=env)
            user_git(["update-index", "-q", "--refresh"], root=self.root, base=self.env, env=env)
            self.hook("pre-commit", env=env)
            return line(self.ask("write-tree", env=env))
        finally:
            index.unlink(missing_ok=True)

    def move(self, ref: str, new: str, old: str | None, why: str) -> None:
        """Let a ref name a commit, if it still names ``old`` (``None``: nothing).

        Raises:
            KageError: it was moved meanwhile, or the name is taken by a folder of others (exit 4).
        """
        zero = "0" * len(new)
        words = ["update-ref", "-m", f"kage: {why}", "--create-reflog", ref, new, old or zero]
        done = user_git(words, root=self.root, base=self.env)
        if done.code:
            raise refused(
                f"{ref.removeprefix('refs/heads/')} was not moved: {done.err}",
                fix="Try again; or another branch's name may be in its way (git branch -a).",
                code="ref",
            )

    def staged(self, paths: Sequence[str]) -> list[Entry]:
        """The user's index at these paths."""
        if not paths:
            return []
        env = {"GIT_LITERAL_PATHSPECS": "1"}
        found, wanted = [], set(paths)
        few = paths if len(paths) <= FEW else ()
        for text in fields(self.ask("ls-files", "-s", "-z", "--full-name", "--", *few, env=env)):
            meta, path = text.split("\t", 1)
            mode, sha, stage = meta.split(" ")
            if path in wanted:
                found.append(Entry(mode, sha, path, int(stage)))
        return found

    def stage(self, entries: Sequence[Entry]) -> str:
        """Bring entries into the user's index; a note when that could not be done."""
        if not entries:
            return ""
        ordered = sorted(entries, key=lambda entry: entry.mode != ABSENT)
        words = ["update-index", "-z", "--index-info"]
        done = user_git(words, root=self.root, base=self.env, input=index_info(ordered))
        if done.code:
            names = " ".join(entry.path for entry in entries)
            return f"the index could not be brought up to the commit ({done.err}): git reset -q -- {names}"
        user_git(["update-index", "-q", "--refresh"], root=self.root, base=self.env)
        return ""


def _hook_error(name: str, why: str) -> KageError:
    return KageError(
        f"the {name} hook refused: {why}",
        fix="Mend what it names, or give another message with --message.",
        code="hook",
        exit=Exit.REFUSED,
    )
