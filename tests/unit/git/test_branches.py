"""Landing as commits: on the branch that is checked out, and on others, with real hooks and signing."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from kage_nvim.compare import disk, land
from kage_nvim.errors import Exit, KageError
from kage_nvim.git import IDENTITY
from kage_nvim.model import AgentStatus, CandidateStatus, RunStatus, Task
from kage_nvim.orchestrator import folders, launch
from kage_nvim.orchestrator.landing import branches, commit_message, other_branch, picking, shares
from kage_nvim.orchestrator.landing.branches import Made, Part, Wish
from kage_nvim.orchestrator.landing.committing import Writer
from kage_nvim.orchestrator.landing.picking import Pick
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.shadow import discover
from kage_nvim.records import AgentRecord, RunRecord
from kage_nvim.trees import commit_tree
from tests.conftest import git
from tests.unit.git.support import content, fingerprint, make, on_disk, put, store_of

LINES = b"".join(b"line %d\n" % n for n in range(1, 21))


def changed(number: int, data: bytes = LINES, text: bytes = b"agent\n") -> bytes:
    """The lines with one of them replaced."""
    lines = data.splitlines(keepends=True)
    lines[number - 1] = text
    return b"".join(lines)


class Desk:
    """A user's repository, a run, and candidates that are made by writing files; ``env`` is the client's."""

    env: Mapping[str, str] = {}

    def __init__(self, root: Path, files: dict[str, bytes]) -> None:
        self.root = make(root)
        put(root, files)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "files")
        self.begin()

    def begin(self) -> None:
        """Start a run from what is there now."""
        self.store = store_of(self.root)
        self.base = self.store.snapshot({}).commit
        status = RunStatus(
            id="r1", task="mend it", repository=str(self.root), store="", base=self.base, created=0.0
        )
        self.run = Run(RunRecord(status=status, task=Task("mend it")), discover(self.root), self.store)

    def candidate(self, files: dict[str, bytes | None], **modes: int) -> str:
        """What an agent made of the base; the user's files are as before afterwards."""
        kept = on_disk(self.root)
        for name, data in files.items():
            if data is None:
                folders.remove(self.root / name)
            else:
                put(self.root, {name: data})
        for name, mode in modes.items():
            (self.root / name).chmod(mode)
        tree = self.store.snapshot({}).tree
        for entry in self.root.iterdir():
            if entry.name != ".git":
                folders.remove(entry)
        for name, (mode, data) in kept.items():
            put(self.root, {name: data})
            (self.root / name).chmod(int(mode[3:], 8))
        return commit_tree(self.store, tree, self.base, "candidate")

    def commit(self, *candidates: str, wish: Wish | None = None) -> Made:
        """Land candidates in the working tree and as a commit, as a landing does."""
        wish = wish or Wish(commit=True, message="Mend it")
        yours = self.store.snapshot({})
        now = yours.tree
        for candidate in candidates:
            merged = land.merge(self.store, self.base, now, candidate)
            assert merged.conflicts == []
            now = merged.tree
        files = land.merge(self.store, yours.tree, yours.tree, now).files
        plan = asyncio.run(branches.plan(self.peer, self.run, wish, yours.tree, now, self.parts(candidates)))
        assert disk.verify(self.root, files) == []
        disk.write(self.root, files)
        return asyncio.run(branches.commit(plan))

    def branch(self, *candidates: str, name: str = "work", how: str = "") -> Made:
        wish = Wish(branch=name, how=how, message="Mend it")
        return asyncio.run(other_branch.branch(self.peer, self.run, wish, self.parts(candidates)))

    def parts(self, candidates: Sequence[str]) -> list[Part]:
        return [Part([number], self.base, candidate) for number, candidate in enumerate(candidates, 1)]

    @property
    def peer(self) -> Peer:
        return cast(Peer, SimpleNamespace(hello=SimpleNamespace(env=self.env)))

    def hook(self, name: str, script: str) -> None:
        """One of the user's hooks."""
        file = self.root / ".git" / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def git(self, *words: str) -> str:
        return git(self.root, *words)

    def show(self, name: str) -> bytes:
        """A file of a commit, or of the index (``:a``)."""
        return subprocess.run(["git", "show", name], cwd=self.root, capture_output=True, check=True).stdout


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "project", {"a": LINES, "b": LINES, "gone": b"gone\n", "run": b"#!/bin/sh\n"})


