"""A business day out of one's own ledger: its callers, its roster and its sites, to be played again."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import fmean

from hq.planning.ledger_book import BadLedgerError, LedgerBook
from node.words import text as _
from router.agent import STAFFED
from router.call import Disposition
from router.ids import AgentId, HandoffId, LegId, QueueId, SiteId, Skill, Skills
from router.kpi.calls import is_abandoned, is_answered
from router.ledger import AgentOffered, CallConnected, Role
from router.records.agent import AgentStateSpan, SessionRecord
from router.records.call import CallRecord
from router.records.handoff import HandoffRecord
from router.world.day.past_day import PastCall, PastDay, roster_of
from router.world.day.scenario import RosterChange, Scenario, ScenarioSite
from sync.records.codec import ledger_row
from sync.records.tables import LEDGER

_GRID_MS = 900_000
"""A day begins at a quarter of an hour: every time zone's clocks show a round time then."""

_LEFT_WAITING = frozenset(
    {Disposition.VOICEMAIL, Disposition.CALLBACK, Disposition.TIMED_OUT, Disposition.NO_AGENTS}
)
"""Asked for a person and got something else; with other agents they might have got one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a planner starts from."""

    day: PastDay
    scenario: Scenario
    began_utc_us: int
    """The scenario's first instant."""
    left_out: Mapping[str, int]
    """Calls that are not played, by their ending."""
    mixed_sites: tuple[SiteId, ...]
    """Their agents did not all serve the same queues; here each serves all that any of them did."""
    helped_count: int
    """Calls of sites whose ledgers are not in the book, which agents of this one served."""
    away_count: int
    """Calls that agents of such sites served: here nobody does."""


def read_past(book: LedgerBook, business_date: str, like: Scenario | None = None) -> Past:
    """The day as the ledger has it; links, reserves and the network are those of `like`.

    Raises:
        BadLedgerError: the ledger has no such day, or nothing on it that could be played.
    """
    calls = _calls_of(book, business_date)
    spans = _spans_of(book, business_date)
    asked = [call for call in calls if _is_played(call)]
    began_us = min(call.queued_utc_us for call in asked if call.queued_utc_us is not None)
    began_us -= began_us % (_GRID_MS * 1000)
    handoffs = book.records(HandoffRecord, business_date)
    day = PastDay(_past_calls(asked, [each for each in handoffs if each.role is Role.HELPER], began_us))
    if not day.is_answered_at_all:
        raise BadLedgerError(
            _(
                "no call of {day} was answered, so nothing says how long talks last; choose another day",
                day=business_date,
            )
        )
    able = _able(book, business_date, {call.queue_id for call in day.calls})
    of_use = [span for span in spans if able.get((span.site_id, span.agent_id), True)]
    skills = _by_site(able)
    scenario = _scenario(book, day, of_use, skills, began_us)
    if like is not None:
        scenario = _with_network(scenario, like)
    here = set(book.sites())
    foreign = Counter(
        each.role for each in handoffs if each.peer not in here and each.connected_utc_us is not None
    )
    return Past(
        day=day,
        scenario=replace(scenario, ring_ms=_ring_ms(book, business_date)),
        began_utc_us=began_us,
        left_out=Counter(str(call.disposition or "OPEN") for call in calls if not _is_played(call)),
        mixed_sites=tuple(sorted(site_id for site_id, kinds in skills.items() if len(kinds) > 1)),
        helped_count=foreign[Role.HELPER],
        away_count=foreign[Role.ORIGIN],
    )


def _calls_of(book: LedgerBook, business_date: str) -> list[CallRecord]:
    _check_date(business_date)
    calls = book.records(CallRecord, business_date)
    if any(_is_played(call) for call in calls):
        return calls
    span = book.days()
    if span is None:
        raise BadLedgerError(_("{database} holds no calls yet", database=book.name))
    raise BadLedgerError(
        _(
            "nobody asked for a person on {day} by {database}; it holds calls of {first} to {last}",
            day=business_date,
            database=book.name,
            first=span[0],
            last=span[1],
        )
    )


def _check_date(business_date: str) -> date:
    try:
        return date.fromisoformat(business_date)
    except ValueError:
        raise BadLedgerError(
            _("--day {day} is no date; write it like 2026-03-02", day=business_date)
        ) from None


def _spans_of(book: LedgerBook, business_date: str) -> list[AgentStateSpan]:
    """Of the day, and those of the evening before that last into it."""
    before = (date.fromisoformat(business_date) - timedelta(days=1)).isoformat()
    spans = [*book.records(AgentStateSpan, before), *book.records(AgentStateSpan, business_date)]
    at_work = [span for span in spans if span.state in STAFFED]
    if not at_work:
        raise BadLedgerError(
            _("nobody was at work on {day} by this ledger; choose another day", day=business_date)
        )
    return at_work


def _is_played(call: CallRecord) -> bool:
    return call.queued_utc_us is not None and (
        is_answered(call) or is_abandoned(call) or call.disposition in _LEFT_WAITING
    )


def _past_calls(
    calls: Iterable[CallRecord], handoffs: Iterable[HandoffRecord], began_us: int
) -> list[PastCall]:
    calls = list(calls)
    wrapups = {each.handoff_id: each.wrapup_ms for each in handoffs}
    known = [call.wrapup_ms for call in calls if is_answered(call) and call.handoff_id is None]
    usual_ms = round(fmean(known)) if known else 0
    return sorted(
        (_past_call(call, wrapups, usual_ms, began_us) for call in calls), key=lambda call: call.came_ms
    )


