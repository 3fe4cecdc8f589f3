"""One fault inflicted on the board and judged: what came back when, what was chosen, what was missed."""

import asyncio
import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from router.ids import SiteId
from router.overflow.board import ViewState
from sync.loadboard.codec import decode
from sync.loadboard.etcd import wire
from tests.chaos.board_faults import Fault
from tests.chaos.board_room import (
    DOOMED,
    LOAD_PREFIX,
    POLICY,
    Look,
    Order,
    Room,
    RoomSite,
    Truth,
    open_room,
    order_of,
)

AFTERWARDS_COUNT = 20
"""Records that each site publishes after the recovery; not one of them may be missed."""
AFTERWARDS_INTERVAL_S = 0.1

DIGEST_ABOVE, MANY = 3, 300
"""Sites: fewer than there are in a room, and more."""

OUT_S = POLICY.view_out_ms / 1000
STALE_S = POLICY.view_stale_ms / 1000
SLACK_S = 0.5
"""Between a look and the witness's turn beside it, on a machine that is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A fault's figures. Seconds are real ones."""

    fault: Fault
    back_after_s: float
    """From the fault's end until every lease and key was back and every view showed what came after it."""
    oldest_view_s: float
    shown_stale_count: int
    """Looks that found a view marked stale or worse."""
    hidden_stale_count: int
    """Looks that found a view called fresh, without what etcd had held for longer than that allows."""
    choice_count: int
    wrong_choice_count: int
    """Choices of a site that had been out of the chooser's sight for 15 s."""
    dead_chosen_for_s: float
    """How long after its death a dead site was last chosen."""
    update_count: int
    missed_update_count: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing was chosen, hidden or missed that must not be."""
        is_dead_out = self.dead_chosen_for_s <= OUT_S + SLACK_S
        zeros = (self.wrong_choice_count, self.hidden_stale_count, self.missed_update_count)
        return is_dead_out and not any(zeros)


async def put_to_trial(fault: Fault, folder: Path, *, reads_digest: bool = False) -> Verdict:
    """Inflict one fault on a room of its own, whose sites read each other's records or the digest of them."""
    async with open_room(folder, digest_above=DIGEST_ABOVE if reads_digest else MANY) as room:
        room.doom()
        await fault.inflict(room)
        over_at = time.monotonic()
        await _until_back(room)
        back_after_s = time.monotonic() - over_at
        await room.until(lambda: DOOMED not in room.truths[-1].records, "the dead site's key is gone")
        room.is_publishing = False
        await room.until(room.agrees, "every view equals what etcd holds")
        looks, truths = list(room.looks), list(room.truths)
        updates, missed = await _afterwards(room, only_last=reads_digest)
        assert room.doomed_at is not None
        dead_chosen = [look.at - room.doomed_at for look in looks if look.chosen == DOOMED]
        return Verdict(
            fault=fault,
            back_after_s=back_after_s,
            oldest_view_s=max(look.age_s for look in looks),
            shown_stale_count=sum(look.state is not ViewState.FRESH for look in looks),
            hidden_stale_count=_hidden_stale_count(looks, truths),
            choice_count=sum(look.chosen is not None for look in looks),
            wrong_choice_count=sum(_is_wrong(look, truths) for look in looks),
            dead_chosen_for_s=max(dead_chosen, default=0.0),
            update_count=updates,
            missed_update_count=missed,
        )


async def _until_back(room: Room) -> None:
    """Everybody's key, under a lease, with something published after the fault, in every view."""
    wanted = {site.site_id: site.version + 1 for site in room.survivors}

    def is_back() -> bool:
        records = room.truths[-1].records
        are_keys_back = all(
            site_id in records and records[site_id].lease_id and records[site_id].order[1] >= version
            for site_id, version in wanted.items()
        )
        return are_keys_back and all(_has_caught_up(site, wanted) for site in room.survivors)

    await room.until(is_back, "leases, keys and views are back")


