"""The arithmetic of panes, without tmux."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kage_nvim.orchestrator.tmux import layout

NESTED = "408f,240x50,0,0{149x50,0,0,0,90x50,150,0[90x29,150,0,1,90x20,150,30,2]}"


def test_a_layout_is_read_with_its_sizes() -> None:
    root = layout.parse(NESTED)
    assert (root.kind, root.width, root.height) == ("row", 240, 50)
    assert [(c.pane, c.width, c.height, c.x, c.y) for c in root.panes()] == [
        ("%0", 149, 50, 0, 0),
        ("%1", 90, 29, 150, 0),
        ("%2", 90, 20, 150, 30),
    ]


def test_a_window_of_one_pane_is_a_cell() -> None:
    assert [c.pane for c in layout.parse("b25d,80x24,0,0,7").panes()] == ["%7"]


def test_what_is_no_layout_is_named() -> None:
    with pytest.raises(ValueError, match="not a tmux layout"):
        layout.parse("1234,nonsense")


@pytest.mark.parametrize(
    ("ours", "found"), [({"%1", "%2"}, ["%1", "%2"]), ({"%1"}, []), ({"%0"}, ["%0"]), (set(), [])]
)
def test_only_a_column_that_is_all_ours_is_extended(ours: set[str], found: list[str]) -> None:
    assert [c.pane for c in layout.column(layout.parse(NESTED), ours)] == found


@given(st.integers(1, 400), st.integers(1, 200), st.integers(1, 50))
def test_beside_leaves_the_editor_and_each_agent_their_least_size(
    width: int, height: int, count: int
) -> None:
    plan = layout.beside(width, height, count)
    if plan is None:
        assert width < 141 or height < 8
        return
    assert plan.columns >= 60
    assert width - plan.columns - 1 >= 80
    assert min(plan.rows) >= 8
    assert sum(plan.rows) + len(plan.rows) - 1 == height
    assert len(plan.rows) <= count


@given(st.integers(1, 400), st.integers(1, 200), st.integers(1, 50))
def test_a_tiled_window_is_filled_and_readable(width: int, height: int, count: int) -> None:
    rows = layout.grid(width, height, count)
    held = sum(len(row) for row in rows)
    assert 1 <= held <= count
    assert all(sum(row) + len(row) - 1 == width for row in rows)
    if held > 1:
        assert min(min(row) for row in rows) >= 60 or max(len(row) for row in rows) == 1
        assert len(rows) == 1 or layout.spread(height, len(rows))[-1] >= 8
    if held < count:
        assert held == max(1, (width + 1) // 61) * max(1, (height + 1) // 9)


@pytest.mark.parametrize(
    ("heights", "wanted", "fit"), [([49], 2, 2), ([49], 9, 4), ([24, 24], 9, 3), ([8], 1, 0)]
)
def test_a_column_is_extended_within_limits(heights: list[int], wanted: int, fit: int) -> None:
    cells, y = [], 0
    for index, height in enumerate(heights):
        cells.append(layout.Cell(90, height, 150, y, "pane", f"%{index}"))
        y += height + 1
    assert layout.extension(cells, wanted) == fit
