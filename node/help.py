"""What `--help` prints: every word of it in the language in use, in lines that fit the screen.

The library's own help pages speak English and cut a Chinese sentence off where a table's cell
ends. `speaking` gives every command below a root the classes that print it here.
"""

import inspect
import re
import shutil
import sys
from typing import TYPE_CHECKING

import typer
from rich.cells import cell_len
from rich.text import Text
from typer.core import TyperCommand, TyperGroup, TyperOption

from node.terminal import EXIT_BAD_INPUT, output
from node.words import marked
from node.words import text as _
from node.wrapping import wrap

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter, Parameter

_WIDEST = 100
"""Columns: longer lines are hard to read, however wide the screen is."""

_PLACEHOLDERS = (marked("[OPTIONS]"), marked("COMMAND [ARGS]..."))
"""What the library writes into usage lines; names of arguments stay as they are."""

_TYPES = {
    "str": marked("<text>"),
    "int": marked("<number>"),
    "float": marked("<number>"),
    "path": marked("<file>"),
    "dir": marked("<folder>"),
}
"""What goes behind an option, for people who do not program."""

_TYPE = re.compile(r"<(?:list\[)?(\w+)(?: range)?\]?>")
"""As the library writes it; the limits of a range stand behind, in brackets."""

_NAMES_SHARE = 0.4
"""Of a line: a longer name has its explanation below it instead of beside it."""


class Command(TyperCommand):
    """A command whose help people can read."""

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        formatter.write(_page(self, ctx, []))

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        return _worded(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        return [_(each) for each in super().collect_usage_pieces(ctx)]


class Group(TyperGroup):
    """A group of commands whose help people can read."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        if not args and self.no_args_is_help:
            sys.stdout.write(ctx.get_help() + "\n")
            ctx.exit(EXIT_BAD_INPUT)
        if "--help" in args:
            self._help_below(ctx, args)
        return super().parse_args(ctx, args)

    def _help_below(self, ctx: "Context", args: list[str]) -> None:
        """Print a command's help and end: asking for it takes no option that the group needs to run it."""
        _options, words, _order = self.make_parser(ctx).parse_args(list(args))
        command = self.get_command(ctx, words[0]) if "--help" in words else None
        if command is not None:
            command.make_context(words[0], words[1:], parent=ctx)

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        known = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        commands = [(name, each.short_help or each.help or "") for name, each in known if each is not None]
        formatter.write(_page(self, ctx, commands))

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        return _worded(super().get_help_option(ctx))

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        return [_(each) for each in super().collect_usage_pieces(ctx)]


def speaking(app: typer.Typer) -> typer.Typer:
    """The same application; all its commands and groups print their help by this module."""
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            speaking(group.typer_instance)
    return app


def usage_line(ctx: "Context") -> str:
    """How the command of `ctx` is called, in one line."""
    pieces = " ".join(ctx.command.collect_usage_pieces(ctx))
    return _("Usage: {command}", command=f"{ctx.command_path} {pieces}".strip())


def _worded(option: TyperOption | None) -> TyperOption | None:
    if option is not None:
        option.help = _("Show this help.")
    return option


def _page(command: TyperCommand | TyperGroup, ctx: "Context", commands: list[tuple[str, str]]) -> str:
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    parameters: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for each in command.get_params(ctx):
        if (row := _parameter(each, ctx)) is not None:
            parameters[each.param_type_name].append(row)
    page = Text()
    page.append("\n".join(wrap(usage_line(ctx), width)) + "\n", "bold")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        page.append("\n" + "\n".join(f"  {line}" for line in wrap(paragraph, width - 2)) + "\n")
    sections = (
        (_("Arguments:"), parameters["argument"]),
        (_("Options:"), parameters["option"]),
        (_("Commands:"), commands),
    )
    for title, rows in sections:
        if rows:
            page.append(f"\n{title}\n", "bold").append_text(_rows(rows, width))
    console = output()
    with console.capture() as captured:
        console.print(page, soft_wrap=True, end="")
    return captured.get()


def _rows(rows: list[tuple[str, str]], width: int) -> Text:
    """Names at the left, what they mean at the right, or below where a name is too long."""
    lengths = [cell_len(name) for name, _meaning in rows]
    longest = max((each for each in lengths if each <= width * _NAMES_SHARE), default=2)
    indent = longest + 4
    text = Text()
    for name, meaning in rows:
        lines = wrap(meaning, width - indent)
        if cell_len(name) <= longest:
            first = " " * (indent - 2 - cell_len(name)) + lines.pop(0)
            text.append(f"  {name}", "cyan").append(f"{first.rstrip()}\n")
        else:
            text.append("".join(f"  {line}\n" for line in wrap(name, width - 2)), "cyan")
        text.append("".join(f"{' ' * indent}{line}\n" for line in lines if line))
    return text


def _parameter(parameter: "Parameter", ctx: "Context") -> tuple[str, str] | None:
    """How a parameter is written, and what it means; None for what help does not show.

    The library adds what it knows of a parameter in brackets, in English.
    """
    record = parameter.get_help_record(ctx)
    if record is None:
        return None
    name = _TYPE.sub(lambda kind: _(_TYPES.get(kind[1], kind[0])), record[0])
    meaning = record[1]
    own = getattr(parameter, "help", None) or ""
    extra = meaning.removeprefix(own).strip().removeprefix("\\").removeprefix("[").removesuffix("]")
    if not extra:
        return name, own
    known = _("; ").join(_known(each) for each in extra.split("; "))
    return name, f"{own} [{known}]".strip()


def _known(extra: str) -> str:
    kind, _colon, value = extra.partition(": ")
    match kind:
        case "default":
            return _("default: {value}", value=value)
        case "env var":
            return _("environment: {name}", name=value)
        case "required":
            return _("required")
    return extra
