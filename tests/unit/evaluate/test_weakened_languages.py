"""Weakened tests in other languages than Python are named; what is no weakening is not."""

from __future__ import annotations

import pytest

from tests.unit.evaluate.test_weakened import named

TEXTS = {
    "cart.test.js": """\
const { total } = require('./cart');
describe('cart', () => {
  it('totals', () => {
    expect(total([1, 2])).toBe(3);
    expect(total([])).toEqual(0);
  });
  it('is near', async () => { expect(await mean([0.1])).toBeCloseTo(0.1, 8); });
  it.each([[1, 1], [2, 4], [3, 9]])('squares %i', (a, b) => {
    expect(a * a).toStrictEqual(b);
  });
  test('refuses', () => { expect(() => total(null)).toThrow(TypeError); });
});
""",
    "test/cart.js": """\
const assert = require('assert');
describe('cart', function () {
  it('totals', function () {
    assert.strictEqual(total([1, 2]), 3);
    assert.deepEqual(items([1]), [1]);
  });
});
""",
    "cart_test.go": """\
package cart

import "testing"

func TestTotal(t *testing.T) {
	cases := []struct{ in []int; want int }{
		{[]int{1}, 1},
		{[]int{1, 2}, 3},
	}
	for _, c := range cases {
		if got := Total(c.in); got != c.want {
			t.Errorf("Total(%v) = %d", c.in, got)
		}
	}
}

func TestMean(t *testing.T) {
	require.Equal(t, 1.5, Mean(1, 2))
	assert.InDelta(t, 0.1, Mean(0.1), 0.0001)
}
""",
    "src/lib.rs": """\
pub fn total(x: &[i32]) -> i32 { x.iter().sum() }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up() {
        assert_eq!(total(&[1, 2]), 3);
        assert!(total(&[]) == 0, "empty");
    }
}
""",
    "src/test/java/CartTest.java": """\
import org.junit.jupiter.api.Test;

class CartTest {
    @Test
    void totals() {
        assertEquals(3, Cart.total(1, 2));
        assertEquals(0.3, Cart.mean(0.1, 0.5), 0.0001);
        assertThat(Cart.names()).containsExactly("tea");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void keeps(int n) {
        assertThrows(IllegalArgumentException.class, () -> Cart.total(-n));
    }
}
""",
    "spec/cart_spec.rb": """\
describe Cart do
  it "totals" do
    expect(Cart.new(1, 2).total).to eq(3)
    expect(Cart.new.total).to be_within(0.001).of(0)
  end

  it "refuses" do
    expect { Cart.new(nil) }.to raise_error(ArgumentError)
  end
end
""",
    "tests/cart_test.cc": """\
#include <gtest/gtest.h>

TEST(Cart, Totals) {
  EXPECT_EQ(Total({1, 2}), 3);
  EXPECT_NEAR(Mean({1, 2}), 1.5, 0.001);
}
""",
    "tests/test_cart.c": """\
#include <assert.h>

static void test_total(void) {
    assert(total(1, 2) == 3);
    assert(strcmp(name(), "tea") == 0);
}
""",
}
JS, MOCHA, GO, RUST, JAVA, RUBY, GTEST, C = TEXTS
WAYS: list[tuple[str, str, str, str]] = [
    (JS, "skipped", "it('totals'", "it.skip('totals'"),
    (JS, "skipped", "it('totals'", "xit('totals'"),
    (JS, "skipped", "describe('cart'", "describe.skip('cart'"),
    (JS, "skipped", "describe('cart'", "xdescribe('cart'"),
    (JS, "skipped", "test('refuses'", "test.only('refuses'"),
    (JS, "skipped", "it('is near'", "fit('is near'"),
    (JS, "skipped", "test('refuses', () => { expect(() => total(null)).toThrow(TypeError); })", "test.todo('refuses')"),
    (JS, "xfail", "test('refuses'", "test.failing('refuses'"),
    (JS, "deleted", "test('refuses', () => { expect(() => total(null)).toThrow(TypeError); });", ""),
    (JS, "deleted", "test('refuses'", "// test('refuses'"),
    (JS, "deleted", "test('refuses'", "const unused = ('refuses'"),
    (JS, "assertion removed", "expect(total([1, 2])).toBe(3);", ""),
    (JS, "assertion removed", "expect(total([1, 2])).toBe(3);", "// expect(total([1, 2])).toBe(3);"),
    (JS, "assertion removed", "expect(total([1, 2])).toBe(3);", "return;\n    expect(total([1, 2])).toBe(3);"),
    (JS, "assertion removed", "expect(total([1, 2])).toBe(3);", "if (false) { expect(total([1, 2])).toBe(3); }"),
    (JS, "tautology", "expect(total([1, 2])).toBe(3);", "expect(true).toBe(true);"),
    (JS, "tautology", "expect(total([1, 2])).toBe(3);", "expect(total([1, 2]));"),
    (JS, "loosened", "toBe(3)", "toBeTruthy()"),
    (JS, "loosened", "toBe(3)", "toBeDefined()"),
    (JS, "loosened", "toBe(3)", "not.toBeNull()"),
    (JS, "loosened", "toBe(3)", "toBeGreaterThan(0)"),
    (JS, "loosened", "toBe(3)", "toEqual(expect.anything())"),
    (JS, "loosened", "toStrictEqual(b)", "toBeLessThan(100)"),
    (JS, "loosened", "toThrow(TypeError)", "toThrow()"),
    (JS, "tolerance", "toBeCloseTo(0.1, 8)", "toBeCloseTo(0.1, 1)"),
    (JS, "expectation", "toBe(3)", "toBe(4)"),
    (JS, "fewer cases", ", [2, 4], [3, 9]]", "]"),
    (JS, "swallowed", "expect(total([1, 2])).toBe(3);", "try { expect(total([1, 2])).toBe(3); } catch (e) {}"),
    (JS, "exit", "expect(total([1, 2])).toBe(3);", "process.exit(0); expect(total([1, 2])).toBe(3);"),
    (JS, "timeout", "expect(total([])).toEqual(0);\n  });", "expect(total([])).toEqual(0);\n  }, 60000);"),
    (JS, "retries", "expect(total([])).toEqual(0);", "jest.retryTimes(3); expect(total([])).toEqual(0);"),
    (JS, "patched", "const { total }", "jest.mock('./cart', () => ({ total: () => 3 }));\nconst { total }"),
    (JS, "patched", "const { total } = require('./cart');", "const total = () => 3;"),
    (JS, "guarded", "expect(total([1, 2])).toBe(3);", "if (process.env.X) { expect(total([1, 2])).toBe(3); }"),
    (JS, "skipped", "describe('cart'", "if (false) describe('cart'"),
    (JS, "loosened", "toThrow(TypeError)", "toThrow(Error)"),
    (MOCHA, "loosened", "assert.strictEqual(total([1, 2]), 3)", "assert.ok(total([1, 2]))"),
    (MOCHA, "loosened", "assert.strictEqual(total([1, 2]), 3)", "assert(total([1, 2]) > 0)"),
    (MOCHA, "tautology", "assert.strictEqual(total([1, 2]), 3)", "assert(true)"),
    (MOCHA, "skipped", "    assert.strictEqual", "    this.skip();\n    assert.strictEqual"),
    (GO, "skipped", "	cases :=", "	t.Skip(\"later\")\n	cases :="),
    (GO, "not collected", "TestMean", "testMean"),
    (GO, "deleted", "func TestMean(t *testing.T) {", "/*\nfunc TestMean(t *testing.T) {"),
    (GO, "not collected", "package cart", "//go:build never\n\npackage cart"),
    (GO, "fewer cases", "		{[]int{1, 2}, 3},\n", ""),
    (GO, "assertion removed", "t.Errorf(", "t.Logf("),
    (GO, "loosened", "require.Equal(t, 1.5, Mean(1, 2))", "require.NotNil(t, Mean(1, 2))"),
    (GO, "tolerance", "0.0001", "0.5"),
    (GO, "assertion removed", "	require.Equal(t, 1.5, Mean(1, 2))\n", ""),
    (GO, "tautology", "got != c.want {", "got != c.want && false {"),
    (GO, "swallowed", "	cases :=", "	defer func() { recover() }()\n	cases :="),
    (GO, "fewer cases", "range cases", "range cases[:1]"),
    (GO, "exit", "func TestMean", "func TestMain(m *testing.M) { m.Run(); os.Exit(0) }\n\nfunc TestMean"),
    (RUST, "skipped", "    #[test]", "    #[test]\n    #[ignore]"),
    (RUST, "not collected", "    #[test]\n", ""),
    (RUST, "not collected", "#[cfg(test)]", "#[cfg(feature = \"never\")]"),
    (RUST, "expected failure", "    #[test]", "    #[test]\n    #[should_panic]"),
    (RUST, "loosened", "assert_eq!(total(&[1, 2]), 3);", "assert!(total(&[1, 2]) > 0);"),
    (RUST, "tautology", "assert_eq!(total(&[1, 2]), 3);", "assert!(true);"),
    (RUST, "assertion removed", "assert_eq!(total(&[1, 2]), 3);", ""),
    (RUST, "loosened", "assert_eq!(total(&[1, 2]), 3);", "debug_assert_eq!(total(&[1, 2]), 3);"),
    (JAVA, "skipped", "    @Test\n", "    @Disabled\n    @Test\n"),
    (JAVA, "skipped", "class CartTest", "@Ignore\nclass CartTest"),
    (JAVA, "not collected", "    @Test\n", ""),
    (JAVA, "loosened", "assertEquals(3, Cart.total(1, 2))", "assertNotNull(Cart.total(1, 2))"),
    (JAVA, "tautology", "assertEquals(3, Cart.total(1, 2))", "assertTrue(true)"),
    (JAVA, "tolerance", "0.0001", "1.0"),
    (JAVA, "fewer cases", "{1, 2, 3}", "{1}"),
    (JAVA, "assertion removed", "assertEquals(3, Cart.total(1, 2));", ""),
    (JAVA, "swallowed", "assertEquals(3, Cart.total(1, 2));", "try { assertEquals(3, Cart.total(1, 2)); } catch (Throwable e) { }"),
    (JAVA, "loosened", "IllegalArgumentException.class", "Exception.class"),
    (JAVA, "not collected", "    void totals", "    private void totals"),
    (RUBY, "skipped", 'it "totals"', 'xit "totals"'),
    (RUBY, "skipped", '  it "totals" do\n', '  it "totals" do\n    skip\n'),
    (RUBY, "skipped", 'it "totals" do', 'it "totals", :skip do'),
    (RUBY, "skipped", 'it "totals" do', 'it "totals" do\n    pending "later"'),
    (RUBY, "loosened", "to eq(3)", "not_to be_nil"),
    (RUBY, "loosened", "to eq(3)", "to be_truthy"),
    (RUBY, "tolerance", "be_within(0.001)", "be_within(10)"),
    (RUBY, "assertion removed", "    expect(Cart.new(1, 2).total).to eq(3)\n", ""),
    (GTEST, "skipped", "TEST(Cart, Totals)", "TEST(Cart, DISABLED_Totals)"),
    (GTEST, "skipped", "  EXPECT_EQ", "  GTEST_SKIP();\n  EXPECT_EQ"),
    (GTEST, "loosened", "EXPECT_EQ(Total({1, 2}), 3)", "EXPECT_NE(Total({1, 2}), 4)"),
    (GTEST, "loosened", "EXPECT_EQ(Total({1, 2}), 3)", "EXPECT_GT(Total({1, 2}), 0)"),
    (GTEST, "tolerance", "0.001", "1.0"),
    (C, "assertion removed", "    assert(total(1, 2) == 3);\n", ""),
    (C, "assertion removed", "    assert(total(1, 2) == 3);", "#if 0\n    assert(total(1, 2) == 3);\n#endif"),
    (C, "patched", "#include <assert.h>", "#define NDEBUG\n#include <assert.h>"),
    (C, "tautology", "assert(total(1, 2) == 3)", "assert(1)"),
    (C, "loosened", "assert(total(1, 2) == 3)", "assert(total(1, 2) > 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "kind", "old", "new"), WAYS)
def test_a_weakened_test_is_named(path: str, kind: str, old: str, new: str) -> None:
    text = TEXTS[path]
    assert old in text
    assert kind in [one.kind for one in named({path: text}, {path: text.replace(old, new, 1)})]


FINE: list[tuple[str, str, str]] = [
    (JS, "  it('totals'", "  it('is new', () => { expect(total([7])).toBe(7); });\n  it('totals'"),
    (JS, "expect(total([1, 2])).toBe(3);", "expect(total([1, 2]))\n      .toBe(3);"),
    (JS, "expect(total([1, 2])).toBe(3);", "expect( total( [1, 2] ) ).toBe(3)"),
    (JS, "expect(total([])).toEqual(0);", "expect(total([])).toBe(0);"),
    (JS, "toEqual(0);", "toEqual(0);\n    expect(total([5])).toBe(5);"),
    (JS, "[3, 9]]", "[3, 9], [4, 16]]"),
    (JS, "it('totals'", "it('adds up'"),
    (JS, "'totals'", "\"totals\""),
    (JS, "const { total }", "// it.skip('nothing')\nconst { total }"),
    (JS, "toThrow(TypeError)", "toThrow(new TypeError('no cart'))"),
    (JS, "toBeCloseTo(0.1, 8)", "toBeCloseTo(0.1, 10)"),
    (MOCHA, "assert.deepEqual(items", "assert.deepStrictEqual(items"),
    (MOCHA, "function () {\n    assert", "() => {\n    assert"),
    (GO, "{[]int{1, 2}, 3},", "{[]int{1, 2}, 3},\n		{nil, 0},"),
    (GO, "t.Errorf(", "t.Fatalf("),
    (GO, "func TestMean", "func TestMore(t *testing.T) {\n	if Total(nil) != 0 {\n		t.Fatal()\n	}\n}\n\nfunc TestMean"),
    (GO, "0.0001", "0.00001"),
    (RUST, "    #[test]", "    #[test]\n    fn more() {\n        assert_eq!(total(&[7]), 7);\n    }\n\n    #[test]"),
    (RUST, "x.iter().sum()", "x.iter().copied().sum::<i32>()"),
    (RUST, "assert!(total(&[]) == 0, \"empty\")", "assert_eq!(total(&[]), 0)"),
    (JAVA, "    @Test\n    void totals", "    @Test\n    void more() {\n        assertEquals(1, Cart.total(1));\n    }\n\n    @Test\n    void totals"),
    (JAVA, "{1, 2, 3}", "{1, 2, 3, 4}"),
    (JAVA, "    void totals", "    public void totals"),
    (RUBY, '  it "totals" do\n', '  it "is new" do\n    expect(Cart.new(7).total).to eq(7)\n  end\n\n  it "totals" do\n'),
    (RUBY, "to eq(3)", "to eql(3)"),
    (GTEST, "TEST(Cart, Totals)", "TEST(Cart, More) {\n  EXPECT_EQ(Total({}), 0);\n}\n\nTEST(Cart, Totals)"),
    (C, "    assert(total(1, 2) == 3);", "    assert(total(1, 2) == 3);\n    assert(total(0, 0) == 0);"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new"), FINE)
def test_what_is_no_weakening_is_not_named(path: str, old: str, new: str) -> None:
    text = TEXTS[path]
    assert old in text
    assert named({path: text}, {path: text.replace(old, new, 1)}) == []
