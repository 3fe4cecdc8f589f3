"""A whole cluster on virtual time: floors, PBXes and people, network and board, and what breaks."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from router.acd.policy import QueuePolicy
from router.facts import CallingHoursChanged
from router.ids import FOREVER_MS, CallId, SiteId, Skill
from router.ledger import LedgerRow
from router.overflow.policy import LinkPolicy, OverflowPolicy
from router.world.clock import SiteClock
from router.world.control_link import SILENT_AFTER_MS, UNNOTICED_MS, ControlLink
from router.world.crew import Crew
from router.world.day.calls import PlannedCall
from router.world.day.faults import NO_FAULTS, Faults, PbxOutage, SiteOutage
from router.world.day.scenario import Scenario, ScenarioSite
from router.world.laws.law import InSystem
from router.world.load_board import LoadBoard
from router.world.loop import Loop
from router.world.network import Network
from router.world.node import Node, Surroundings, Trace
from router.world.pbx import Pbx
from router.world.person import Person
from router.world.redirects import Redirects
from router.world.trunk_lines import TrunkLines
from router.world.whims import Whims

REST_STEP_MS = 10_000
REST_LIMIT_MS = 24 * 3_600_000
"""After the last call a world has a day to come to rest; handling times end long before."""

TOMBSTONE_MS = 200_000
"""A little longer than redirected callers are waited for, and hand-offs are remembered: after that nothing
late can come any more."""


def queue_policies(scenario: Scenario, calls: Iterable[PlannedCall]) -> tuple[QueuePolicy, ...]:
    """Every queue of the scenario and its calls, each asking for the skill of its own name.

    Wrap-up is part of a call's handling time, callers wait as long as their patience, and
    nobody listens to announcements.
    """
    queues = {call.queue_id for call in calls} | set(scenario.named_queues())
    return tuple(
        QueuePolicy(
            queue_id=queue_id,
            skills=frozenset({Skill(queue_id)}),
            wait_limit_ms=FOREVER_MS,
            announce_interval_ms=0,
            waiting_call_limit=1_000_000,
        )
        for queue_id in sorted(queues)
    )


def overflow_policy(scenario: Scenario, site: ScenarioSite, *, is_enabled: bool) -> OverflowPolicy:
    others = [other for other in scenario.site_ids if other != site.site_id]
    links = {other: scenario.link(site.site_id, other) for other in others}
    return OverflowPolicy(
        is_enabled=is_enabled,
        home_reserve=site.home_reserve,
        max_own_loss=site.max_own_loss,
        links={
            other: LinkPolicy(
                site_id=other, cost_s=link.cost_s, leg_limit=link.max_legs, media=scenario.media
            )
            for other, link in links.items()
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who looks on: each is told, none may change anything."""

    see_row: Callable[[LedgerRow], None]
    """Every committed row, in order within a site."""
    object_to: Callable[[str], None]
    """What must never happen and no ledger shows."""
    look: Callable[[Node], None] | None = None
    """After each fact, to check the live floor."""
    trace: Trace | None = None