def refused(code: str, exit: Exit = Exit.REFUSED) -> Any:
    """The error that is expected, with a fix in it."""

    def right(error: BaseException) -> bool:
        return isinstance(error, KageError) and (error.code, error.exit, bool(error.fix)) == (
            code,
            exit,
            True,
        )

    class Expected:
        def __enter__(self) -> None:
            pass

        def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
            assert error is not None, "nothing was refused"
            assert right(error), repr(error)
            return True

    return Expected()


def test_a_commit_holds_what_was_landed_and_nothing_of_the_users(desk: Desk) -> None:
    moved = {"new/file": b"new\n", "gone": None, "a": changed(3)}
    made = desk.candidate(moved, run=0o755)
    put(desk.root, {"a": changed(18, text=b"mine\n"), "b": changed(2, text=b"staged\n"), "own": b"own\n"})
    desk.git("add", "b")
    put(desk.root, {"b": changed(9, changed(2, text=b"staged\n"), b"not staged\n")})
    desk.git("config", "user.email", "grace@example.org")
    done = desk.commit(made)
    assert desk.git("rev-parse", "HEAD") == done.commits[-1]
    assert done.branch == "main"
    names = desk.git("show", "--format=%an <%ae> %cn", "--name-status", "--no-renames", "HEAD").splitlines()
    assert names == ["Ada <grace@example.org> Ada", "", "M\ta", "D\tgone", "A\tnew/file", "M\trun"]
    assert desk.show("HEAD:a") == changed(3)
    assert desk.git("ls-tree", "HEAD", "run").startswith("100755")
    assert desk.show(":b") == changed(2, text=b"staged\n")
    assert desk.git("status", "--porcelain").splitlines() == [" M a", "MM b", "?? own"]
    assert (desk.root / "a").read_bytes() == changed(3, changed(18, text=b"mine\n"))
    assert desk.git("reflog", "-1", "--format=%gs") == "kage: Mend it"
    assert desk.git("fsck", "--strict") == ""


def test_what_is_staged_in_a_landed_file_stays_staged(desk: Desk) -> None:
    made = desk.candidate({"a": changed(3)})
    put(desk.root, {"a": changed(18, text=b"staged\n")})
    desk.git("add", "a")
    desk.commit(made)
    assert desk.show("HEAD:a") == changed(3)
    assert desk.show(":a") == changed(3, changed(18, text=b"staged\n"))
    assert desk.git("status", "--porcelain") == "M  a"


def test_lines_beside_uncommitted_ones_are_refused_before_anything_is_changed(desk: Desk) -> None:
    put(desk.root, {"a": changed(3, text=b"mine\n"), "own": b"one\ntwo\nthree\n"})
    desk.begin()  # the agent sees the user's own lines and goes on from them
    beside = desk.candidate({"a": changed(4, changed(3, text=b"mine\n"))})
    untracked = desk.candidate({"own": b"one\ntwo\nagent\n"})
    before = fingerprint(desk.root)
    for made in (beside, untracked):
        with refused("overlap"):
            desk.commit(made)
        with refused("overlap"):
            desk.branch(made)
    assert fingerprint(desk.root) == before
    # What is only staged counts as well.
    put(desk.root, {"a": changed(3, text=b"staged\n")})
    desk.git("add", "a")
    put(desk.root, {"a": LINES})
    desk.begin()
    made = desk.candidate({"a": changed(3)})
    before = fingerprint(desk.root)
    with refused("overlap"):
        desk.commit(made)
    assert fingerprint(desk.root) == before


