"""What goes wrong in a world, all of it drawn beforehand from the world's seed."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from router.ids import SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Something is away from one moment to another."""

    from_ms: int
    until_ms: int

    def covers(self, now: int) -> bool:
        return self.from_ms <= now < self.until_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOutage(Outage):
    site_id: SiteId


def is_apart(cut_offs: Iterable[SiteOutage], one: SiteId, other: SiteId, at_ms: int) -> bool:
    """Whether no word passes between the two sites, because one of them is cut off."""
    return one != other and any(each.site_id in {one, other} and each.covers(at_ms) for each in cut_offs)


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxOutage(SiteOutage):
    is_noticed: bool
    """The branch learns of it at once, as of a process that was killed; else when the PBX is back, as of a
    machine that says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOutage(Outage):
    """Nothing gets from `source` to `target`; the other direction has its own."""

    source: SiteId
    target: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """A site's wall clock is set; its monotonic clock goes on."""

    site_id: SiteId
    at_ms: int
    by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockError:
    """What a site's clocks show from the first instant on."""

    site_id: SiteId
    ahead_ms: int = 0
    """Of its wall clock; negative: behind."""
    drift_ppm: int = 0
    """Of both its clocks; negative: slow."""
    booted_ms: int = 0
    """What its monotonic clock shows at first."""
    is_booted_anew: bool = False
    """The monotonic clock begins anew with each run of the process, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Shares are probabilities, one draw a message or ring."""

    lost_share: float = 0.0
    """Messages between sites that never arrive, requests and answers alike."""
    doubled_share: float = 0.0
    late_share: float = 0.0
    late_max_ms: int = 3_000
    """A late message may overtake nothing or arrive after the asker gave up."""
    no_answer_share: float = 0.0
    rejected_share: float = 0.0
    unreachable_share: float = 0.0
    caller_hangs_up_share: float = 0.0
    """Talks that the caller ends, not the agent."""
    carrier_refuses_share: float = 0.0
    """REFERs that callers' carriers refuse..."""
    carrier_late_share: float = 0.0
    """...that they carry out after the token's time..."""
    carrier_silent_share: float = 0.0
    """...and that they never answer."""
    carrier_loses_share: float = 0.0
    """Callers sent on by a 302 whom their carriers drop; `carrier_late_share` of the others come late..."""
    carrier_doubled_share: float = 0.0
    """...and whose carriers call twice with the one token."""
    whim_share: float = 0.0
    """Seconds in which somebody at a site's desks or in its queue does something of their own accord."""
    commit_ms: int = 0
    """Rows are on disk so long after they were written; what is not is lost with the process."""
    crash_share: float = 0.0
    """Outcomes in whose midst the process dies, and commits after which it does.

    Rows of one outcome are committed together, so this wants a commit that takes its time.
    """
    node_outages: tuple[SiteOutage, ...] = ()
    """The branch process is dead; its PBX goes on with its calls."""
    pbx_outages: tuple[PbxOutage, ...] = ()
    """The PBX is dead, and with it every call it held."""
    control_outages: tuple[SiteOutage, ...] = ()
    """The branch and its PBX do not hear each other; both live, and calls with them."""
    board_outages: tuple[SiteOutage, ...] = ()
    """The site neither reads nor writes the load board."""
    link_outages: tuple[LinkOutage, ...] = ()
    cut_offs: tuple[SiteOutage, ...] = ()
    """Neither the board nor any other site hears the site, nor it them; its own lines and phones work."""
    clock_steps: tuple[ClockStep, ...] = ()
    clock_errors: tuple[ClockError, ...] = ()
    """At most one a site."""

    def clock_error(self, site_id: SiteId) -> ClockError:
        right = ClockError(site_id=site_id)
        return next((each for each in self.clock_errors if each.site_id == site_id), right)

    @property
    def touches_messages(self) -> bool:
        return bool(
            self.lost_share or self.doubled_share or self.late_share or self.link_outages or self.cut_offs
        )


NO_FAULTS = Faults()


