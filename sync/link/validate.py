"""Checks of incoming fields: what is missing or absurd is refused with the field's name.

Small functions for the edge: each returns the value it was given, or raises
InvalidFieldError, which the link answers with INVALID_ARGUMENT.
"""

import re
from collections.abc import Collection, Sized
from functools import lru_cache
from typing import TypeVar

from router.id_rules import SITE
from router.ids import SiteId
from sync.link.refusals import InvalidFieldError

V = TypeVar("V")

# RFC 9562 section 4; every message between sites names two of them, so parsing each would cost.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_SHOWN_CHARS = 40


def text(field: str, value: str, *, most_chars: int = 200) -> str:
    """Not empty, not longer than `most_chars`, no control characters."""
    if not value:
        raise InvalidFieldError(field, "is missing")
    if len(value) > most_chars:
        raise InvalidFieldError(field, f"has {len(value)} characters, at most {most_chars} are taken")
    if not value.isprintable():
        raise InvalidFieldError(field, "holds control characters")
    return value


# Sites are few and messages many; what raises is not remembered.
@lru_cache(maxsize=4_096)
def site(field: str, value: str) -> SiteId:
    """A site's slug, as certificates carry it."""
    if not SITE.fullmatch(text(field, value)):
        raise InvalidFieldError(
            field, f"{value[:_SHOWN_CHARS]!r} is no site id (lower-case letters, digits, hyphens)"
        )
    return SiteId(value)


def uuid_text(field: str, value: str) -> str:
    """A UUID in its canonical form: two spellings of one id would be two ids."""
    if not _UUID.fullmatch(value):
        text(field, value, most_chars=36)
        shown = value[:_SHOWN_CHARS]
        problem = f"{shown!r} is no UUID in lower-case canonical form"
        raise InvalidFieldError(field, problem, case="UUID", shown=shown)
    return value


def number(field: str, value: int, *, least: int, most: int) -> int:
    """Within its limits, both included."""
    if not least <= value <= most:
        raise InvalidFieldError(field, f"is {value}, has to be {least} to {most}")
    return value


def one_of(field: str, value: V, choices: Collection[V]) -> V:
    """One of the values that have a meaning; an enum's UNSPECIFIED is none."""
    if value not in choices:
        raise InvalidFieldError(field, f"{value!r} has no meaning here")
    return value


def at_most(field: str, values: Sized, count: int) -> None:
    """No longer than `count` entries."""
    if len(values) > count:
        raise InvalidFieldError(field, f"has {len(values)} entries, at most {count} are taken")


def present(field: str, is_present: bool) -> None:
    """A message's part that has to be there: `present("call", request.HasField("call"))`."""
    if not is_present:
        raise InvalidFieldError(field, "is missing")
