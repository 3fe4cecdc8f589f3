"""What each role may do. Everything that is not listed is refused."""

from collections.abc import Mapping
from enum import StrEnum

from branch.people.refusals import RoleForbidsError
from sync.records.tables import PersonRole


class Act(StrEnum):
    """What a person can be allowed; the text stands in refusals."""

    TAKE_CALLS = "take calls"
    WATCH_SITE = "watch the site"
    SEE_ANY_CUSTOMER = "see any customer"
    SUPERVISE_TALKS = "supervise talks"


_WATCHERS = frozenset({Act.WATCH_SITE, Act.SEE_ANY_CUSTOMER})

_ALLOWED: Mapping[PersonRole, frozenset[Act]] = {
    PersonRole.AGENT: frozenset({Act.TAKE_CALLS}),
    PersonRole.SUPERVISOR: _WATCHERS | {Act.SUPERVISE_TALKS},
    PersonRole.ADMIN: _WATCHERS,
}


def may(role: PersonRole, act: Act) -> bool:
    """Whether the role allows the act."""
    return act in _ALLOWED[role]


def require(role: PersonRole, act: Act) -> None:
    """Raises:
    RoleForbidsError: the role does not allow the act.
    """
    if not may(role, act):
        raise RoleForbidsError(role, act)