def _has_caught_up(site: RoomSite, wanted: dict[SiteId, int]) -> bool:
    is_fresh = site.look().state is ViewState.FRESH
    return is_fresh and all(
        other == site.site_id or (other in site.view and site.view[other].version >= version)
        for other, version in wanted.items()
    )


async def _afterwards(room: Room, *, only_last: bool) -> tuple[int, int]:
    """Publish some more, and hold what every site heard against etcd's own history of it.

    `only_last`: of each site's records, since a digest tells none that was replaced within its second.
    """
    marks = {site.site_id: len(site.heard) for site in room.survivors}
    since = room.truths[-1].revision + 1
    for _ in range(AFTERWARDS_COUNT):
        for site in room.survivors:
            site.publish()
        await asyncio.sleep(AFTERWARDS_INTERVAL_S)

    def is_settled() -> bool:
        records = room.truths[-1].records
        return room.agrees() and all(records[s.site_id].order[1] == s.version for s in room.survivors)

    await room.until(is_settled, "what was published last is in every view")
    until = max(record.revision for record in room.truths[-1].records.values())
    updates = await _history(room, since, until)
    if only_last:
        updates = list(dict(updates).items())
    missed = 0
    for site in room.survivors:
        heard = set(site.heard[marks[site.site_id] :])
        missed += sum(update not in heard for update in updates if update[0] != site.site_id)
    return len(updates), missed


async def _history(room: Room, since: int, until: int) -> list[tuple[SiteId, Order]]:
    """Every record that etcd stored in these revisions, both included."""
    connection = room.connection_to(room.etcd.members[0])
    try:
        request = wire.watch_request(LOAD_PREFIX, wire.prefix_end(LOAD_PREFIX), since)
        stream = await connection.open_watch(request)
        history: list[tuple[SiteId, Order]] = []
        revision = since - 1
        while revision < until:
            for event in wire.watch_reply(await connection.read(stream)).events:
                revision = event.kv.mod_revision
                site_id = SiteId(event.kv.key[len(LOAD_PREFIX) :].decode())
                history.append((site_id, order_of(decode(site_id, event.kv.value))))
        stream.cancel()
        return history
    finally:
        await connection.close()


def _is_wrong(look: Look, truths: list[Truth]) -> bool:
    """Whether it chose by a view of long ago, or a site whose key had left etcd for so long."""
    if look.chosen is None:
        return False
    left_at = look.at
    for truth in reversed(truths):
        if truth.asked_at <= look.at:
            if look.chosen in truth.records:
                break
            left_at = truth.asked_at
    return max(look.dark_for_s, look.at - left_at) > OUT_S + SLACK_S


def _hidden_stale_count(looks: list[Look], truths: list[Truth]) -> int:
    """Views called fresh that lack what etcd had shown all the time since they might be stale."""
    asked_at = [truth.asked_at for truth in truths]
    by_reader: dict[SiteId, list[Look]] = defaultdict(list)
    for look in looks:
        by_reader[look.reader].append(look)
    return sum(
        _is_hidden_stale(seen, index, truths, asked_at)
        for seen in by_reader.values()
        for index, look in enumerate(seen)
        if look.state is ViewState.FRESH
    )


def _is_hidden_stale(seen: list[Look], index: int, truths: list[Truth], asked_at: list[float]) -> bool:
    look = seen[index]
    due_at = look.at - STALE_S - SLACK_S
    first = bisect_right(asked_at, due_at) - 1
    if first < 0 or asked_at[first] < due_at - 1.0:
        return False  # etcd itself could not be read then
    since = truths[first : bisect_right(asked_at, look.at)]
    recent = [each for each in seen[max(0, index - 200) : index + 1] if each.at > due_at]
    return any(
        all(site_id in truth.records for truth in since)
        and max(each.orders.get(site_id, (0, 0)) for each in recent) < record.order
        for site_id, record in truths[first].records.items()
        if site_id not in (look.reader, DOOMED)  # a dead site's key may outlive its place in the view
    )
