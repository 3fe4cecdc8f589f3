"""How commands speak: tables and JSON on standard output, progress and errors on standard error.

Colour follows the terminal: none when the output is piped or NO_COLOR is set.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from node.words import text as _

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
"""The shell's convention for a process that SIGINT ended."""

_PIPED_WIDTH = 200
"""Columns of a table nobody looks at on a screen: wide enough that grep finds whole rows."""


def output() -> Console:
    """Where a command's result goes."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False, emoji=False)


def messages() -> Console:
    """Where everything that is not the result goes."""
    return Console(stderr=True, highlight=False, emoji=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A table's column; numbers stand right."""

    title: str
    is_number: bool = False


def print_table(
    columns: Sequence[Column | str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows under their titles; cells are shown as they are, not as markup.

    On a narrow terminal a cell goes on in the next line: Chinese has no blanks to break at, and
    nothing is cut off.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        given = Column(title=column) if isinstance(column, str) else column
        table.add_column(given.title, justify="right" if given.is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    output().print(table)


def print_json(value: object) -> None:
    """Print a result for other programs (`--json`): one document, keys in a stable order."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n")


def print_error(message: str) -> None:
    """Say in one block what is wrong; never a traceback."""
    title = _("error:")
    messages().print(f"[bold red]{escape(title)}[/] {escape(message)}", soft_wrap=True)


def progress() -> Progress:
    """A bar with count and time on standard error; silent when nobody watches."""
    console = messages()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
