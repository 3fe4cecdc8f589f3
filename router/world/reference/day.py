"""Plays one day of calls through rooms on virtual time: rings, answers, hang-ups, shifts."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from router.ids import SiteId
from router.world.day.calls import PlannedCall
from router.world.day.faults import SiteOutage
from router.world.day.scenario import Scenario
from router.world.reference.room import Caller, Group, Island, Room

# At one instant an answer counts before the hang-up, and an agent is free before the next decision.
_ANSWER, _FREE, _SHIFT, _PATIENCE, _OTHER = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of a call."""

    call: PlannedCall
    waited_ms: int
    is_answered: bool
    served_by: SiteId | None
    """None for a caller who gave up, and in the pooled room."""


Chooser = Callable[[PlannedCall], SiteId]
"""The site whose room a new caller is sent to, at that moment."""


class Day:
    """One play over a scenario's sites, all in one room or each in its own."""

    def __init__(self, scenario: Scenario, *, is_pooled: bool = False) -> None:
        self.scenario = scenario
        pool = Room()
        self._islands: Mapping[SiteId, Island] = (
            {each.site_id: each.site_id for each in scenario.cut_offs} if is_pooled else {}
        )
        self.rooms: Mapping[SiteId, Room] = {
            site_id: pool if is_pooled else Room(site_id) for site_id in scenario.site_ids
        }
        self._groups = {
            site.site_id: self.rooms[site.site_id].add(
                site.skills, site.agents, self._islands.get(site.site_id)
            )
            for site in scenario.sites
        }
        self._on_duty = {site.site_id: site.agents for site in scenario.sites}
        self._choose: Chooser | None = None
        self._move_after_ms: int | None = None
        self._events: list[tuple[int, int, int, Callable[..., None], tuple[object, ...]]] = []
        self._serial = 0
        self._served: list[Served] = []
        self.now = 0

    def play(
        self,
        calls: Sequence[PlannedCall],
        *,
        choose: Chooser | None = None,
        move_after_ms: int | None = None,
    ) -> list[Served]:
        """Every call's outcome, in the order in which they were decided; once a day.

        `choose` sends new callers elsewhere; after `move_after_ms` in its first queue a
        caller moves once, to the tail of the next site's.
        """
        self._choose, self._move_after_ms = choose, move_after_ms
        for change in self.scenario.roster:
            self._at(change.from_ms, _SHIFT, self._change_shift, change.site_id, change.agents)
        for cut in self.scenario.cut_offs:
            if cut.site_id in self._islands:
                self._at(cut.from_ms, _SHIFT, self._part, cut)
                self._at(cut.until_ms, _SHIFT, self._rejoin, cut)
        for call in calls:
            self._at(call.arrive_ms, _OTHER, self._arrive, call)
        while self._events:
            self.now, _, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)
        return self._served

    def _at(self, at: int, rank: int, act: Callable[..., None], *arguments: object) -> None:
        self._serial += 1
        heapq.heappush(self._events, (at, rank, self._serial, act, arguments))

    # --- callers -----------------------------------------------------------------------

    def _arrive(self, call: PlannedCall) -> None:
        caller = Caller(call, self._islands.get(call.site_id))
        if call.patience_ms is not None:
            self._at(self.now + call.patience_ms, _PATIENCE, self._lose_patience, caller)
        target = call.site_id if self._choose is None else self._choose(call)
        if target == call.site_id:
            self._enter(caller, target)
        else:
            self._send(caller, call.site_id, target)

    def _send(self, caller: Caller, source: SiteId, target: SiteId) -> None:
        """Set-up and half a round trip, in no queue meanwhile."""
        caller.has_moved = True
        delay_ms = self.scenario.media_setup_ms + self.scenario.link(source, target).rtt_ms // 2
        self._at(self.now + delay_ms, _OTHER, self._enter, caller, target)

    def _enter(self, caller: Caller, site_id: SiteId) -> None:
        if caller.is_gone:
            return
        room = self.rooms[site_id]
        group = room.idle_group(caller.call.queue_id, caller.island)
        if group is not None:
            group.idle -= 1
            self._ring(caller, group)
            return
        room.join(caller)
        if self._move_after_ms is not None and not caller.has_moved and len(self.rooms) > 1:
            self._at(self.now + self._move_after_ms, _OTHER, self._move_on, caller, site_id)

    def _move_on(self, caller: Caller, source: SiteId) -> None:
        if caller.room is None:
            return
        sites = self.scenario.site_ids
        own = sites.index(source)
        others = (*sites[own + 1 :], *sites[:own])
        target = next((each for each in others if not self.is_apart(source, each)), None)
        if target is not None:
            caller.room.leave(caller)
            self._send(caller, source, target)

    def _lose_patience(self, caller: Caller) -> None:
        if caller.is_answered:
            return
        caller.is_gone = True
        self._decide(caller.call, None, is_answered=False)
        if caller.group is not None:
            self._free(caller.group)
        elif caller.room is not None:
            caller.room.leave(caller)

    # --- agents ------------------------------------------------------------------------

    def _ring(self, caller: Caller, group: Group) -> None:
        caller.group = group
        self._at(self.now + self.scenario.ring_ms, _ANSWER, self._answer, caller, group)

    def _answer(self, caller: Caller, group: Group) -> None:
        if caller.is_gone:
            return
        caller.is_answered = True
        self._decide(caller.call, group.room.site_id, is_answered=True)
        self._at(self.now + caller.call.handle_ms, _FREE, self._free, group)

    def _free(self, group: Group) -> None:
        if group.leaving:
            group.leaving -= 1
            return
        caller = group.room.take_next(group)
        if caller is None:
            group.idle += 1
        else:
            self._ring(caller, group)

    def _change_shift(self, site_id: SiteId, agents: int) -> None:
        """Who comes takes the next caller at once; who goes with a call in hand finishes it."""
        group = self._groups[site_id]
        change = agents - self._on_duty[site_id]
        self._on_duty[site_id] = agents
        group.staffed += change
        for _ in range(change):
            self._free(group)
        leaving_now = min(group.idle, max(0, -change))
        group.idle -= leaving_now
        group.leaving += max(0, -change) - leaving_now

    # --- sites that are cut off --------------------------------------------------------

    def is_apart(self, one: SiteId, other: SiteId) -> bool:
        return self.scenario.is_apart(one, other, self.now)

    def _part(self, cut: SiteOutage) -> None:
        self.rooms[cut.site_id].apart.add(cut.site_id)

    def _rejoin(self, cut: SiteOutage) -> None:
        """Whoever was idle on one side takes the callers of the other, in the order in which they came."""
        room = self.rooms[cut.site_id]
        if any(each.site_id == cut.site_id and each.covers(self.now) for each in self.scenario.cut_offs):
            return
        room.apart.discard(cut.site_id)
        for group in room.groups:
            while group.idle and (caller := room.take_next(group)) is not None:
                group.idle -= 1
                self._ring(caller, group)

    def _decide(self, call: PlannedCall, served_by: SiteId | None, *, is_answered: bool) -> None:
        self._served.append(
            Served(
                call=call,
                waited_ms=self.now - call.arrive_ms,
                is_answered=is_answered,
                served_by=served_by,
            )
        )