def test_where_no_commit_can_be_made_it_is_said(desk: Desk) -> None:
    made = desk.candidate({"a": changed(3)})
    with refused("usage", Exit.USAGE):
        Wish(commit=True, branch="x").check()
    (desk.root / ".git" / "MERGE_HEAD").write_text(f"{desk.git('rev-parse', 'HEAD')}\n")
    with refused("state"):
        desk.commit(made)
    (desk.root / ".git" / "MERGE_HEAD").unlink()
    desk.git("switch", "-q", "--detach")
    with refused("detached"):
        desk.commit(made)
    desk.git("switch", "-q", "main")
    (desk.root / ".git" / "index.lock").write_text("")
    with refused("locked"):
        desk.commit(made)
    (desk.root / ".git" / "index.lock").unlink()
    desk.git("config", "user.name", "")
    with refused("identity"):
        desk.commit(made)
    desk.git("config", "--unset", "user.name")
    desk.commit(made)
    with refused("nothing", Exit.NOTHING):
        desk.commit(desk.candidate({}))


def test_the_environment_says_in_whose_name_as_git_does(desk: Desk) -> None:
    desk.git("config", "user.useConfigOnly", "true")
    desk.git("config", "user.name", "")
    desk.env = {
        "GIT_AUTHOR_NAME": "Eve",
        "GIT_AUTHOR_EMAIL": "eve@example.org",
        "GIT_AUTHOR_DATE": "@86400 +0000",
    }
    made = desk.candidate({"a": changed(3)})
    with refused("identity"):
        desk.commit(made)  # nothing says who commits
    desk.env = {**desk.env, "GIT_COMMITTER_NAME": "Cy", "GIT_COMMITTER_EMAIL": "cy@example.org"}
    desk.env = {**desk.env, "GIT_AUTHOR_DATE": "soon"}
    with refused("identity"):
        desk.commit(made)
    assert desk.git("status", "--porcelain") == ""
    desk.env = {**desk.env, "GIT_AUTHOR_DATE": "@86400 +0000", "GIT_DIR": "/nowhere"}
    desk.commit(made)
    said = desk.git("log", "-1", "--format=%an %ae %at %cn %ce")
    assert said == "Eve eve@example.org 86400 Cy cy@example.org"
    assert not set(IDENTITY) & launch.agent_environment(desk.peer).keys()


class Killed(BaseException):
    """The end of the process."""


