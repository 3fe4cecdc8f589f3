"""A command line that cannot be run: what is wrong with it, in the language in use.

The command line library words its errors in English. Here stands each sentence that it has, as
a pattern, beside the one that people are told; a sentence not known here is told as it is.
"""

import re

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from node.help import usage_line
from node.settings.problems import describe
from node.words import marked
from node.words import text as _

_SENTENCES = (
    (
        r"No such command '(?P<name>.*)'\. Did you mean (?P<similar>.*)\?",
        marked("there is no command {name}; did you mean {similar}?"),
    ),
    (r"No such command '(?P<name>.*)'\.", marked("there is no command {name}")),
    (r"Missing command\.", marked("a command is missing")),
    (
        r"No such option: (?P<name>\S*) \(Possible options: (?P<similar>.*)\)",
        marked("there is no option {name}; did you mean {similar}?"),
    ),
    (r"No such option: (?P<name>.*)", marked("there is no option {name}")),
    (r"Missing option '(?P<name>.*?)'(?s:.*)", marked("the option {name} is missing")),
    (r"Missing argument '(?P<name>.*?)'(?s:.*)", marked("the argument {name} is missing")),
    (
        r"Got unexpected extra argument\(s\) \((?P<values>.*)\)",
        marked("this command does not take so much: {values}"),
    ),
    (r"Option '(?P<name>.*)' requires an argument\.", marked("the option {name} needs a value behind it")),
    (r"Option '(?P<name>.*)' does not take a value\.", marked("the option {name} takes no value")),
    (r"dir '(?P<path>.*)' is a file\.", marked("{path} is a file, not a folder")),
    (r"'(?P<value>.*)' is not one of (?P<choices>.*)\.", marked("{value} is not one of {choices}")),
)


def usage_error(error: TyperException) -> str:
    """What is wrong, and, when the command is known, how it is called and where help is."""
    ctx = getattr(error, "ctx", None)
    wrong = _bad_value(error) if isinstance(error, typer.BadParameter) else None
    told = wrong or _worded(error.format_message())
    if ctx is None:
        return told
    return "\n".join((told, usage_line(ctx), _("More: {command} --help", command=ctx.command_path)))


def _bad_value(error: typer.BadParameter) -> str | None:
    """A value that a parameter does not take; None when it is about no value."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        # A missing parameter is a bad one to the library, too; our own have said all.
        return _worded(error.message) or None
    [details, *_rest] = cause.errors()
    place = error.param.get_error_hint() if error.param is not None else ""
    return place.replace("'", "") + f": {_worded(describe(details, repr(details['input'])))}"


def _worded(sentence: str) -> str:
    for pattern, ours in _SENTENCES:
        if found := re.fullmatch(pattern, sentence):
            return _(ours, **found.groupdict()) if found.groupdict() else _(ours)
    return sentence
