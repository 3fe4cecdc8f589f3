import pytest
from rich.cells import cell_len

from node.wrapping import wrap

MIXED = "脚本请用 --json 或各子命令；站点（含总部）的台账：postgresql://USER@HOST/NAME，closed|open|shut。"


@pytest.mark.parametrize("width", [12, 20, 33, 60, 200])
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(width: int) -> None:
    lines = wrap(MIXED, width)

    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(MIXED.split())


def test_chinese_breaks_inside_a_sentence_by_its_width() -> None:
    assert wrap("一二三四五六七", 8) == ["一二三四", "五六七"]


def test_punctuation_does_not_begin_a_line_nor_an_opening_bracket_end_it() -> None:
    assert wrap("一二三四。五六（七", 8) == ["一二三", "四。五六", "（七"]


def test_an_english_word_is_not_cut_where_the_next_line_has_room_for_it() -> None:
    assert wrap("请用 --password-file", 18) == ["请用", "--password-file"]


def test_choices_break_after_a_bar() -> None:
    assert wrap("<isolated|timeout|shortest>", 20) == ["<isolated|timeout|", "shortest>"]


def test_a_word_wider_than_the_screen_goes_on_in_the_next_line() -> None:
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_an_empty_text_is_one_empty_line() -> None:
    assert wrap("", 10) == [""]
