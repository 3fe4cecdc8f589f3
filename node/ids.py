"""Ids as people type them at a command: taken by the rules of `router.id_rules`, or refused in words."""

from node.troubles import TroubleError
from node.words import told
from router.id_rules import agent_fault
from router.ids import AgentId, SiteId
from router.problems import Problem


class BadIdError(TroubleError):
    """What was typed cannot be an id of its kind; the message says what to write."""

    reason = "ID_BAD"


def refuse(fault: Problem | None) -> None:
    """Raises:
    BadIdError: there is a fault.
    """
    if fault is not None:
        raise BadIdError(told(fault))


def agent_id(site_id: SiteId, text: str) -> AgentId:
    """`1001` and `beijing/1001` alike: agents' ids are unique in the cluster, so their site stands before.

    Raises:
        BadIdError: what stands behind the site can be no agent's id.
    """
    own = text.removeprefix(f"{site_id}/")
    refuse(agent_fault(own))
    return AgentId(f"{site_id}/{own}")