def draw_faults(rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int) -> Faults:
    """A plan in which some kinds of fault happen and others don't, all healed before the end."""
    commit_ms = rng.choice((0, 3, 30))
    return Faults(
        lost_share=rng.choice((0.0, 0.0, 0.02, 0.2)),
        doubled_share=rng.choice((0.0, 0.0, 0.05, 0.3)),
        late_share=rng.choice((0.0, 0.0, 0.05, 0.3)),
        late_max_ms=rng.choice((600, 3_000, 40_000)),
        no_answer_share=rng.choice((0.0, 0.05, 0.2)),
        rejected_share=rng.choice((0.0, 0.0, 0.05)),
        unreachable_share=rng.choice((0.0, 0.0, 0.05)),
        caller_hangs_up_share=rng.choice((0.0, 0.5)),
        whim_share=rng.choice((0.0, 0.0, 0.05, 0.5)),
        commit_ms=commit_ms,
        crash_share=rng.choice((0.0, 0.005, 0.02)) if commit_ms else 0.0,
        node_outages=_site_outages(rng, sites, duration_ms, (0, 0, 1, 2)),
        pbx_outages=_pbx_outages(rng, sites, duration_ms),
        board_outages=_site_outages(rng, sites, duration_ms, (0, 0, 1, 2)),
        link_outages=_link_outages(rng, sites, duration_ms),
        clock_steps=_clock_steps(rng, sites, duration_ms),
    )


def _span(rng: random.Random, duration_ms: int) -> tuple[int, int]:
    from_ms = rng.randrange(duration_ms)
    return from_ms, min(duration_ms, from_ms + rng.choice((200, 3_000, 20_000, 60_000)))


def _site_outages(
    rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int, counts: tuple[int, ...]
) -> tuple[SiteOutage, ...]:
    found = []
    for _ in range(rng.choice(counts)):
        from_ms, until_ms = _span(rng, duration_ms)
        found.append(SiteOutage(from_ms=from_ms, until_ms=until_ms, site_id=rng.choice(sites)))
    return tuple(found)


def _pbx_outages(rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int) -> tuple[PbxOutage, ...]:
    """Half of them are noticed: by their moment, which is drawn already."""
    return tuple(
        PbxOutage(
            from_ms=outage.from_ms,
            until_ms=outage.until_ms,
            site_id=outage.site_id,
            is_noticed=outage.from_ms % 2 == 0,
        )
        for outage in _site_outages(rng, sites, duration_ms, (0, 0, 0, 1))
    )


def draw_control_outages(
    rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int
) -> tuple[SiteOutage, ...]:
    return _site_outages(rng, sites, duration_ms, (0, 0, 1, 2))


def draw_cut_offs(rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int) -> tuple[SiteOutage, ...]:
    return _site_outages(rng, sites, duration_ms, (0, 0, 0, 1))


def _link_outages(rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int) -> tuple[LinkOutage, ...]:
    found = []
    for _ in range(rng.choice((0, 0, 1, 2))):
        from_ms, until_ms = _span(rng, duration_ms)
        source, target = rng.sample(sites, 2) if len(sites) > 1 else (sites[0], sites[0])
        found.append(LinkOutage(from_ms=from_ms, until_ms=until_ms, source=source, target=target))
        if rng.random() < 0.5:
            found.append(LinkOutage(from_ms=from_ms, until_ms=until_ms, source=target, target=source))
    return tuple(found)


def _clock_steps(rng: random.Random, sites: tuple[SiteId, ...], duration_ms: int) -> tuple[ClockStep, ...]:
    by_ms = (-3_600_000, -5_000, 5_000, 3_600_000)
    return tuple(
        ClockStep(site_id=rng.choice(sites), at_ms=rng.randrange(duration_ms), by_ms=rng.choice(by_ms))
        for _ in range(rng.choice((0, 0, 0, 1)))
    )


def draw_clock_errors(rng: random.Random, sites: tuple[SiteId, ...]) -> tuple[ClockError, ...]:
    """Half of the worlds' sites have clocks of their own, some within what time synchronisation leaves
    and quartzes do, and some far beyond: an hour or a day wrong, and slow as a starved machine's.
    """
    if rng.random() < 0.5:
        return ()
    return tuple(
        ClockError(
            site_id=site_id,
            ahead_ms=rng.choice((0, -40, 400, 4_000, -90_000, 3_600_000, -86_400_000)),
            drift_ppm=rng.choice((0, -50, 200, -50_000, 50_000)),
            booted_ms=rng.choice((0, 40_000, 8_640_000_000)),
            is_booted_anew=rng.random() < 0.5,
        )
        for site_id in sites
    )
