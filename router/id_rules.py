"""What an id that people choose may be: of sites, of agents, and of everything else with a name.

One rule a kind, used by every file, command and message. An id is written into files, typed
into commands, shown in tables and split out of lists, so none has blanks, commas, or two
spellings that look alike. A fault is told with what to write instead.
"""

import re
import unicodedata

from router.problems import Problem, marked

SITE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""A slug: it is a DNS label of the site's certificate, and two of them fit a hand-off token."""

NAME = re.compile(r"(?=.{1,64}$)\+?[^\W_][\w.@:+-]*")
"""Of a queue, a skill, a customer, a supervisor: letters and digits of any script, Chinese too; a
customer may be named by its number."""

AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""Behind the site's: it is the name of the agent's SIP phone too, and what colleagues dial."""

SHOWN_CHARS = 40


def site_fault(text: str) -> Problem | None:
    """What is wrong with a site's (or a cluster's) id; None: nothing."""
    if SITE.fullmatch(text):
        return None
    return _fault(
        text,
        marked(
            "{id} is no site id: 1 to 40 lower-case letters a-z, digits and inner hyphens, such as beijing"
        ),
    )


def agent_fault(text: str) -> Problem | None:
    """What is wrong with the part of an agent's id behind its site; None: nothing."""
    if AGENT.fullmatch(text):
        return None
    return _fault(
        text,
        marked(
            "{id} is no agent's id: 1 to 32 letters a-z, digits, points, hyphens and underscores, such as"
            " 1001; the name may be Chinese"
        ),
    )


def full_agent_fault(text: str) -> Problem | None:
    """What is wrong with a whole agent's id, `beijing/1001`; None: nothing."""
    site, slash, own = text.partition("/")
    if not slash:
        return Problem(
            wording=marked("{id} names no site; write it before the agent, as beijing/1001"),
            values={"id": repr(text[:SHOWN_CHARS])},
        )
    return site_fault(site) or agent_fault(own)


def name_fault(text: str) -> Problem | None:
    """What is wrong with the id of a queue, a skill, a customer or a supervisor; None: nothing."""
    if NAME.fullmatch(text) and unicodedata.normalize("NFKC", text) == text:
        return None
    return _fault(
        text,
        marked(
            "{id} is no id: 1 to 64 letters and digits, Chinese characters too, and . _ - @ : + between"
            " them, without blanks"
        ),
    )


def _fault(text: str, wording: str) -> Problem:
    """The usual slips of the keyboard have a sentence of their own."""
    if not text.strip():
        return Problem(wording=marked("an id is missing"))
    shown = repr(text[:SHOWN_CHARS])
    if (narrow := unicodedata.normalize("NFKC", text)) != text:
        # A Chinese input method left on full width, most often.
        values = {"id": shown, "narrow": repr(narrow[:SHOWN_CHARS])}
        return Problem(
            wording=marked("{id} has full-width or combined characters; write {narrow}"), values=values
        )
    return Problem(wording=wording, values={"id": shown})
