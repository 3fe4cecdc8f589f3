"""Lines of a given width on a screen, for texts in which Chinese and English stand mixed.

A Chinese character takes two columns and a line may end after it, unless punctuation follows;
English breaks at blanks and, in lists of choices, after a bar. Rich breaks at blanks only.
"""

import re

from rich.cells import cell_len, chop_cells

_OPENING = "（〔［｛《〈「『【“‘"
_CLOSING = "，。；：！？、）〕］｝》〉」』】”’％…"
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(
    rf"\s+|[{_OPENING}]*(?:[^\s|{_WIDE}{_OPENING}{_CLOSING}]*\||[^\s|{_WIDE}{_OPENING}{_CLOSING}]+"
    rf"|[{_WIDE}])?[{_CLOSING}]*"
)
"""Blanks, or what no line may end within: a word, or one wide character, with its punctuation."""


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns; only blanks at a line's end are dropped.

    A piece that is wider than a whole line is cut where the line ends and goes on in the next.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, width):
        if cell_len(line) + cell_len(piece.rstrip()) <= width:
            line += piece
            continue
        lines.append(line.rstrip())
        line = piece.lstrip()
    return [*lines, line.rstrip()]


def _pieces(text: str, width: int) -> list[str]:
    found = [each for each in _PIECE.findall(" ".join(text.split())) if each]
    fitting = (chop_cells(each, width) if cell_len(each) > width else [each] for each in found)
    return [part for parts in fitting for part in parts]
