"""Small worlds drawn from a seed: sites, calls and faults; played with every law looking on."""

import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from router.acd.policy import Distribution, LastResort, QueuePolicy
from router.acd.silence import PBX_SILENT
from router.agent import AgentState
from router.floor import Floor
from router.ids import HandoffId, QueueId, SiteId, Skill
from router.ledger import HandoffCancelled, HandoffExpired, LedgerRow, Role
from router.overflow.messages import HandoffState
from router.overflow.policy import Media
from router.world.cluster import Cluster, Watchers
from router.world.control_link import Hearing
from router.world.day.busy_hour import generate
from router.world.day.callers import BusyHour
from router.world.day.calls import PlannedCall
from router.world.day.faults import (
    NO_FAULTS,
    Faults,
    draw_clock_errors,
    draw_control_outages,
    draw_cut_offs,
    draw_faults,
)
from router.world.day.scenario import RosterChange, Scenario, ScenarioLink, ScenarioSite
from router.world.laws.floors import FloorLaws
from router.world.laws.law import LawResult
from router.world.laws.ledgers import ledger_laws
from router.world.node import Node

QUEUES = (QueueId("PS"), QueueId("NW"))


@dataclass(frozen=True, kw_only=True)
class World:
    scenario: Scenario
    calls: list[PlannedCall]
    faults: Faults
    policies: tuple[QueuePolicy, ...] | None = None
    """None: those of a what-if."""


@dataclass(frozen=True, kw_only=True)
class Played:
    results: list[LawResult]
    objections: list[str]
    """What no ledger shows: a phone rung twice, a world not at rest, a floor that failed."""
    call_count: int
    overflow_count: int

    @property
    def violations(self) -> list[str]:
        told = [f"{law.name}: {violation}" for law in self.results for violation in law.violations]
        return told + self.objections


def draw_world(seed: int) -> World:
    rng = random.Random(seed)
    names = tuple(SiteId(name) for name in ("a", "b", "c", "d")[: rng.randint(1, 4)])
    scenario = _draw_scenario(rng, names)
    duration_ms = scenario.duration_ms
    callers = BusyHour(
        occupancy=rng.choice((0.6, 1.0, 1.6)),
        handle_mean_s=rng.choice((10.0, 30.0)),
        patience_mean_s=rng.choice((15.0, 60.0)),
        queues=QUEUES,
        vip_share=rng.choice((0.0, 0.2)),
    )
    calls = generate(scenario, seed, callers)
    faults = draw_faults(rng, names, duration_ms)
    policies = tuple(draw_policy(rng, queue_id) for queue_id in QUEUES)
    # Drawn last: a kind of fault that is new leaves the worlds of old seeds as they were otherwise.
    faults = replace(faults, control_outages=draw_control_outages(rng, names, duration_ms))
    # By a generator of its own, so that the seeds of older worlds still draw the rest as they did.
    media_rng = random.Random(f"media {seed}")
    if media_rng.random() < 0.5:
        scenario = replace(scenario, media=Media.REFER)
        faults = replace(
            faults,
            carrier_refuses_share=media_rng.choice((0.0, 0.2)),
            carrier_late_share=media_rng.choice((0.0, 0.1)),
            carrier_silent_share=media_rng.choice((0.0, 0.0, 0.1)),
        )
    redirect_rng = random.Random(f"redirect {seed}")
    if scenario.media is Media.BRIDGE and redirect_rng.random() < 0.5:
        scenario = replace(scenario, media=Media.REDIRECT)
        faults = replace(
            faults,
            carrier_loses_share=redirect_rng.choice((0.0, 0.2)),
            carrier_late_share=redirect_rng.choice((0.0, 0.3)),
            carrier_doubled_share=redirect_rng.choice((0.0, 0.5)),
        )
    cut_rng = random.Random(f"cut off {seed}")
    faults = replace(faults, cut_offs=draw_cut_offs(cut_rng, names, duration_ms))
    clock_rng = random.Random(f"clocks {seed}")
    faults = replace(faults, clock_errors=draw_clock_errors(clock_rng, names))
    return World(
        scenario=scenario,
        calls=calls,
        faults=faults,
        policies=policies,
    )


def _draw_scenario(rng: random.Random, names: Sequence[SiteId]) -> Scenario:
    duration_ms = rng.choice((20_000, 60_000, 120_000))
    return Scenario(
        duration_ms=duration_ms,
        board_period_ms=rng.choice((0, 500, 1_000, 10_000)),
        link_rtt_ms=rng.choice((2, 60, 400)),
        media_setup_ms=rng.choice((50, 400, 1_500)),
        ring_ms=rng.choice((500, 2_000, 6_000)),
        sites=tuple(draw_site(rng, name) for name in names),
        links={
            frozenset((names[0], other)): ScenarioLink(
                rtt_ms=rng.choice((10, 900)), cost_s=rng.choice((0.0, 5.0)), max_legs=rng.choice((1, 30))
            )
            for other in names[1:]
            if rng.random() < 0.3
        },
        roster=tuple(
            RosterChange(
                site_id=rng.choice(names), from_ms=rng.randrange(duration_ms), agents=rng.randint(0, 4)
            )
            for _ in range(rng.choice((0, 0, 1, 2)))
        ),
        queues=QUEUES,
    )