class Cluster:
    """Plays one day, once."""

    def __init__(
        self,
        scenario: Scenario,
        calls: Sequence[PlannedCall],
        *,
        seed: int,
        watchers: Watchers,
        is_overflowing: bool = True,
        faults: Faults = NO_FAULTS,
        policies: tuple[QueuePolicy, ...] | None = None,
    ) -> None:
        """`policies` are those of `queue_policies` unless others are given."""
        self.loop = Loop()
        self.nodes: dict[SiteId, Node] = {}
        self.pbxes: dict[SiteId, Pbx] = {}
        self.controls: dict[SiteId, ControlLink] = {}
        self.blocked_count = 0
        """Callers whom nothing answered; they were never offered."""
        self._scenario = scenario
        self._calls = calls
        self._faults = faults = replace(faults, cut_offs=(*faults.cut_offs, *scenario.cut_offs))
        self._watchers = watchers
        self._is_overflowing = is_overflowing
        self._people: dict[CallId, Person] = {}
        self._crews: dict[SiteId, Crew] = {}
        self._lines: dict[SiteId, TrunkLines] = {}
        self._redirects: dict[SiteId, Redirects] = {}
        self._rng = random.Random(seed)
        self._crash_rng = self._fork()
        self._network = Network(self.loop, scenario, self.nodes, faults, self._fork())
        self._board = LoadBoard(self.loop, self.nodes, faults, period_ms=scenario.board_period_ms)
        policies = queue_policies(scenario, calls) if policies is None else policies
        self._ring_limit_ms = min((policy.ring_limit_ms for policy in policies), default=0)
        for number, site in enumerate(scenario.sites, start=1):
            self._make_site(number, site, policies)

    # --- making ------------------------------------------------------------------------

    def _fork(self) -> random.Random:
        """A generator of its own for each user, so that one's draws don't shift another's."""
        return random.Random(self._rng.getrandbits(64))

    def _make_site(self, number: int, site: ScenarioSite, policies: tuple[QueuePolicy, ...]) -> None:
        site_id = site.site_id
        node = self.nodes[site_id] = Node(
            site_id,
            number=number,
            policies=policies,
            overflow=overflow_policy(self._scenario, site, is_enabled=self._is_overflowing),
            rng=self._fork(),
            commit_ms=self._faults.commit_ms,
            keeps_rows=bool(self._faults.node_outages or self._faults.crash_share),
        )
        control = self.controls[site_id] = ControlLink(node, self.loop)
        self._lines[site_id] = TrunkLines(
            site_id,
            control,
            loop=self.loop,
            network=self._network,
            setup_ms=self._scenario.media_setup_ms,
            others=self._lines,
        )
        pbx = self.pbxes[site_id] = self._make_pbx(site_id)
        control.connect(pbx)
        node.connect(
            Surroundings(
                loop=self.loop,
                clock=SiteClock(self.loop, self._faults.clock_error(site_id)),
                network=self._network,
                board=self._board,
                pbx=pbx,
                control=control,
                see_row=self._watchers.see_row,
                object_to=self._watchers.object_to,
                look=self._watchers.look,
                trace=self._watchers.trace,
                crash_point=partial(self._crash_point, node) if self._faults.crash_share else None,
                crash=self._crash,
            )
        )
        every_queue = frozenset(skill for policy in policies for skill in policy.skills)
        self._crews[site_id] = Crew(node, site.skills or every_queue, self.loop)

    def _make_pbx(self, site_id: SiteId) -> Pbx:
        return Pbx(
            site_id,
            self.controls[site_id],
            self._lines[site_id],
            loop=self.loop,
            people=self._people,
            redirects=self._redirects,
            ring_ms=self._scenario.ring_ms,
            faults=self._faults,
            rng=self._fork(),
            object_to=self._watchers.object_to,
        )

    # --- playing -----------------------------------------------------------------------

    def play(self) -> None:
        """From the first instant until every call is over and nothing is on its way."""
        for site in self._scenario.sites:
            self.nodes[site.site_id].start()
            self._crews[site.site_id].change_shift(site.agents)
        self._board.start()
        self._plan_shifts()
        self._plan_faults()
        self._next_arrival(iter(self._calls), self._fork())
        self.loop.run(self._scenario.duration_ms)
        self._come_to_rest()

    def in_system(self) -> InSystem:
        """What still lives, by the floors."""
        floors = [node.floor for node in self.nodes.values() if node.floor is not None]
        return InSystem(
            calls=frozenset(call.call_id for floor in floors for call in floor.calls()),
            handoffs=frozenset(handoff.handoff_id for floor in floors for handoff in floor.handoffs()),
        )

    def _come_to_rest(self) -> None:
        limit = self.loop.now + REST_LIMIT_MS
        while not self._is_at_rest():
            if self.loop.now > limit:
                self._watchers.object_to(f"not at rest a day after the last call: {self.in_system()}")
                return
            self.loop.run(self.loop.now + REST_STEP_MS)
        self._end_calling_hours()
        self.loop.run(self.loop.now + TOMBSTONE_MS)

    def _end_calling_hours(self) -> None:
        """Callbacks that nobody made stay open for another day; those in progress are finished."""
        for node in self.nodes.values():
            node.tell(CallingHoursChanged(is_open=False))
        while any(True for node in self.nodes.values() if node.floor for _ in node.floor.outbound()):
            self.loop.run(self.loop.now + REST_STEP_MS)

    def _is_at_rest(self) -> bool:
        alive = self.in_system()
        is_on_way = any(each.on_way_count or each.ringing_count for each in self._redirects.values())
        are_up = all(node.is_up for node in self.nodes.values())
        return not alive.calls and not alive.handoffs and not is_on_way and are_up

    def _next_arrival(self, calls: Iterator[PlannedCall], rng: random.Random) -> None:
        call = next(calls, None)
        if call is not None:
            self.loop.at(call.arrive_ms, self._arrive, call, calls, rng)

    def _arrive(self, call: PlannedCall, calls: Iterator[PlannedCall], rng: random.Random) -> None:
        node = self.nodes[call.site_id]
        person = Person(CallId(node.new_call_id()), call)
        if self._faults.caller_hangs_up_share:
            person.hangs_up_first = rng.random() < self._faults.caller_hangs_up_share
        self._people[person.call_id] = person
        if not self.pbxes[call.site_id].call_in(person):
            self.blocked_count += 1
        elif node.is_up and not self.controls[call.site_id].is_cut:
            node.caller_rings(person)
        self._next_arrival(calls, rng)

    def _plan_shifts(self) -> None:
        for change in self._scenario.roster:
            self.loop.at(change.from_ms, self._crews[change.site_id].change_shift, change.agents)
        if self._faults.whim_share:
            for node in self.nodes.values():
                Whims(node, self.loop, self._fork(), self._faults.whim_share).begin(
                    self._scenario.duration_ms
                )
        if self._faults != NO_FAULTS or self._scenario.ring_ms >= self._ring_limit_ms:
            for crew in self._crews.values():
                crew.look_periodically()

    def _plan_faults(self) -> None:
        for outage in self._faults.node_outages:
            self.loop.at(outage.from_ms, self._kill_node, outage)
        for outage in self._faults.pbx_outages:
            self.loop.at(outage.from_ms, self._kill_pbx, outage)
        for outage in self._faults.control_outages:
            self.loop.at(outage.from_ms, self._cut_control, outage)
        for step in self._faults.clock_steps:
            self.loop.at(step.at_ms, self.nodes[step.site_id].step_clock, step.by_ms)

    def _kill_node(self, outage: SiteOutage) -> None:
        node = self.nodes[outage.site_id]
        if node.is_up:
            node.stop()
            self.loop.at(outage.until_ms, self._start_node, node)

    def _crash_point(self, _node: Node, item_count: int) -> int | None:
        """Never after the day, so that the world comes to rest."""
        if (
            self.loop.now >= self._scenario.duration_ms
            or self._crash_rng.random() >= self._faults.crash_share
        ):
            return None
        return self._crash_rng.randint(0, item_count)

    def _crash(self, node: Node) -> None:
        """Once: what a dying process still did may have led to another crash of it."""
        if not node.is_up:
            return
        node.stop()
        self.loop.after(self._crash_rng.choice((1, 700, 8_000)), self._start_node, node)

    def _start_node(self, node: Node) -> None:
        node.start()
        self._crews[node.site_id].look()

    def _kill_pbx(self, outage: PbxOutage) -> None:
        pbx = self.pbxes[outage.site_id]
        if pbx.is_down:
            return
        pbx.crash()
        control = self.controls[outage.site_id]
        control.renew()
        control.lose(SILENT_AFTER_MS if outage.is_noticed else UNNOTICED_MS)
        if outage.is_noticed:
            self.nodes[outage.site_id].pbx_died("PBX_DOWN")
        self.loop.at(outage.until_ms, self._start_pbx, pbx, outage.is_noticed)

    def _start_pbx(self, pbx: Pbx, was_noticed: bool) -> None:
        pbx.come_back()
        self.nodes[pbx.site_id].pbx_back(is_news=not was_noticed)
        self.controls[pbx.site_id].stand()

    def _cut_control(self, outage: SiteOutage) -> None:
        control = self.controls[outage.site_id]
        if self.nodes[outage.site_id].is_up and not self.pbxes[outage.site_id].is_down and not control.is_cut:
            control.cut()
            self.loop.at(outage.until_ms, control.mend)
