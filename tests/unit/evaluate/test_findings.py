"""What reviewers say, made findings: read, put where the code is, merged, ranked, and written as SARIF."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kage_nvim.compare.hunks import Hunk
from kage_nvim.evaluate.reviewing.findings import Finding, Patch, merged, same_thing, worst
from kage_nvim.evaluate.reviewing.patches import Unusable, read_patch
from kage_nvim.evaluate.reviewing.reported import arguments, listed, objects, read
from kage_nvim.evaluate.reviewing.sarif import sarif
from kage_nvim.orchestrator.consult import Reply
from kage_nvim.orchestrator.reviewing.kept import moved
from kage_nvim.orchestrator.reviewing.loop import calls_of
from kage_nvim.orchestrator.reviewing.scope import _REQUEST

FILES = {
    "src/a.py": ["def one():", "    return 1", "", "def two():", "    x = one()", "    return x / 0"],
    "b.py": ["print(1)"],
    "empty.py": [],
}


def finding(**more: Any) -> Finding:
    base: dict[str, Any] = {
        "path": "src/a.py",
        "first": 6,
        "last": 6,
        "severity": "warning",
        "role": "security",
        "claim": "The division by zero raises.",
        "code": "    return x / 0",
    }
    return Finding(**(base | more))


def taken(**given: Any) -> tuple[Finding, str]:
    base = {"path": "src/a.py", "first": 6, "last": 6, "severity": "error", "claim": "It divides by zero."}
    return read(base | given, "correctness", list(FILES), FILES.get)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, (6, 6)),
        ({"path": "./src/a.py"}, (6, 6)),
        ({"path": "b/src/a.py"}, (6, 6)),
        ({"path": "/src/a.py"}, (6, 6)),
        ({"path": "a.py"}, (6, 6)),
        ({"first": "5-6", "last": None}, (5, 6)),
        ({"first": None, "last": None, "line": 2}, (2, 2)),
        ({"first": None, "last": None, "lines": [4, 5]}, (4, 5)),
        ({"first": 5, "last": 900}, (5, 6)),
        ({"first": 6, "last": 2}, (6, 6)),
        ({"first": 77, "last": 77, "evidence": "see `return x / 0`"}, (6, 6)),
        ({"first": 1, "last": 1, "evidence": "it says\n```python\nx = one()\nreturn  x / 0\n```"}, (5, 6)),
        ({"first": 0, "last": 0, "evidence": "    return x / 0"}, (6, 6)),
        ({"first": 5, "last": 6, "evidence": "`return x / 0`"}, (5, 6)),
        ({"first": 6, "last": 6, "evidence": "`nothing like it`"}, (6, 6)),
        ({"path": "empty.py", "first": 3, "last": 3}, (1, 1)),
    ],
)
def test_a_finding_stands_where_its_code_is(given: dict[str, Any], where: tuple[int, int]) -> None:
    found, _ = taken(**given)
    assert (found.first, found.last) == where


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"path": "c.py"}, "no text file"),
        ({"path": "../../etc/passwd"}, "no text file"),
        ({"path": ""}, "no `path`"),
        ({"claim": ""}, "no `claim`"),
        ({"first": 40, "last": 41}, "has 6 lines and it names line 40"),
        ({"first": -3, "last": "x"}, "names no line"),
        ({"first": 10**400}, "names line"),
    ],
)
def test_what_is_about_nothing_is_told_back(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Unusable, match=why):
        taken(**given)


def test_words_of_models_are_understood_and_made_safe() -> None:
    found, _ = taken(severity="Critical", confidence="85%", claim="It\x1b[31m is\u202e wrong.\x07")
    assert (found.severity, found.confidence, found.claim) == ("error", 0.85, "It[31m is wrong.")
    assert [taken(severity=word)[0].severity for word in ("nit", "low", "?", None)] == [
        *("hint", "info", "warning", "warning")
    ]
    assert [taken(confidence=word)[0].confidence for word in ("nan", "inf", "high", 7, -1, [])] == [
        *(0.5, 0.5, 0.9, 0.07, 0.0, 0.5)
    ]
    assert len(taken(evidence="x" * 9999)[0].evidence) == 2000


DIFF = """\
--- a/src/a.py
+++ b/src/a.py
@@ -40,3 +40,3 @@
 def two():
