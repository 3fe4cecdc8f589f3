"""A decision in plain words: what this site knew, whom it could have chosen, and why it chose whom it did."""

from collections.abc import Mapping

from node.words import marked, plural
from node.words import text as _
from router.ids import FOREVER_MS, SiteId
from router.ledger import Decision, HandoffAsked, HandoffDialed, LedgerRow

_RULES: Mapping[str, str] = {
    "PUSH_BY_SCORE": marked(
        "of the sites that show idle agents, the one with the cheapest link; among equals one by lot,"
        " weighted by idle agents"
    ),
    "PUSH_AT_RANDOM": marked("the view is too old to compare by: by lot among those that showed idle agents"),
    "PUSH_UNSHOWN": marked(
        "no site showed an idle agent, but records were found to lag behind: one by lot, weighted by agents"
        " at work, among those that had not refused since"
    ),
    "PUSH_BLIND": marked("the load board can't be seen: the next configured peer in turn"),
    "PULL_LONGEST_WAIT": marked("the site whose first caller has waited longest, the link's cost taken off"),
    "PULL_BLIND": marked("the load board can't be seen: the next configured peer in turn"),
    "CLAIMED": marked("the other site asked: it gets the caller whom our own distribution would serve next"),
}

_IS_PULL = frozenset({"PULL_LONGEST_WAIT", "PULL_BLIND"})


def decision_of(row: LedgerRow) -> tuple[Decision, SiteId] | None:
    """The row's decision and the site that it chose; None where the row decided nothing."""
    if isinstance(row.entry, HandoffAsked | HandoffDialed) and row.entry.decision is not None:
        return row.entry.decision, row.entry.peer
    return None


def decision_lines(decision: Decision, chosen: SiteId) -> list[str]:
    """The reason, what it rested on, and a line for each candidate that is on record."""
    rule = _RULES.get(decision.rule)
    lines = [_("Why: {rule}.", rule=_(rule) if rule else decision.rule), _basis(decision)]
    seen = decision.seen or (None,) * len(decision.candidates)
    for (site_id, version, score_s), looked in zip(decision.candidates, seen, strict=True):
        line = _candidate(decision, site_id, version, score_s, looked)
        lines.append(f"→ {line}" if site_id == chosen else f"  {line}")
    unlisted = (decision.candidate_count or 0) - len(decision.candidates)
    if unlisted > 0:
        more = plural("  and {count} more site", "  and {count} more sites", unlisted)
        lines.append(more)
    return lines


def decision_tree(decision: Decision, chosen: SiteId) -> dict[str, object]:
    """The same for programs; null where the row was written before that was kept."""
    seen = decision.seen or (None,) * len(decision.candidates)
    return {
        "rule": decision.rule,
        "chosen": chosen,
        "view_age_ms": decision.view_age_ms,
        "home_wait_ms": decision.home_wait_ms,
        "candidate_count": decision.candidate_count,
        "candidates": [
            {
                "site": site_id,
                "record_version": version,
                "score_s": score_s,
                "record_age_ms": None if looked is None else looked[0],
                "shown": None if looked is None else looked[1],
            }
            for (site_id, version, score_s), looked in zip(decision.candidates, seen, strict=True)
        ],
    }


def _basis(decision: Decision) -> str:
    if decision.view_age_ms is None:
        view = _("the load board had never been seen")
    else:
        view = _("the view of the load board was {age} s old", age=_seconds(decision.view_age_ms))
    if decision.home_wait_ms is None:
        return _("Known: {view}.", view=view)
    if decision.home_wait_ms >= FOREVER_MS:
        home = _("nobody works at home for it, or no call has been finished yet")
    else:
        home = _(
            "those who wait at home were expected to save {wait} s, all together",
            wait=_seconds(decision.home_wait_ms),
        )
    return _("Known: {view}; {home}.", view=view, home=home)


def _candidate(
    decision: Decision, site_id: SiteId, version: int, score_s: float, looked: tuple[int, int] | None
) -> str:
    score = f"{score_s:.1f}"
    if looked is None:
        return _("{site}: score {score} s (record {version})", site=site_id, score=score, version=version)
    age, count = _seconds(looked[0]), looked[1]
    if decision.rule in _IS_PULL:
        return plural(
            "{site}: score {score} s, {count} caller waiting (record {version}, {age} s old)",
            "{site}: score {score} s, {count} callers waiting (record {version}, {age} s old)",
            count,
            site=site_id,
            score=score,
            version=version,
            age=age,
        )
    return plural(
        "{site}: score {score} s, {count} agent idle (record {version}, {age} s old)",
        "{site}: score {score} s, {count} agents idle (record {version}, {age} s old)",
        count,
        site=site_id,
        score=score,
        version=version,
        age=age,
    )


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}"
