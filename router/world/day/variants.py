"""Variants of a day: other agents, a closed site, another policy or limit, told in a planner's few words.

`closed=urumqi,beijing=+2,policy=isolated` is one variant; its changes are made in order.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from router.ids import SiteId
from router.overflow.policy import MAX_OWN_LOSS_LIMIT
from router.problems import BadInputError, Problem
from router.problems import marked as _
from router.world.day.scenario import RosterChange, Scenario
from router.world.reference.policies import Policy

Roster = Mapping[SiteId, tuple[RosterChange, ...]]
ReadRoster = Callable[[str], Roster]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way the day could be."""

    name: str
    scenario: Scenario
    policy: Policy


def make_variant(base: Variant, text: str, read_roster: ReadRoster) -> Variant:
    """`base` with the changes that `text` names.

    Raises:
        BadInputError: a change is not understood, or names what is not there.
    """
    variant = replace(base, name=text)
    for part in text.split(","):
        variant = _changed(variant, part.strip(), read_roster)
    return variant


def closed(scenario: Scenario, site_id: SiteId) -> Scenario:
    """Nobody works there; its line still rings, and others serve its callers."""
    return _restaffed(scenario, site_id, 0, ())


def with_agents(scenario: Scenario, site_id: SiteId, change: Callable[[int], int]) -> Scenario:
    """Every figure of the site's roster changed alike, but where nobody is on duty: it is shut then."""

    def changed(agents: int) -> int:
        return max(0, change(agents)) if agents else 0

    first = next(site.agents for site in scenario.sites if site.site_id == site_id)
    own = tuple(
        replace(each, agents=changed(each.agents)) for each in scenario.roster if each.site_id == site_id
    )
    return _restaffed(scenario, site_id, changed(first), own)


def with_roster(scenario: Scenario, roster: Roster) -> Scenario:
    """The sites that `roster` names have it instead of theirs; nobody before its first change."""
    for site_id, changes in roster.items():
        at_start = [change.agents for change in changes if change.from_ms <= 0]
        later = tuple(change for change in changes if change.from_ms > 0)
        scenario = _restaffed(scenario, site_id, at_start[-1] if at_start else 0, later)
    return scenario


def with_max_own_loss(scenario: Scenario, site_id: SiteId, limit: float | None) -> Scenario:
    """Helping may cost that site's own callers so many points; None: whatever it costs."""
    sites = tuple(
        replace(site, max_own_loss=limit) if site.site_id == site_id else site for site in scenario.sites
    )
    return replace(scenario, sites=sites)


def _changed(variant: Variant, part: str, read_roster: ReadRoster) -> Variant:
    key, equals, value = (piece.strip() for piece in part.partition("="))
    if not equals or not key or not value:
        raise _problem(
            part,
            _(
                "is no change; write closed=SITE, SITE=12, SITE=+2, SITE=-2, max_own_loss=SITE:2, policy=NAME"
                " or roster=FILE"
            ),
        )
    scenario = variant.scenario
    match key:
        case "policy":
            return replace(variant, policy=_policy(part, value))
        case "closed":
            return replace(variant, scenario=closed(scenario, _site(part, scenario, value)))
        case "max_own_loss":
            return replace(variant, scenario=_with_limit(scenario, part, value))
        case "roster":
            roster = read_roster(value)
            for site_id in roster:
                _site(part, scenario, site_id)
            return replace(variant, scenario=with_roster(scenario, roster))
    site_id = _site(part, scenario, key)
    return replace(variant, scenario=_with_count(scenario, site_id, part, value))


def _with_count(scenario: Scenario, site_id: SiteId, part: str, value: str) -> Scenario:
    if not re.fullmatch(r"[+-]?\d{1,6}", value):
        raise _problem(part, _("needs a number of agents, such as 12, +2 or -2"))
    number = int(value)
    if value[0] in "+-":
        return with_agents(scenario, site_id, lambda agents: agents + number)
    return _restaffed(scenario, site_id, number, ())


def _with_limit(scenario: Scenario, part: str, value: str) -> Scenario:
    name, _colon, points = (piece.strip() for piece in value.partition(":"))
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", points) or float(points) > MAX_OWN_LOSS_LIMIT:
        raise _problem(
            part,
            _("needs a site and 0 to {most} points, such as max_own_loss=SITE:2"),
            most=MAX_OWN_LOSS_LIMIT,
        )
    return with_max_own_loss(scenario, _site(part, scenario, name), float(points))


def _restaffed(
    scenario: Scenario, site_id: SiteId, agents: int, changes: tuple[RosterChange, ...]
) -> Scenario:
    sites = tuple(
        replace(site, agents=agents) if site.site_id == site_id else site for site in scenario.sites
    )
    others = tuple(change for change in scenario.roster if change.site_id != site_id)
    roster = tuple(sorted((*others, *changes), key=lambda change: change.from_ms))
    return replace(scenario, sites=sites, roster=roster)


def _site(part: str, scenario: Scenario, name: str) -> SiteId:
    if name not in scenario.site_ids:
        raise _problem(
            part,
            _("unknown site {site!r}; the day has {known}"),
            site=name,
            known=", ".join(sorted(scenario.site_ids)),
        )
    return SiteId(name)


def _policy(part: str, name: str) -> Policy:
    if name not in set(Policy):
        raise _problem(
            part, _("unknown policy {policy!r}; there are {known}"), policy=name, known=", ".join(Policy)
        )
    return Policy(name)


def _problem(part: str, wording: str, **values: object) -> BadInputError:
    return BadInputError([Problem(place=part or "--with", wording=wording, values=values)])
