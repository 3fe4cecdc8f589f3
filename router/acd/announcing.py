"""What a waiting caller hears: its place and the expected wait, neither ever rising."""

from collections.abc import Callable
from math import isinf

from router import ledger
from router.acd.calls import ANNOUNCE_TIMER, Call, Calls
from router.acd.history import expected_wait_s
from router.acd.queues import Queue, Queues
from router.acd.roster import Roster
from router.ids import Instant, PlaybackId
from router.orders import Announce
from router.timers import Timers
from router.turn import Turn


class Announcing:
    def __init__(
        self,
        calls: Calls,
        roster: Roster,
        queues: Queues,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._timers = timers
        self._new_id = new_id

    def announce(self, turn: Turn, call: Call) -> None:
        """Say what is lower than what was said before; silence without history or agents."""
        queue = self._queues.find(call.queue_id)
        if queue is None or queue.policy.announce_interval_ms == 0:
            return
        self._timers.set(
            (ANNOUNCE_TIMER, call.call_id), Instant(turn.now + queue.policy.announce_interval_ms)
        )
        if call.call_id not in self._calls.waiting or call.call_id in self._calls.held_back:
            return
        said_position, said_wait_s = call.announced
        position = _lower(said_position, self._calls.waiting.position(call.call_id))
        wait_s = _lower(said_wait_s, self.expected_wait_s(turn.now, queue, call))
        if (position, wait_s) == call.announced:
            return
        call.announced = (position, wait_s)
        turn.write(
            ledger.Announced(
                call_id=call.call_id, queue_id=call.queue_id, position=position, expected_wait_s=wait_s
            )
        )
        turn.order(
            Announce(
                call_id=call.call_id,
                playback_id=PlaybackId(self._new_id()),
                language=call.language,
                position=position,
                expected_wait_s=wait_s,
            )
        )

    def expected_wait_s(self, now: Instant, queue: Queue, call: Call) -> int | None:
        """Whole seconds for this caller at its place; None when nobody can tell."""
        wait_s = expected_wait_s(
            ahead_count=self._calls.waiting.position(call.call_id) - 1,
            staffed_count=self._roster.staffed_count(call.skills),
            aht_ms=queue.history.aht_ms(now),
            abandon_rate_per_hour=queue.history.abandon_rate_per_hour(now),
        )
        return None if isinf(wait_s) else round(wait_s)


def _lower(said: int | None, now: int | None) -> int | None:
    if said is None or now is None:
        return said if now is None else now
    return min(said, now)
