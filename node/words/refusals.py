"""What a refusal says to people: the domain's stable `reason` in their language.

The domain words its own errors in English; here stands the same sentence once more, for
the catalog, filled with the error's attributes.
"""

from collections.abc import Mapping

from node.words.catalog import marked, text


def refusal(reason: str, /, **values: object) -> str | None:
    """The sentence for `reason`, or None where there is none that these values fill.

    Another node sends the reason and its own English message, not every value; the caller
    shows that message then. A reason that covers several cases has a sentence for each `case`.
    """
    sentence = _SENTENCES.get(f"{reason}/{values.get('case')}") or _SENTENCES.get(reason)
    if sentence is None:
        return None
    try:
        return text(sentence).format(**values)
    except KeyError:
        return None


_SENTENCES: Mapping[str, str] = {
    "SITE_UNKNOWN/HQ": marked(
        "site {site_id} is not known to HQ; `trunkline hq site list` shows the sites of its file"
    ),
    "QUEUE_UNKNOWN": marked(
        "queue {queue_id} is not configured at this site; check [[queue]] in the site's file"
    ),
    "AGENT_UNKNOWN": marked(
        "agent {agent_id} is not logged in at this site; log in first, or add it with `trunkline agent add`"
    ),
    "CALL_UNKNOWN": marked("call {call_id} is not in this site's system; it may have ended"),
    "LEG_UNKNOWN": marked("leg {leg_id} is not live here; it may have stopped ringing"),
    "WRONG_STATE": marked("{subject} is {state}, which does not allow this"),
    "DUPLICATE": marked("{subject} already exists here; use a new id"),
    "POLICY_INVALID": marked("{place} is not possible as it stands"),
    "NOT_ACCEPTING": marked("this site takes no new calls: {why}"),
    "CREDENTIALS_WRONG": marked("name or password is wrong"),
    "SESSION_STALE": marked("the branch was restarted since; log in again"),
    "NOT_LOGGED_IN": marked("not logged in, or not any more; log in again"),
    "LOGIN_LIMITED": marked("too many attempts to log in; try again in {retry_after_s} s"),
    "ROLE_FORBIDS": marked("the role {role} does not allow this"),
    "PEER_IS_NO_OPERATOR": marked(
        "{sender} may not ask this; use an operator's certificate (`trunkline pki issue operator NAME`)"
    ),
    "FIELD_INVALID/UUID": marked(
        "{shown!r} is no call's id: it has 36 characters, 0-9, a-f and hyphens; copy it whole"
    ),
    "FIELD_INVALID/DAY": marked("{shown!r} is no day; write it as 2026-03-02"),
    "PEER_IS_NO_TOOL": marked("{sender} may not use the desk; use an operator's certificate"),
    "CUSTOMER_UNKNOWN": marked("customer {customer_id} is not known at this site"),
    "VISIT_UNKNOWN": marked("no return visit for call {call_id} is on the list; look at it again"),
    "VISIT_NOT_DUE": marked(
        "the customer of call {call_id} may not be called yet: the visit's day has not come, "
        "or the pause after the last try is not over"
    ),
    "OUT_OF_HOURS": marked("customers may not be called at this hour"),
    "VISIT_TAKEN": marked("another agent has the return visit for call {call_id}; take the next one"),
    "MESSAGE_UNKNOWN": marked("there is no message {call_id} at this site"),
    "CONTACT_UNKNOWN": marked("no call {call_id} is known at this site; look at its id again"),
    "CONTACT_NOT_YOURS": marked("you have not talked on call {call_id}; whoever has may write a note on it"),
    "NOTE_LIMIT": marked("call {call_id} has as many notes as one may have; nothing was kept"),
    "ORIGIN_AWAY": marked(
        "the note belongs to site {site_id}, whose call it was, and that site does not answer; "
        "write it again later"
    ),
    "NOT_ALLOWED": marked(
        "numbers that begin with {shown} may not be dialled from here; [[outbound.route]] of the site's file"
        " says which may"
    ),
    "COUNTRY_MISSING": marked(
        "a number that begins with {shown} does not say its country; write it as +8613800138000, "
        "or set country in [site] of the site's file"
    ),
    "NO_LINE": marked("there is no line for this call: {why}"),
    "LIMIT": marked("line {line_id} has as many outbound calls as it may; try again soon"),
    "LINK_DOWN/NOBODY_LISTENS": marked("nothing listens at {address}; does the node run there?"),
    "LINK_DOWN/HUNG_UP": marked(
        "{address} hung up; the node there may have stopped, or not take this node's certificate"
    ),
    "LINK_DOWN/WATCH_ENDED": marked("the branch has ended the watch; does it still run?"),
    "LINK_DOWN": marked("the node cannot be reached: {said}"),
    "LINK_TLS_FAILED": marked(
        "no TLS with the node; check both certificates and their CA with `trunkline pki show`: {said}"
    ),
    "LINK_TIMEOUT": marked("the node did not answer in time; is it up, and the network between? ({said})"),
    "LINK_CANCELLED": marked("the node ended the call before it answered: {said}"),
    "LINK_FAILED": marked("the call to the node failed: {said}"),
    "NOT_SERVED": marked("the node does not offer this; is it of the same version, and of this kind?"),
    "PEER_OVERLOADED": marked("the node has more to do than it can; try again soon"),
    "PEER_FAULT": marked("a fault of the node; its log says more: {said}"),
    "DATABASE_AWAY": marked("HQ's database cannot be reached: {problem}"),
    "RESTORED_OR_CLONED": marked(
        "the site's database was restored from a backup, or moved, or is one of two copies: find out which "
        "is right, then `trunkline hq readmit` ({said})"
    ),
    "HQ_RESTORED": marked(
        "HQ's database is older than the site remembers it: `trunkline hq readmit` reads everything anew "
        "({said})"
    ),
    "QUARANTINE_FULL": marked(
        "too many of the site's rows do not fit into HQ's database: look at its table quarantine, then "
        "`trunkline hq readmit` ({said})"
    ),
    "FROZEN": marked("frozen until a person has looked at it: {said}"),
    "SCHEMA": marked("the site writes more than HQ knows; upgrade HQ first, then the site ({said})"),
    "TIME_ZONE": marked("the site and HQ's file do not agree on its time zone: {said}"),
    "DAY_DIFFERS": marked("a day cannot be certified yet: {said}"),
    "JOURNAL_BUSY": marked("the site's journal is being read already; try again later"),
    "STOPPED": marked("the pull was stopped because HQ drains; it goes on where it was left"),
    "PASSWORD_WEAK": marked("this password is not taken: it needs 8 to 200 characters"),
}
"""Reasons that people meet at a command; those between sites stay in logs and metrics."""
