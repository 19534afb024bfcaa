"""Probing: the same calls made on every candidate's tree, in the sandbox."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Mapping

import msgspec

from kage_nvim.evaluate.ranking.matrix import is_test
from kage_nvim.evaluate.ranking.probes import questions
from kage_nvim.evaluate.ranking.probes.questions import Answers, Files, Question, Told
from kage_nvim.orchestrator.checking.trials import Ground, Trials
from kage_nvim.store import Database
from kage_nvim.trees import Entry, entries, read_blobs, up_to

SECONDS = 60.0
"""What all calls on one candidate may take together."""
TWICE = """\
export PYTHONDONTWRITEBYTECODE=1
program="${TMPDIR:-/tmp}/probe.py"
cat > "$program"
for seed in 1 2; do PYTHONHASHSEED=$seed python3 "$program"; done
"""
"""The same calls with another order of sets: what differs is chance, and says nothing."""
MOST_SOURCES, SOURCE_SIZE = 400, 200_000
"""How many tests and documents are searched for calls, and the largest of them in bytes."""


async def probe(
    trials: Trials,
    kept: Database,
    ground: Ground,
    base_tree: str,
    trees: Mapping[int, str],
    base: Mapping[str, bytes],
    files: Files,
) -> tuple[list[Question], dict[int, Told]]:
    """Call what the candidates changed. ``trees`` are theirs, ``base`` and ``files`` the changed files that
    are no tests, before and after; what a tree answered is ``kept``. Empty when
    there is nothing to call, or no Python to call it with.

    Raises:
        KageError: a tree cannot be laid out.
    """
    if not any(path.endswith(".py") for there in files.values() for path in there):
        return [], {}
    listed = await asyncio.to_thread(entries, ground.store, base_tree)
    sources = await asyncio.to_thread(_sources, ground, listed)
    asked = await asyncio.to_thread(questions.ask, base, files, sources)
    if not asked:
        return [], {}
    paths = {entry.path for entry in listed} | {path for there in files.values() for path in there}
    text = questions.program(asked, paths)

    key = hashlib.sha256(msgspec.json.encode((TWICE, text, ground.settings.setup))).digest()

    async def one(tree: str) -> list[Answers] | None:
        before = kept.result(tree, key)
        if before is not None:
            return questions.answers(zlib.decompress(before), asked)
        done = await trials.command(ground, tree, ["sh", "-c", TWICE], stdin=text, timeout=SECONDS)
        found = questions.answers(done.output, asked)
        if found is not None and not done.returncode and not done.timed_out:
            kept.keep_result(tree, key, zlib.compress(done.output, 1))
        return found

    different = sorted(set(trees.values()))
    by_tree = dict(zip(different, await asyncio.gather(*map(one, different)), strict=True))
    answers = {number: found for number, tree in trees.items() if (found := by_tree[tree]) is not None}
    if len(answers) < len(trees):
        return [], {}
    return asked, await asyncio.to_thread(questions.told, asked, answers, base, files)


def _sources(ground: Ground, listed: list[Entry]) -> list[bytes]:
    """The base's tests that are Python, which show how functions are called."""
    shas = [entry.sha for entry in listed if entry.path.endswith(".py") and is_test(entry.path)]
    fit = up_to(ground.store, shas[:MOST_SOURCES], SOURCE_SIZE)
    return list(read_blobs(ground.store, fit).values())
