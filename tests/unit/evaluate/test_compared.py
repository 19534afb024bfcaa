"""A check on two trees: what is gone counts as much as what fails."""

from __future__ import annotations

from kage_nvim.evaluate.compared import with_base, without_flaky
from kage_nvim.evaluate.results import Result, Test


def result(state: str = "pass", **tests: str) -> Result:
    made = [Test(name, outcome) for name, outcome in tests.items()]
    return Result(name="t", state=state, command="x", tests=made)


def test_a_test_that_did_not_run_has_regressed() -> None:
    base = result(a="pass", b="pass", c="fail")
    for here in (result(a="pass"), result(a="pass", b="skip"), result()):
        found = with_base(here, base)
        assert "b" in found.regressed and "c" not in found.regressed
        assert found.state == "fail" and "of the base did not run" in found.summary
        again = without_flaky(found, here, base)
        assert again.regressed == found.regressed and not again.flaky, "the same each time"


def test_a_test_that_failed_at_the_base_is_not_mended_by_leaving_it_out() -> None:
    base = result("fail", a="pass", c="fail")
    for here in (result(a="pass"), result(a="pass", c="skip")):
        found = with_base(here, base)
        assert (found.state, found.regressed) == ("fail", [])
    assert with_base(result(a="pass", n="pass"), base).state == "pass", "it had another name there"


def test_a_check_that_broke_off_says_nothing_of_single_tests() -> None:
    found = with_base(result("timeout"), result(a="pass", b="pass"))
    assert (found.regressed, found.state) == (["t"], "timeout")


def test_names_that_are_new_each_time_count_for_nothing() -> None:
    found = with_base(result(a="pass", x1="pass"), result(a="pass", x2="pass"))
    assert found.regressed == ["x2"]
    found = without_flaky(found, result(a="pass", x3="pass"), result(a="pass", x4="pass"))
    assert (found.state, found.regressed, found.flaky) == ("pass", [], ["x2"])


def test_a_new_failure_beside_old_ones_is_named() -> None:
    found = with_base(result("fail", a="fail", b="fail", n="fail"), result("fail", a="pass", b="fail"))
    assert (found.regressed, found.failing_at_base) == (["a"], ["b"])
    found = with_base(result("fail", a="pass", n="fail"), result(a="pass"))
    assert found.regressed == ["t"], "nothing that the base has, yet the check was content before"


def test_fewer_tests_are_no_pass_where_they_are_only_counted() -> None:
    base = Result(name="t", state="pass", command="x", passed=5, total=5)
    for total in (3, None):
        here = Result(name="t", state="pass", command="x", passed=total, total=total)
        found = with_base(here, base)
        assert (found.state, found.regressed) == ("fail", ["t"])
        assert without_flaky(found, here, base).regressed == ["t"]
        assert without_flaky(found, base, base).state == "pass"
    more = Result(name="t", state="pass", command="x", passed=6, total=6)
    assert with_base(more, base).good