def draw_policy(rng: random.Random, queue_id: QueueId) -> QueuePolicy:
    return QueuePolicy(
        queue_id=queue_id,
        skills=frozenset({Skill(queue_id)}),
        distribution=rng.choice(list(Distribution)),
        ring_limit_ms=rng.choice((3_000, 15_000)),
        ring_all_limit=rng.choice((2, 8)),
        wrap_up_limit_ms=rng.choice((0, 0, 2_000)),
        waiting_call_limit=rng.choice((3, 10_000)),
        wait_limit_ms=rng.choice((20_000, 3_600_000)),
        last_resort=rng.choice(list(LastResort)),
        announce_interval_ms=rng.choice((0, 5_000)),
        is_overflow_allowed=rng.random() < 0.9,
    )


def draw_site(rng: random.Random, name: SiteId) -> ScenarioSite:
    skills = rng.choice((None, None, frozenset({Skill("PS")}), frozenset({Skill("PS"), Skill("NW")})))
    return ScenarioSite(
        site_id=name, agents=rng.randint(1, 4), skills=skills, home_reserve=rng.choice((0, 0, 0, 1))
    )


def play(
    world: World,
    seed: int,
    trace: Callable[[int, SiteId, object], None] | None = None,
    kind: type[Cluster] = Cluster,
) -> Played:
    """Play to the end, or to the first failure of the machine itself, which is an objection too."""
    book, floors, objections = ledger_laws(), FloorLaws(), list[str]()
    confirmed = 0

    cancelled = set[HandoffId]()

    def see(row: LedgerRow) -> None:
        nonlocal confirmed
        confirmed += row.entry.kind == "HANDOFF_CONFIRMED"
        book.see(row)
        match row.entry:
            case HandoffCancelled(role=Role.ORIGIN, handoff_id=handoff_id):
                cancelled.add(handoff_id)
            case HandoffExpired(role=Role.HELPER, handoff_id=handoff_id) if (
                world.faults == NO_FAULTS and handoff_id in cancelled
            ):
                objections.append(f"{handoff_id} was cancelled and kept its agent until it expired")

    def look(node: Node) -> None:
        if node.floor is not None:
            floors.look(node.site_id, node.incarnation, node.floor, node.clock.mono_ms())
            objections.extend(of_silence(node.floor, cluster.controls[node.site_id].hearing))

    cluster = kind(
        world.scenario,
        world.calls,
        seed=seed,
        watchers=Watchers(see_row=see, object_to=objections.append, look=look, trace=trace),
        faults=world.faults,
        policies=world.policies,
    )
    try:
        cluster.play()
        objections += left_over(cluster)
    except Exception:  # noqa: BLE001 - whatever the machine raises is what this run has found
        objections.append(f"at {cluster.loop.now} ms: {traceback.format_exc()}")
    return Played(
        results=[*book.results(cluster.in_system()), *floors.results()],
        objections=objections,
        call_count=len(world.calls),
        overflow_count=confirmed,
    )


def of_silence(floor: Floor, hearing: Hearing) -> list[str]:
    """A silent PBX rings and dials nobody, so nobody is promised; when it answers, nobody is kept back."""
    if hearing is Hearing.SILENT:
        promised = (AgentState.READY, AgentState.RESERVED)
        found = [f"{each.agent_id} is {each.state}" for each in floor.agents() if each.state in promised]
        talking = (HandoffState.CONNECTED, HandoffState.MOVED)
        under_way = (each for each in floor.handoffs() if each.state not in talking)
        found += [f"{each.handoff_id} is {each.state}" for each in under_way]
        return [f"{each} while the PBX is silent" for each in found]
    if hearing is Hearing.HEARD:
        kept_back = (each for each in floor.agents() if each.reason == PBX_SILENT)
        return [f"{each.agent_id} is kept back from a PBX that answers" for each in kept_back]
    return []


def left_over(cluster: Cluster) -> list[str]:
    """At rest no channel is up and every agent who is logged in is free."""
    found = [
        f"{site_id}: {pbx.channel_count} channels are up at rest"
        for site_id, pbx in cluster.pbxes.items()
        if pbx.channel_count
    ]
    found += [
        f"{agent.agent_id} is {agent.state} ({agent.reason}) at rest"
        for node in cluster.nodes.values()
        if node.floor is not None
        for agent in node.floor.agents()
        if agent.state is not AgentState.READY
    ]
    return found
