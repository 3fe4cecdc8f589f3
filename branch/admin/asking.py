"""Passwords from a terminal or a file, and questions before something is gone."""

import getpass
import sys
from pathlib import Path

from node.troubles import TroubleError
from node.words import text as _


class NoPasswordError(TroubleError):
    """A password is needed and there is nobody to ask."""

    reason = "PASSWORD_MISSING"


class UnreadablePasswordError(TroubleError):
    """A password's file is no text."""

    reason = "PASSWORD_UNREADABLE"


def new_password(person: str, file: Path | None) -> str:
    """A password for somebody: from the file, else asked for twice.

    Raises:
        NoPasswordError: no file, and no terminal; or the two differ.
        UnreadablePasswordError, OSError: the file cannot be read.
    """
    if file is not None:
        return read_password(file)
    first = _ask(_("Password for {person}: ", person=person))
    if _ask(_("Once more: ")) != first:
        raise NoPasswordError(_("the two passwords differ; nothing was changed"))
    return first


def password_of(person: str, file: Path | None) -> str:
    """A person's own password: from the file, else asked for.

    Raises:
        NoPasswordError: no file, and no terminal.
        UnreadablePasswordError, OSError: the file cannot be read.
    """
    return read_password(file) if file is not None else _ask(_("Password of {person}: ", person=person))


def read_password(file: Path) -> str:
    """A file's first line, without its end.

    Raises:
        UnreadablePasswordError: it is not UTF-8 text.
        OSError: it cannot be read.
    """
    content = sys.stdin.buffer.readline() if str(file) == "-" else file.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = _("is not UTF-8 text (byte {position})", position=error.start)
        raise UnreadablePasswordError(_("{place}: {what}", place=file, what=fault)) from None
    return text.splitlines()[0] if text else ""


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise NoPasswordError(_("there is no terminal to ask for the password; give --password-file"))
    return getpass.getpass(prompt, stream=sys.stderr)