def _past_call(call: CallRecord, wrapups: Mapping[HandoffId, int], usual_ms: int, began_us: int) -> PastCall:
    assert call.queued_utc_us is not None
    assert call.queue_id is not None
    handle_ms = None
    if is_answered(call):
        # Another site's agent wrapped up; without that site's rows, as long as ours usually do.
        away_ms = 0 if call.handoff_id is None else wrapups.get(call.handoff_id, usual_ms)
        handle_ms = call.talk_ms + call.hold_ms + call.wrapup_ms + away_ms
    return PastCall(
        came_ms=(call.queued_utc_us - began_us) // 1000,
        site_id=call.site_id,
        queue_id=call.queue_id,
        priority=call.priority,
        customer_id=call.customer_id,
        waited_ms=call.waited_ms,
        handle_ms=handle_ms,
        has_hung_up=is_abandoned(call),
        is_answered_away=is_answered(call) and call.handoff_id is not None,
    )


def _able(book: LedgerBook, business_date: str, queues: set[QueueId]) -> dict[tuple[SiteId, AgentId], Skills]:
    """What each agent who was logged in can serve, as names of queues."""
    needed = {
        (SiteId(row.site_id), QueueId(row.queue_id)): frozenset(json.loads(row.settings).get("skills", ()))
        for row in book.queue_settings()
    }
    before = (date.fromisoformat(business_date) - timedelta(days=1)).isoformat()
    return {
        (session.site_id, session.agent_id): frozenset(
            Skill(queue_id)
            for queue_id in queues
            if needed.get((session.site_id, queue_id), frozenset({queue_id})) <= set(session.skills)
        )
        for session in (*book.records(SessionRecord, before), *book.records(SessionRecord, business_date))
    }


def _by_site(able: Mapping[tuple[SiteId, AgentId], Skills]) -> dict[SiteId, set[Skills]]:
    """The different sets of queues that agents of a site serve; who serves none is of no use here."""
    kinds: dict[SiteId, set[Skills]] = {}
    for (site_id, _agent_id), skills in able.items():
        if skills:
            kinds.setdefault(site_id, set()).add(skills)
    return kinds


def _scenario(
    book: LedgerBook,
    day: PastDay,
    spans: Iterable[AgentStateSpan],
    skills: Mapping[SiteId, set[Skills]],
    began_us: int,
) -> Scenario:
    site_ids = sorted({*book.sites(), *(call.site_id for call in day.calls), *skills})
    own: dict[SiteId, list[tuple[int, int | None]]] = {site_id: [] for site_id in site_ids}
    for span in spans:
        to_ms = None if span.to_utc_us is None else (span.to_utc_us - began_us) // 1000
        own[span.site_id].append(((span.from_utc_us - began_us) // 1000, to_ms))
    sites: list[ScenarioSite] = []
    roster: list[RosterChange] = []
    for site_id in site_ids:
        agents, changes = roster_of(site_id, own[site_id])
        kinds = skills.get(site_id)
        served = frozenset[Skill]().union(*kinds) if kinds else None
        sites.append(ScenarioSite(site_id=site_id, agents=agents, skills=served))
        roster += changes
    return Scenario(
        duration_ms=day.calls[-1].came_ms + 1,
        sites=tuple(sites),
        roster=tuple(sorted(roster, key=lambda change: change.from_ms)),
        queues=tuple(sorted({call.queue_id for call in day.calls})),
    )


def _with_network(scenario: Scenario, like: Scenario) -> Scenario:
    """Links, network and reserves of a scenario file; sites that it does not name keep the defaults."""
    unknown = sorted(set(like.site_ids) - set(scenario.site_ids))
    if unknown:
        raise BadLedgerError(
            _(
                "the scenario's site {sites} is not in the ledger, which has {known}",
                sites=", ".join(unknown),
                known=", ".join(scenario.site_ids),
            )
        )
    described = {site.site_id: site for site in like.sites}
    return replace(
        scenario,
        board_period_ms=like.board_period_ms,
        link_rtt_ms=like.link_rtt_ms,
        media_setup_ms=like.media_setup_ms,
        links=like.links,
        sites=tuple(_helping_like(site, described.get(site.site_id)) for site in scenario.sites),
    )


def _helping_like(site: ScenarioSite, described: ScenarioSite | None) -> ScenarioSite:
    if described is None:
        return site
    return replace(site, home_reserve=described.home_reserve, max_own_loss=described.max_own_loss)


def _ring_ms(book: LedgerBook, business_date: str) -> int:
    """How long phones rang until they were answered, on average."""
    rung_at: dict[LegId, int] = {}
    rings_ms: list[int] = []
    kinds = (AgentOffered.kind, CallConnected.kind)
    for record in book.ledger(LEDGER.c.business_date == business_date, LEDGER.c.kind.in_(kinds)):
        row = ledger_row(record)
        if isinstance(row.entry, AgentOffered):
            begun = rung_at.get(row.entry.after_leg) if row.entry.after_leg is not None else None
            rung_at[row.entry.leg_id] = row.at_utc_us if begun is None else begun
        elif isinstance(row.entry, CallConnected) and row.entry.leg_id in rung_at:
            rings_ms.append((row.at_utc_us - rung_at[row.entry.leg_id]) // 1000)
    return round(fmean(rings_ms)) if rings_ms else 0
