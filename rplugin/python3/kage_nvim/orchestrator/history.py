"""The user's own commits in words, read with GitPython from the store, which borrows their history.

GitPython reads commits well: one ``cat-file`` that stays open, no parsing of ours. What it cannot read
(SHA-256 repositories, names in no encoding) is left to the hardened runner; see ``trees``.
"""

from __future__ import annotations

from kage_nvim.orchestrator.shadow import Repository, Store


def standing_on(store: Store, repository: Repository) -> str:
    """What a snapshot stands on, in one line: ``1a2b3c4 Mend the parser``; empty when that is nothing yet."""
    import git  # 0.12 s, which only the first run of a kaged pays, beside its slots

    if repository.head is None:
        return ""
    if repository.object_format != "sha1":
        return repository.head[:7]
    with git.Repo(store.git_dir) as repo:
        commit = repo.commit(repository.head)
        subject = commit.summary
        words = subject if isinstance(subject, str) else subject.decode("utf-8", "replace")
        return f"{commit.hexsha[:7]} {words}"
