"""A scenario: sites, their agents and links, read from `scenario.toml` text.

What-if and lab read the same file. Sites name themselves; queue classes are those that
`queues` or the sites' skills name (none named: whatever the calls ask for).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from router.ids import QueueId, SiteId, Skill, Skills
from router.overflow.policy import MAX_OWN_LOSS_LIMIT, Media
from router.problems import BadInputError, Problem
from router.problems import marked as _
from router.world.day.callers import BusyHour, Surge
from router.world.day.faults import SiteOutage, is_apart
from router.world.day.tables import TableReader, line_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSite:
    site_id: SiteId
    agents: int
    """On duty from the start; 0 is a site that only takes calls and has others serve them."""
    skills: Skills | None = None
    """Queue classes that its agents serve; None: all."""
    home_reserve: int = 0
    max_own_loss: float | None = None
    """As in `OverflowPolicy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioLink:
    """The way between two sites, the same in both directions."""

    rtt_ms: int
    cost_s: float = 0.0
    max_legs: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    site_id: SiteId
    from_ms: int
    agents: int
    """On duty from then on; who talks when the shift ends finishes the call first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Times are milliseconds from the first instant of the played day."""

    duration_ms: int
    """Calls that arrive later are ignored; calls in progress are finished."""
    warmup_ms: int = 0
    """Calls that arrive earlier are played, not counted."""
    board_period_ms: int = 1000
    """The board is copied to every site each so often; 0: at every change."""
    link_rtt_ms: int = 60
    media_setup_ms: int = 400
    media: Media = Media.BRIDGE
    """On every link. No file says it: it changes who holds a talk's legs, and nobody's wait."""
    ring_ms: int = 2000
    sites: tuple[ScenarioSite, ...]
    links: Mapping[frozenset[SiteId], ScenarioLink] = field(default_factory=dict)
    roster: tuple[RosterChange, ...] = ()
    """In order of time."""
    cut_offs: tuple[SiteOutage, ...] = ()
    """Sites whose way to the others and to the load board is away for a while; talks across it go on."""
    queues: tuple[QueueId, ...] = ()
    """Declared queue classes; empty: not declared."""
    callers: BusyHour = field(default_factory=BusyHour)
    """Of a made-up day; a calls file knows its own."""

    @property
    def site_ids(self) -> tuple[SiteId, ...]:
        return tuple(site.site_id for site in self.sites)

    def link(self, one: SiteId, other: SiteId) -> ScenarioLink:
        return self.links.get(frozenset((one, other))) or ScenarioLink(rtt_ms=self.link_rtt_ms)

    def is_apart(self, one: SiteId, other: SiteId, at_ms: int) -> bool:
        """Whether no word passes between the two sites, because one of them is cut off."""
        return is_apart(self.cut_offs, one, other, at_ms)

    def named_queues(self) -> tuple[QueueId, ...]:
        """Every queue class the scenario itself speaks of, sorted."""
        named = {QueueId(skill) for site in self.sites for skill in site.skills or ()}
        return tuple(sorted(named | set(self.queues)))

    def is_served(self, queue_id: QueueId) -> bool:
        """Whether some site's agents could ever take a call of this queue."""
        return any(site.skills is None or Skill(queue_id) in site.skills for site in self.sites)


def parse_scenario(text: str) -> Scenario:
    """The scenario that `text` describes.

    Raises:
        BadInputError: with every fault and its place.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(
            [Problem(place="scenario", wording="{error}", values={"error": error})]
        ) from error
    problems: list[Problem] = []
    scenario = _read(TableReader(values, problems, line_numbers(text)), problems)
    if problems:
        raise BadInputError(problems)
    return scenario


def _read(top: TableReader, problems: list[Problem]) -> Scenario:
    link_rtt_ms = top.whole("link_rtt_ms", 60)
    queues = tuple(QueueId(name) for name in top.names("queues") or ())
    sites = _sites(top, queues)
    known = {site.site_id for site in sites}
    scenario = Scenario(
        duration_ms=top.milliseconds("duration_s", None, least_s=0.001),
        warmup_ms=top.milliseconds("warmup_s", 0.0),
        board_period_ms=top.milliseconds("board_period_s", 1.0),
        link_rtt_ms=link_rtt_ms,
        media_setup_ms=top.whole("media_setup_ms", 400),
        ring_ms=top.milliseconds("ring_s", 2.0),
        sites=sites,
        links=_links(top, known, link_rtt_ms),
        roster=_roster(top, known),
        cut_offs=_cut_offs(top, known),
        queues=queues,
        callers=_callers(top, known, queues),
    )
    if not problems and scenario.warmup_ms >= scenario.duration_ms:
        top.fault("warmup_s", _("must be shorter than duration_s, or no call counts"))
    top.finish()
    return scenario


def _sites(top: TableReader, queues: tuple[QueueId, ...]) -> tuple[ScenarioSite, ...]:
    sites: list[ScenarioSite] = []
    for table in top.tables("site"):
        site = _site(table, queues)
        if site.site_id and any(site.site_id == other.site_id for other in sites):
            table.fault("id", _("site {site} stands here twice"), site=site.site_id)
        sites.append(site)
    if not sites:
        top.fault("site", _("at least one [[site]] is needed"))
    return tuple(sites)


def _site(table: TableReader, queues: tuple[QueueId, ...]) -> ScenarioSite:
    site_id = SiteId(table.site_id("id"))
    names = table.names("skills")
    for name in names or ():
        if queues and QueueId(name) not in queues:
            table.fault(
                "skills",
                _("skill {skill} is none of the declared queues: {known}"),
                skill=name,
                known=", ".join(queues),
            )
    site = ScenarioSite(
        site_id=site_id,
        agents=table.whole("agents", None),
        skills=None if names is None else frozenset(Skill(name) for name in names),
        home_reserve=table.whole("home_reserve", 0),
        max_own_loss=table.number_if_given("max_own_loss", least=0, most=MAX_OWN_LOSS_LIMIT),
    )
    table.finish()
    return site


def _links(top: TableReader, known: set[SiteId], link_rtt_ms: int) -> dict[frozenset[SiteId], ScenarioLink]:
    links: dict[frozenset[SiteId], ScenarioLink] = {}
    for table in top.tables("link"):
        ends = frozenset((_known_site(table, "from", known), _known_site(table, "to", known)))
        if len(ends) == 1:
            table.fault("to", _("a link joins two different sites"))
        if ends in links:
            table.fault("from", _("this pair of sites has a [[link]] already; one holds for both directions"))
        links[ends] = ScenarioLink(
            rtt_ms=table.whole("rtt_ms", link_rtt_ms),
            cost_s=table.number("cost_s", 0.0),
            max_legs=table.whole("max_legs", 30),
        )
        table.finish()
    return links


def _roster(top: TableReader, known: set[SiteId]) -> tuple[RosterChange, ...]:
    changes = []
    for table in top.tables("roster"):
        changes.append(
            RosterChange(
                site_id=_known_site(table, "site", known),
                from_ms=table.milliseconds("from_s", None),
                agents=table.whole("agents", None),
            )
        )
        table.finish()
    return tuple(sorted(changes, key=lambda change: change.from_ms))


def _cut_offs(top: TableReader, known: set[SiteId]) -> tuple[SiteOutage, ...]:
    found = []
    for table in top.tables("cut_off"):
        from_s = table.number("from_s", None)
        found.append(
            SiteOutage(
                site_id=_known_site(table, "site", known),
                from_ms=round(from_s * 1000),
                until_ms=table.milliseconds("until_s", None, least_s=from_s),
            )
        )
        table.finish()
    return tuple(found)


def _callers(top: TableReader, known: set[SiteId], queues: tuple[QueueId, ...]) -> BusyHour:
    usual = BusyHour() if not queues else BusyHour(queues=queues)
    surges = _surges(top, known)
    table = top.table("callers")
    if table is None:
        return replace(usual, surges=surges)
    callers = BusyHour(
        occupancy=table.number("occupancy", usual.occupancy),
        swing=table.number("swing", usual.swing),
        handle_mean_s=table.number("handle_mean_s", usual.handle_mean_s, least=1.0),
        handle_sigma=table.number("handle_sigma", usual.handle_sigma),
        patience_mean_s=table.number("patience_mean_s", usual.patience_mean_s, least=1.0),
        vip_share=table.number("vip_share", usual.vip_share),
        queues=usual.queues,
    )
    table.finish()
    return replace(callers, surges=surges)


def _surges(top: TableReader, known: set[SiteId]) -> tuple[Surge, ...]:
    surges = []
    for table in top.tables("surge"):
        from_s = table.number("from_s", None)
        surges.append(
            Surge(
                site_id=_known_site(table, "site", known),
                from_s=from_s,
                until_s=table.number("until_s", None, least=from_s),
                times=table.number("times", None, least=1.0),
            )
        )
        table.finish()
    return tuple(surges)


def _known_site(table: TableReader, key: str, known: set[SiteId]) -> SiteId:
    site_id = SiteId(table.text(key))
    if site_id and site_id not in known:
        table.fault(
            key,
            _("unknown site {site}; [[site]] names {known}"),
            site=site_id,
            known=", ".join(sorted(known)),
        )
    return site_id
