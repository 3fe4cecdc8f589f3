"""The `trunkline` command: finds every command group by entry point and imports none by name.

A group is a callable `register(root)` under the entry-point group `trunkline.commands`; it
adds its commands and groups to the root. It is called after the language is chosen, so
help texts may be translated where they are written. Heavy imports belong into the
commands' bodies: all groups are registered before any one command runs.
"""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points, version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from node import words
from node.help import speaking
from node.terminal import EXIT_BAD_INPUT, EXIT_INTERRUPTED, output, print_error
from node.troubles import TroubleError
from node.usage import usage_error
from node.words import text as _
from router.errors import RouterError
from router.problems import BadInputError

Register = Callable[[typer.Typer], None]

ENTRY_POINTS = "trunkline.commands"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 try again, 2 bad input or refused, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    # gRPC's core writes to stderr past our logs; what it means for people, our own errors say.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        words.use(_language(given))
        # The exit code that a command ends with itself; one that returns has done its work.
        sys.exit(
            build(entry_point_groups())(_language_first(given), prog_name="trunkline", standalone_mode=False)
        )
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except TyperException as error:
        print_error(usage_error(error))
        sys.exit(EXIT_BAD_INPUT)
    except (TroubleError, RouterError, words.UnknownLanguageError, OSError) as error:
        message = _expected(error)
        if message is None:
            raise
        print_error(message)
        sys.exit(error.exit_code if isinstance(error, TroubleError) else EXIT_BAD_INPUT)


def entry_point_groups() -> Iterable[Register]:
    """The groups of every installed part, in the order of their names."""
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        yield point.load()


def build(groups: Iterable[Register]) -> typer.Typer:
    """The root command with the groups given."""

    def root(
        lang: Annotated[
            str | None,
            typer.Option("--lang", help=_("en or zh-CN; else LC_ALL, LC_MESSAGES or LANG decides.")),
        ] = None,
        show_version: Annotated[
            bool,
            typer.Option("--version", is_eager=True, callback=_print_version, help=_("Print the version.")),
        ] = False,
    ) -> None:
        # `_language` has read the one before any help was made, `_print_version` the other.
        del lang, show_version

    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    app.callback(help=_("A distributed call center that works as one office."))(root)
    for register in groups:
        register(app)
    return speaking(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        output().print(f"trunkline {version('trunkline')}")
        raise typer.Exit


def _language(arguments: Sequence[str]) -> str | None:
    """The value of --lang, wherever before a `--` it stands: help is made before options are read."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for place, argument in enumerate(before):
        if argument == "--lang":
            return next(iter(before[place + 1 :]), None)
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    return None


def _language_first(arguments: Sequence[str]) -> list[str]:
    """The same with --lang in front: it is the root's option, and people write it anywhere."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for place, argument in enumerate(arguments[:end]):
        if argument == "--lang" or argument.startswith("--lang="):
            after = min(end, place + (2 if argument == "--lang" else 1))
            return [*arguments[place:after], *arguments[:place], *arguments[after:]]
    return list(arguments)


def _expected(error: Exception) -> str | None:
    """What to tell a person, or None where the error is a fault of ours."""
    if isinstance(error, BadInputError):
        return "\n".join(words.told(problem) for problem in error.problems)
    if isinstance(error, RouterError):
        # A refusal that came over the wire brings the ids it named in `values`.
        named = {**vars(error), **getattr(error, "values", {})}
        return words.refusal(error.reason, **named) or str(error)
    if isinstance(error, OSError):
        return (
            None
            if error.filename is None
            else _("{place}: {what}", place=error.filename, what=words.told_os_error(error))
        )
    return str(error)
