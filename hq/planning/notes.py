"""What a reader must know of how a day was made, below what was found of it."""

from collections.abc import Iterable

from node.terminal import output
from node.words import text as _


def print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        output().print(_("note: {note}", note=note), markup=False)
