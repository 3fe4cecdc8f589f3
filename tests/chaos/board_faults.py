"""What can happen to an etcd of three members, each with the moment from which it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from signal import SIGCONT, SIGKILL, SIGSTOP

from deploy.etcd import EtcdMember
from router.ids import SiteId
from sync.loadboard.etcd import wire
from tests.chaos.board_room import Room, read_truth

OUTAGE_S = 20.0
"""Beyond the lease of 10 s and the 15 s after which a view is out."""
MEMBER_DOWN_S = 2.0
RESETS_FOR_S = 15.0
RESET_INTERVAL_S = 0.3
REVOCATION_COUNT = 3
REVOCATION_INTERVAL_S = 2.0

COMPACT = "/etcdserverpb.KV/Compact"
STATUS = "/etcdserverpb.Maintenance/Status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`inflict` returns when the fault is over and all that is left is to recover."""

    name: str
    tells: str
    inflict: Callable[[Room], Awaitable[None]]


async def _rolling_kill(room: Room) -> None:
    for member in room.etcd.members:
        member.end(SIGKILL)
        await asyncio.sleep(MEMBER_DOWN_S)
        await _bring_back(room, member)


async def _all_killed(room: Room) -> None:
    room.etcd.kill()
    room.darken()
    await asyncio.sleep(OUTAGE_S)
    await _bring_back(room, *room.etcd.members)


async def _frozen_leader(room: Room) -> None:
    leader = await _leader(room)
    leader.signal(SIGSTOP)
    try:
        await asyncio.sleep(OUTAGE_S)
    finally:
        leader.signal(SIGCONT)


async def _quorum_lost(room: Room) -> None:
    killed = room.etcd.members[1:]
    for member in killed:
        member.end(SIGKILL)
    room.darken()
    await asyncio.sleep(OUTAGE_S)
    await _bring_back(room, *killed)


async def _connection_resets(room: Room) -> None:
    async with asyncio.timeout(RESETS_FOR_S * 2):
        for _ in range(round(RESETS_FOR_S / RESET_INTERVAL_S)):
            for site in room.survivors:
                for link in site.links:
                    link.reset()
            await asyncio.sleep(RESET_INTERVAL_S)


async def _compaction_while_cut_off(room: Room) -> None:
    cut_off = room.sites[SiteId("urumqi")]
    for link in cut_off.links:
        link.cut()
    room.darken(cut_off)
    await asyncio.sleep(OUTAGE_S)
    connection = room.connection_to(room.etcd.members[0])
    try:
        revision = (await read_truth(connection)).revision
        await connection.call(COMPACT, wire._serialized("CompactionRequest", revision=revision))
    finally:
        await connection.close()
    room.light()
    for link in cut_off.links:
        link.mend()


async def _leases_revoked(room: Room) -> None:
    connection = room.connection_to(room.etcd.members[0])
    try:
        for _ in range(REVOCATION_COUNT):
            records = (await read_truth(connection)).records
            for site in room.survivors:
                if site.site_id in records:
                    request = wire.lease_revoke_request(records[site.site_id].lease_id)
                    await connection.call(wire.LEASE_REVOKE, request)
            await asyncio.sleep(REVOCATION_INTERVAL_S)
    finally:
        await connection.close()


async def _wiped(room: Room) -> None:
    room.etcd.wipe()
    room.darken()
    await _bring_back(room, *room.etcd.members)


FAULTS = (
    Fault(name="rolling_kill", tells="each member killed -9 and back, in turn", inflict=_rolling_kill),
    Fault(name="all_killed", tells=f"all members killed -9 for {OUTAGE_S:.0f} s", inflict=_all_killed),
    Fault(name="frozen_leader", tells=f"the leader frozen for {OUTAGE_S:.0f} s", inflict=_frozen_leader),
    Fault(name="quorum_lost", tells=f"two of three killed -9 for {OUTAGE_S:.0f} s", inflict=_quorum_lost),
    Fault(
        name="connection_resets",
        tells=f"every connection reset each {RESET_INTERVAL_S} s for {RESETS_FOR_S:.0f} s",
        inflict=_connection_resets,
    ),
    Fault(
        name="compaction_while_cut_off",
        tells=f"one site cut off for {OUTAGE_S:.0f} s, what it missed compacted",
        inflict=_compaction_while_cut_off,
    ),
    Fault(name="leases_revoked", tells="every lease revoked, three times", inflict=_leases_revoked),
    Fault(name="wiped", tells="all members killed -9, their data lost", inflict=_wiped),
)


async def _bring_back(room: Room, *members: EtcdMember) -> None:
    """Start ended members again; who was in the dark may see as soon as they run."""
    for member in members:
        room.etcd.launch_member(member)
    room.light()
    for member in members:
        await asyncio.to_thread(member.wait_ready)


async def _leader(room: Room) -> EtcdMember:
    for member in room.etcd.members:
        connection = room.connection_to(member)
        try:
            status = wire._class("StatusResponse").FromString(await connection.call(STATUS, b""))
        finally:
            await connection.close()
        if status.header.member_id == status.leader:
            return member
    raise AssertionError("no member says that it leads")