def test_a_commit_that_is_broken_off_leaves_nothing_the_wrong_way_round(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.candidate({"a": changed(3), "gone": None, "new": b"new\n"})
    put(desk.root, {"a": changed(18, text=b"staged\n")})
    desk.git("add", "a")
    before = desk.git("ls-files", "-s"), desk.git("rev-parse", "HEAD")
    monkeypatch.setattr(Writer, "move", stopped_by(shares.nothing("main")))
    with refused("nothing", Exit.ERROR):
        desk.commit(made)  # the branch was moved by somebody else
    assert (desk.git("ls-files", "-s"), desk.git("rev-parse", "HEAD")) == before
    desk.git("checkout", "-q", "--", "gone")
    put(desk.root, {"a": changed(18, text=b"staged\n")})
    (desk.root / "new").unlink()
    monkeypatch.setattr(Writer, "move", stopped_by(Killed()))
    with pytest.raises(Killed):
        desk.commit(made)
    assert desk.git("status", "--porcelain").splitlines() == ["M  a", "D  gone", "A  new"]
    assert desk.git("rev-parse", "HEAD") == before[1]


def stopped_by(error: BaseException) -> Any:
    """A function that only raises."""

    def stop(*_: object) -> None:
        raise error

    return stop


def test_a_name_that_stands_for_a_branch_is_that_branch(desk: Desk) -> None:
    made = desk.candidate({"a": changed(3)})
    desk.git("symbolic-ref", "refs/heads/sym", "refs/heads/main")
    desk.git("symbolic-ref", "refs/heads/tag", "refs/tags/v1")
    desk.git("branch", "other")
    desk.git("symbolic-ref", "refs/heads/alias", "refs/heads/other")
    before = fingerprint(desk.root)
    for name in ("sym", "tag"):
        with refused("refused"):
            desk.branch(made, name=name, how="squash")
    assert fingerprint(desk.root) == before
    done = desk.branch(made, name="alias", how="squash")
    assert (done.branch, desk.git("rev-parse", "other")) == ("other", done.commits[-1])
    assert desk.git("symbolic-ref", "refs/heads/alias") == "refs/heads/other"


def test_candidates_that_add_nothing_have_no_commit(desk: Desk) -> None:
    one, two = desk.candidate({"a": changed(3)}), desk.candidate({"b": changed(3)})
    done = desk.branch(one, one, two)
    assert len(done.commits) == 2
    assert done.notes == ["candidate 2 adds nothing to those before it: it has no commit"]
    assert len(desk.git("log", "--format=%H", "main..work").splitlines()) == 2
    done = desk.commit(one, one, two, wish=Wish(how="rebase"))
    assert (len(done.commits), len(done.notes)) == (2, 1)


def test_the_first_commit_of_a_repository(tmp_path: Path) -> None:
    root = tmp_path / "unborn"
    root.mkdir()
    git(root, "init", "-q")
    put(root, {"own": b"own\n"})
    desk = object.__new__(Desk)
    desk.root = root
    desk.begin()
    made = desk.candidate({"first": b"first\n"})
    with refused("refused"):
        desk.branch(made, name="main")
    assert desk.branch(made, name="other").branch == "other"
    desk.commit(made)
    assert desk.git("log", "--format=%s", "--name-only") == "Mend it\n\nfirst"
    assert desk.git("status", "--porcelain") == "?? own"
    assert desk.git("log", "--format=%P", "other") == ""


def test_hooks_see_the_commit_and_may_refuse_or_change_it(desk: Desk) -> None:
    made = desk.candidate({"a": changed(3)})
    put(desk.root, {"b": changed(1, text=b"mine\n")})
    desk.hook("pre-commit", 'test "$(git diff --cached --name-only)" = a || exit 7; echo no >&2; exit 1')
    head = desk.git("rev-parse", "HEAD")
    with refused("hook", Exit.ERROR):
        desk.commit(made)
    assert desk.git("rev-parse", "HEAD") == head
    assert (desk.root / "a").read_bytes() == changed(3)  # landed, as the error says
    put(desk.root, {"a": LINES})
    desk.hook("pre-commit", "printf 'by the hook\\n' > stamp; git add stamp")
    desk.hook("commit-msg", 'printf "Change-Id: I1\\n" >> "$1"')
    desk.hook("post-commit", "git rev-parse HEAD > seen")
    desk.hook("prepare-commit-msg", "unset GIT_INDEX_FILE; git add b")  # the user stages meanwhile
    done = desk.commit(made)
    assert desk.git("show", "--format=", "--name-only", "HEAD").splitlines() == ["a", "stamp"]
    assert "Change-Id: I1" in desk.git("log", "-1", "--format=%B")
    assert (desk.root / "seen").read_text().strip() == done.commits[-1]
    assert desk.git("status", "--porcelain").splitlines() == ["M  b", "?? seen"]


def test_hooks_that_a_landing_brings_are_not_run_unseen(desk: Desk) -> None:
    told = desk.candidate({".pre-commit-config.yaml": b"repos: []\n"})
    brought = desk.candidate({".githooks/pre-commit": b"#!/bin/sh\ntouch ran\n"})
    desk.hook("commit-msg", "exit 0")
    with refused("hooks"):
        desk.commit(told)
    desk.git("config", "core.hooksPath", ".githooks")
    with refused("hooks"):
        desk.commit(brought)
    assert desk.git("status", "--porcelain") == ""
    desk.commit(told)


def test_commits_are_signed_when_the_user_signs(desk: Desk, tmp_path: Path) -> None:
    signer = tmp_path / "signer"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null\nprintf '[GNUPG:] SIG_CREATED \\n' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\nfake\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signer.chmod(0o755)
    desk.git("config", "gpg.program", str(signer))
    made = desk.candidate({"a": changed(3)})
    desk.branch(made, name="plain")
    desk.git("config", "commit.gpgsign", "true")
    desk.branch(made, name="signed")
    assert "gpgsig" in desk.git("cat-file", "commit", "signed")
    assert "gpgsig" not in desk.git("cat-file", "commit", "plain")
    signer.write_text("#!/bin/sh\necho no key >&2\nexit 1\n")
    with refused("git", Exit.ERROR):
        desk.commit(made)


def test_line_ends_and_filters_are_those_of_git(tmp_path: Path) -> None:
    crlf = LINES.replace(b"\n", b"\r\n")
    root = make(tmp_path / "project")
    git(root, "config", "filter.up.clean", "tr a-z A-Z")
    git(root, "config", "filter.up.smudge", "tr A-Z a-z")
    put(
        root, {".gitattributes": b"text eol=crlf\n*.up filter=up\n", "text": crlf, "raw": crlf, "x.up": LINES}
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "files")
    desk = object.__new__(Desk)
    desk.root = root
    desk.begin()
    made = desk.candidate(
        {"text": changed(3, crlf, b"agent\r\n"), "raw": changed(3, crlf, b"agent\r\n"), "x.up": changed(3)}
    )
    put(root, {"text": changed(18, crlf, b"mine\r\n")})
    desk.branch(made)
    desk.commit(made)
    for name in ("HEAD", "work"):
        assert desk.show(f"{name}:text") == changed(3)
        assert desk.show(f"{name}:raw") == changed(3, crlf, b"agent\r\n")
        assert desk.show(f"{name}:x.up") == changed(3).upper()
    assert desk.git("status", "--porcelain") == " M text"


def test_a_new_branch_has_the_agents_change_alone(desk: Desk) -> None:
    (desk.root / "b").write_bytes(changed(2, text=b"mine\n"))
    desk.begin()  # the user's uncommitted line is in the base
    one = desk.candidate({"a": changed(3), "moved": LINES + b"more\n", "gone": None})
    two = desk.candidate({"b": changed(15, changed(2, text=b"mine\n"), b"two\n")})
    before = {k: v for k, v in fingerprint(desk.root).items() if not k.startswith(".git")}
    index = desk.git("ls-files", "-s")
    done = desk.branch(one, two)
    assert desk.git("rev-parse", "work") == done.commits[-1]
    assert desk.git("log", "--format=%s", "work").splitlines() == ["Mend it", "Mend it", "files", "first"]
    assert desk.show("work:b") == changed(15, text=b"two\n")
    assert desk.show("work:a") == changed(3)
    assert {k: v for k, v in fingerprint(desk.root).items() if not k.startswith(".git")} == before
    assert desk.git("ls-files", "-s") == index
    desk.branch(one, two, name="one", how="squash")
    assert desk.git("rev-list", "--count", "main..one") == "1"
    assert desk.git("diff", "one", "work") == ""
    assert desk.git("reflog", "-1", "--format=%gs", "one") == "kage: Mend it"


@pytest.mark.parametrize("how", ["merge", "rebase", "squash"])
def test_into_a_branch_that_went_on(desk: Desk, how: str) -> None:
    one, two = desk.candidate({"a": changed(3)}), desk.candidate({"b": changed(9)})
    desk.git("switch", "-q", "-c", "work")
    desk.git("mv", "a", "renamed")
    put(desk.root, {"renamed": changed(18, text=b"work\n")})
    desk.git("commit", "-qam", "went on")
    tip = desk.git("rev-parse", "work")
    desk.git("switch", "-q", "main")
    done = desk.branch(one, two, how=how)
    assert desk.show("work:renamed") == changed(3, changed(18, text=b"work\n"))
    assert desk.show("work:b") == changed(9)
    parents = desk.git("log", "-1", "--format=%P", "work").split()
    if how == "merge":
        assert parents == [tip, *done.commits[:2]]
        assert desk.show(f"{parents[1]}:a") == changed(3)
        assert desk.show(f"{parents[2]}:b") == changed(9)
    else:
        assert desk.git("rev-list", "--count", f"{tip}..work") == {"rebase": "2", "squash": "1"}[how]
    with refused("nothing", Exit.NOTHING):
        desk.branch(one, two, how=how)
    assert desk.git("status", "--porcelain") == ""
    assert desk.git("fsck", "--strict") == ""


def test_a_branch_that_will_not_do_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    made = desk.candidate({"a": changed(3)})
    desk.git("branch", "taken")
    desk.git("worktree", "add", "-q", str(tmp_path / "other"), "-b", "elsewhere")
    desk.git("switch", "-q", "-c", "apart")
    put(desk.root, {"a": changed(3, text=b"apart\n")})
    desk.git("commit", "-qam", "apart")
    desk.git("switch", "-q", "main")
    refs = desk.git("for-each-ref")
    with refused("exists"):
        desk.branch(made, name="taken")
    for name in ("a..b", "-x", "@{-1}", "HEAD", "", "x.lock"):
        with refused("usage", Exit.USAGE):
            desk.branch(made, name=name)
    with refused("ref"):
        desk.branch(made, name="taken/below")
    with refused("refused"):
        desk.branch(made, name="elsewhere", how="rebase")
    with refused("refused"):
        desk.branch(made, name="main", how="merge")
    with refused("refused"):
        desk.branch(made, name="nowhere", how="merge")
    for how in ("merge", "rebase", "squash"):
        with refused("overlap"):
            desk.branch(made, name="apart", how=how)
    assert desk.git("for-each-ref") == refs


@pytest.mark.parametrize("how", ["merge", "rebase", "squash"])
def test_into_the_branch_that_is_checked_out(desk: Desk, how: str) -> None:
    one, two = desk.candidate({"a": changed(3)}), desk.candidate({"b": changed(9)})
    start = desk.git("rev-parse", "HEAD")
    put(desk.root, {"own": b"own\n"})
    desk.git("add", "own")
    desk.git("commit", "-qm", "own")
    put(desk.root, {"a": changed(18, text=b"mine\n")})
    tip = desk.git("rev-parse", "HEAD")
    desk.commit(one, two, wish=Wish(how=how, message="Mend it"))
    assert desk.show("HEAD:a") + desk.show("HEAD:b") == changed(3) + changed(9)
    first = desk.git("rev-list", "--first-parent", "--count", f"{tip}..HEAD")
    assert first == {"merge": "1", "rebase": "2", "squash": "1"}[how]
    if how == "merge":
        assert desk.git("log", "-1", "--format=%P").split()[0] == tip
        assert desk.git("rev-list", "--count", f"{start}..HEAD", f"^{tip}") == "3"
    assert desk.git("status", "--porcelain") == " M a"


def test_submodule_pointers_stay(desk: Desk) -> None:
    commit = desk.git("rev-parse", "HEAD")
    desk.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    desk.git("commit", "-qm", "a pointer")
    (desk.root / "sub").mkdir()
    desk.begin()
    made = desk.candidate({"a": changed(3)})
    desk.branch(made)
    desk.commit(made)
    for name in ("HEAD", "work"):
        assert desk.git("ls-tree", name, "sub").split()[:3] == ["160000", "commit", commit]


def test_picks_are_what_was_shown(desk: Desk) -> None:
    crlf = changed(3, LINES.replace(b"\n", b"\r\n"), b"agent\n")[:-2]
    one = desk.candidate({"a": crlf, "moved": b"1\n2\n3\n4\n", "gone": None}, run=0o755)
    two = desk.candidate({"a": changed(3), "b": changed(1)})
    shown = [CandidateStatus(number=n, commit=commit) for n, commit in enumerate((one, two), 1)]

    def tree(*picks: Pick) -> dict[str, tuple[str, bytes]]:
        return content(desk.store, picking.composed(desk.store, desk.base, desk.base, shown, picks))

    def pick(agent: int, path: str, *hunk: int, what: str = "hunk") -> Pick:
        commit = (one, two)[agent - 1]
        return msgspec.convert(
            {"path": path, "agent": agent, "commit": commit, "what": what, "hunk": hunk or (1, 1, 1, 1)}, Pick
        )

    base = content(desk.store, desk.base)
    assert tree(pick(1, "a", 1, 21, 1, 21))["a"] == ("100644", crlf)
    assert tree(pick(1, "a", 20, 21, 20, 21), pick(2, "a", 3, 4, 3, 4), pick(2, "b", 1, 2, 1, 2)) == base | {
        "a": ("100644", changed(20, changed(3), b"line 20")),
        "b": ("100644", changed(1)),
    }
    assert tree(pick(1, "run", what="mode"))["run"] == ("100755", base["run"][1])
    assert "gone" not in tree(pick(1, "gone", what="whole"))
    assert tree(pick(1, "moved", what="whole"))["moved"][1] == b"1\n2\n3\n4\n"
    for wrong in (
        [pick(1, "a", 3, 5, 3, 5), pick(2, "a", 4, 5, 4, 5)],
        [pick(1, "a", 3, 90, 3, 5)],
        [pick(1, "a", 3, 4, 0, 5)],
        [pick(1, "b", 1, 2, 1, 2)],
        [pick(1, "moved", 1, 1, 1, 2)],
        [pick(1, "a", what="whole"), pick(2, "a", what="whole")],
    ):
        with refused("usage", Exit.USAGE):
            tree(*wrong)
    with refused("changed"):
        tree(msgspec.structs.replace(pick(1, "a", 3, 4, 3, 4), commit=two))


def test_a_message_is_the_agents_own_words(desk: Desk, tmp_path: Path) -> None:
    for words, subject in {
        "## Summary\n\nadd() returned the difference. It sums now.": "add() returned the difference",
        "Done! I fixed the parser, as asked.\n": "I fixed the parser, as asked",
        "Changes:\n- **add()** sums e.g. 1.5 and 2 now": "add() sums e.g. 1.5 and 2 now",
        "Done.": "mend add()",
        "": "mend add()",
        "x" * 80: "mend add()",
        "one two three " + "y" * 80: "one two three…",
    }.items():
        assert commit_message.written("mend add()", [words]).splitlines()[0] == subject
    written = commit_message.written(
        "mend add()\nplease", ["add() sums now. " + "So it goes on and on. " * 9]
    )
    lines = written.splitlines()
    assert (lines[0], lines[1]) == ("add() sums now", "")
    assert max(map(len, lines)) <= 72
    assert lines[-2:] == ["The task was: mend add()", "please"]
    assert (
        commit_message.written("mend add()", ["one did this", "two did that"]).splitlines()[0] == "mend add()"
    )
    assert len(commit_message.written("w" * 300, []).splitlines()[0]) <= 72
    agent = Agent(
        AgentRecord(
            run="r1", status=AgentStatus(number=1, player="fast", model="m\x1b[1m"), slot=1, token=""
        ),
        cast(Any, SimpleNamespace(tree=tmp_path)),
    )
    desk.run.agents[1] = agent
    whole = commit_message.message(desk.run, [1], "Mine\n\nSigned-off-by: Ada <a@b>")
    assert whole.splitlines() == [
        "Mine",
        "",
        "Signed-off-by: Ada <a@b>",
        "Assisted-by: fast (m[1m) via Kage",
    ]