-    x = one()
-    return x / 0
+    x = one() or 1
+    return 2 / x
"""


@pytest.mark.parametrize(
    ("given", "patch"),
    [
        ("    return 0", Patch(6, 6, ["    return x / 0"], ["    return 0"])),
        ("```python\n    return 0\n```", Patch(6, 6, ["    return x / 0"], ["    return 0"])),
        (["    return 0"], Patch(6, 6, ["    return x / 0"], ["    return 0"])),
        (DIFF, Patch(5, 6, FILES["src/a.py"][4:6], ["    x = one() or 1", "    return 2 / x"])),
        ("@@ -2,0 +3 @@\n+    # here", Patch(3, 3, [""], ["    # here", ""])),
        (
            "@@ -1 +1 @@\n-def one():\n+def uno():\n@@ -5 +5 @@\n-    x = one()\n+    x = uno()\n",
            Patch(1, 5, FILES["src/a.py"][:5], ["def uno():", *FILES["src/a.py"][1:4], "    x = uno()"]),
        ),
        ("", None),
        (17, None),
    ],
)
def test_a_patch_is_one_replacement(given: Any, patch: Patch | None) -> None:
    assert read_patch(given, 6, 6, FILES["src/a.py"]) == patch


@pytest.mark.parametrize("given", ["    return x / 0", "@@ -1 +1 @@\n-nowhere\n+here", "\n" * 500])
def test_a_patch_that_does_not_fit_is_left_out_and_said(given: str) -> None:
    found, told = taken(patch=given)
    assert found.patch is None and (told or not given.strip())


def test_json_is_found_in_whatever_is_around_it() -> None:
    text = 'Sure! {oops}\n```json\n{"findings": [{"path": "b.py", "claim": "c"}, 7], "done": true}\n```\nBye.'
    (value,) = objects(text)
    assert listed(value) == [{"path": "b.py", "claim": "c"}]
    assert listed([{"file": "b.py", "message": "m"}]) and not listed({"path": "b.py"}) and not listed(3)
    assert arguments('```json\n{"a": 1}\n```') == {"a": 1}
    assert list(objects("[" * 500_000)) == list(objects('{"a":' * 100_000)) == []
    for broken in ("", "[1]", "{", "[" * 100_000):
        with pytest.raises(Unusable):
            arguments(broken)
    names = [call.name for call in calls_of(Reply(text=text))]
    assert names == ["report_finding", "done"]
    spelt = calls_of(Reply(text='{"tool": "read_file", "arguments": {"path": "b.py"}}'))
    assert [(call.name, call.given) for call in spelt] == [("read_file", {"path": "b.py"})]
    assert calls_of(Reply(text="All is well.")) == []


def test_the_same_thing_is_one_finding_and_others_are_not() -> None:
    one = finding()
    two = finding(role="correctness", first=5, last=5, severity="error", claim="Dividing by zero raises here")
    other = finding(role="style", claim="The name x says nothing.")
    far = finding(role="api", first=60, last=60)
    assert same_thing(one, two) and not same_thing(one, other) and not same_thing(one, far)
    found = merged([one, other, far, two, finding(path="b.py")])
    assert (found[0].path, found[0].first, found[0].severity, found[0].agreed) == (
        *("src/a.py", 5, "error"),
        ["correctness", "security"],
    )
    assert len(found) == 4 and len({f.id for f in found}) == 4


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("SQL injection by concatenation.", "Unsanitized input is concatenated into the query.", True),
        ("Divides by zero when the list is empty", "ZeroDivisionError for an empty list", True),
        ("The import is unused.", "The module does not exist, so this import fails.", False),
        ("Unbounded memory.", "The name tells nothing.", False),
    ],
)
def test_two_claims_about_the_same_lines(one: str, two: str, same: bool) -> None:
    code = "import x"
    first, second = finding(claim=one, code=code), finding(claim=two, code=code, role="tests")
    assert same_thing(first, second) is same
    found = merged([first, second])
    said = [text for f in found for text in (f.claim, *(other.partition(": ")[2] for other in f.also))]
    assert sorted(said) == sorted([one, two]) and len(found) == 2 - same


def test_ids_stay_when_lines_move_and_words_change() -> None:
    (one,) = merged([finding()])
    (two,) = merged([finding(first=60, last=60, claim="Zero division!", role="api")])
    assert one.id == two.id
    assert {f.id for f in merged([finding(), finding(claim="Something else entirely.")])} > {one.id}


def test_what_fails_a_build_is_what_is_shown() -> None:
    assert (
        worst([finding()], "warning") and not worst([finding()], "error") and not worst([finding()], "never")
    )
    assert not worst([finding(verdict="refuted"), finding(dismissed=True)], "hint")
    assert worst([finding(verdict="unsure", severity="error")], "error")


@pytest.mark.parametrize(
    ("hunks", "where"),
    [
        ([], (5, 7)),
        ([Hunk(1, 1, 1, 3)], (7, 9)),
        ([Hunk(1, 4, 1, 2)], (3, 5)),
        ([Hunk(5, 5, 5, 6)], (6, 8)),
        ([Hunk(8, 8, 8, 9)], (5, 7)),
        ([Hunk(8, 9, 8, 8)], (5, 7)),
        ([Hunk(6, 6, 6, 7)], None),
        ([Hunk(7, 8, 7, 7)], None),
        ([Hunk(4, 6, 4, 4)], None),
    ],
)
def test_lines_move_with_the_hunks_above_them(hunks: list[Hunk], where: tuple[int, int] | None) -> None:
    assert moved(finding(first=5, last=7), hunks) == where


def test_names_that_pull_requests_have() -> None:
    heads = (
        "FETCH_HEAD",
        "pull/7",
        "pull/7/head",
        "origin/pull/7/head",
        "refs/pull/7/head",
        "pr-12",
        "origin/pr/3",
    )
    assert all(_REQUEST.fullmatch(name) for name in (*heads, "merge-requests/4/head"))
    assert not any(
        _REQUEST.fullmatch(name) for name in ("main", "HEAD~3", "v1.2", "feature/pr", "improve-7", "7")
    )


def test_sarif_has_what_the_standard_wants() -> None:
    patch = Patch(6, 6, ["    return x / 0"], ["    return 0"])
    odd = finding(path="a b/ü.py", verdict="refuted", why="no", id="2", severity="hint", role="style")
    log = sarif(
        [finding(id="1", patch=patch, agreed=["security"]), odd], {"security": "Looks."}, failed=["api: no"]
    )
    assert json.loads(json.dumps(log)) == log
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["kage/security", "kage/style"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("kage/security", 0, "warning")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/a.py" and place["region"] == {
        "startLine": 6,
        "endLine": 6,
    }
    (change,) = first["fixes"][0]["artifactChanges"]
    assert change["replacements"][0] == {
        "deletedRegion": {"startLine": 6, "endLine": 6},  # the line's end stays what it is
        "insertedContent": {"text": "    return 0"},
    }
    # Lines that go take their ends along; an empty file gets its first line.
    gone = sarif([finding(patch=Patch(5, 6, ["a", "b"], []))], {})["runs"][0]["results"][0]
    (only,) = gone["fixes"][0]["artifactChanges"][0]["replacements"]
    assert only["deletedRegion"] == {"startLine": 5, "endLine": 7, "startColumn": 1, "endColumn": 1}
    new = sarif([finding(patch=Patch(0, 0, [], ["a"]))], {})["runs"][0]["results"][0]
    assert new["fixes"][0]["artifactChanges"][0]["replacements"][0] == {
        "deletedRegion": {"startLine": 1, "endLine": 1, "startColumn": 1, "endColumn": 1},
        "insertedContent": {"text": "a\n"},
    }
    assert second["level"] == "note" and second["suppressions"][0]["justification"] == "no"
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%BC.py"
    assert run["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize(
    "patch", ["x" * 50_000, "return \ud800", "return\0 1", "return \u202e1", "1\U000e0041", "y\n" * 500]
)
def test_a_patch_that_is_no_text_or_too_much_is_left_out(patch: str) -> None:
    found, told = taken(patch=patch)
    assert found.patch is None and "its patch was left out" in told


def test_a_word_alone_is_no_quote() -> None:
    with pytest.raises(Unusable, match="quote the code"):
        taken(first=0, last=0, evidence="return")
