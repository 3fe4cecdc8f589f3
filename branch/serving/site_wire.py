"""SiteService's messages between the branch and the wire, both ways, refusing what is absurd."""

from collections.abc import Mapping
from typing import Any

from trunkline.site.v1 import site_pb2 as pb

from branch.operating.operations import SiteIdentity, SiteStatus, StoreHealth
from branch.peers.call_wire import NAME_LIMIT_CHARS, SKILL_LIMIT
from branch.store.ballast import MissingRoom
from router.acd.policy import RETENTION_LIMIT_DAYS, Distribution, LastResort, QueuePolicy, RecordingRule
from router.ids import QueueId, SiteId, Skill
from router.ledger import LedgerRow
from router.overflow.load import QueueLoad
from sync.link import validate
from sync.records.codec import ledger_record

DURATION_LIMIT_MS = 7 * 24 * 3_600_000
COUNT_LIMIT = 1_000_000

_DISTRIBUTIONS = {
    pb.DISTRIBUTION_LONGEST_IDLE: Distribution.LONGEST_IDLE,
    pb.DISTRIBUTION_CIRCULAR_HUNT: Distribution.CIRCULAR_HUNT,
    pb.DISTRIBUTION_RING_ALL: Distribution.RING_ALL,
    pb.DISTRIBUTION_LEAST_OCCUPIED: Distribution.LEAST_OCCUPIED,
}
_LAST_RESORTS = {
    pb.LAST_RESORT_VOICEMAIL: LastResort.VOICEMAIL,
    pb.LAST_RESORT_CALLBACK: LastResort.CALLBACK,
    pb.LAST_RESORT_HANG_UP: LastResort.HANG_UP,
}
_RECORDING_RULES = {
    pb.RECORDING_RULE_OFF: RecordingRule.OFF,
    pb.RECORDING_RULE_ON: RecordingRule.ON,
    pb.RECORDING_RULE_ON_DEMAND: RecordingRule.ON_DEMAND,
}

_NUMBERS: Mapping[str, tuple[int, int]] = {
    "ring_limit_ms": (1, DURATION_LIMIT_MS),
    "ring_all_limit": (1, 100),
    "recording_retention_days": (1, RETENTION_LIMIT_DAYS),
    "wrap_up_limit_ms": (0, DURATION_LIMIT_MS),
    "waiting_call_limit": (1, COUNT_LIMIT),
    "wait_limit_ms": (1, DURATION_LIMIT_MS),
    "priority_head_start_ms": (0, DURATION_LIMIT_MS),
    "announce_interval_ms": (0, DURATION_LIMIT_MS),
    "short_abandon_ms": (0, DURATION_LIMIT_MS),
    "service_level_ms": (1, DURATION_LIMIT_MS),
}
"""Least and most of each."""


def status_message(status: SiteStatus) -> pb.GetStatusResponse:
    return pb.GetStatusResponse(
        site_id=status.identity.site_id,
        name=status.identity.name,
        version=status.identity.version,
        incarnation=status.incarnation,
        config_digest=status.identity.config_digest,
        utc_us=status.utc_us,
        uptime_ms=status.uptime_ms,
        is_accepting=status.is_accepting,
        is_pbx_connected=status.is_pbx_connected,
        queues=_queue_messages(status),
        agents=status.agents,
        calls=status.calls,
        handoffs=status.handoffs,
        view_age_ms=status.view_age_ms,
        peers=[
            pb.PeerStatus(site_id=site, is_connected=up, problem=status.peer_problems.get(site, ""))
            for site, up in sorted(status.peers.items())
        ],
        store=_store_message(status),
        trunk=status.identity.trunk,
    )


def read_status(message: pb.GetStatusResponse) -> SiteStatus:
    return SiteStatus(
        identity=SiteIdentity(
            site_id=SiteId(message.site_id),
            name=message.name,
            version=message.version,
            config_digest=message.config_digest,
            trunk=message.trunk if message.HasField("trunk") else None,
        ),
        incarnation=message.incarnation,
        utc_us=message.utc_us,
        uptime_ms=message.uptime_ms,
        is_accepting=message.is_accepting,
        is_pbx_connected=message.is_pbx_connected,
        queues={QueueId(each.queue_id): (each.policy_version, _queue_load(each)) for each in message.queues},
        agents=dict(message.agents),
        calls=dict(message.calls),
        handoffs=dict(message.handoffs),
        view_age_ms=message.view_age_ms if message.HasField("view_age_ms") else None,
        peers={SiteId(each.site_id): each.is_connected for each in message.peers},
        peer_problems={SiteId(each.site_id): each.problem for each in message.peers if each.problem},
        store=_store_health(message.store),
        last_seq=message.store.last_seq,
        outbox_depth=message.store.outbox_depth,
    )


def read_policy(policy: pb.QueuePolicy) -> QueuePolicy:
    """The policy in a message, version 1.

    Raises:
        InvalidFieldError: a field is missing or absurd.
    """
    queue_id = validate.text("policy.queue_id", policy.queue_id, most_chars=NAME_LIMIT_CHARS)
    validate.at_most("policy.skills", policy.skills, SKILL_LIMIT)
    skills = [validate.text("policy.skills", each, most_chars=NAME_LIMIT_CHARS) for each in policy.skills]
    distribution = validate.one_of("policy.distribution", policy.distribution, _DISTRIBUTIONS)
    last_resort = validate.one_of("policy.last_resort", policy.last_resort, _LAST_RESORTS)
    recording = validate.one_of("policy.recording", policy.recording, _RECORDING_RULES)
    validate.present("policy.is_overflow_allowed", policy.HasField("is_overflow_allowed"))
    return QueuePolicy(
        queue_id=QueueId(queue_id),
        skills=frozenset(Skill(each) for each in skills),
        distribution=_DISTRIBUTIONS[distribution],
        last_resort=_LAST_RESORTS[last_resort],
        is_overflow_allowed=policy.is_overflow_allowed,
        recording=_RECORDING_RULES[recording],
        **{name: _number(policy, name) for name in _NUMBERS},
    )


def policy_message(policy: QueuePolicy) -> pb.QueuePolicy:
    distributions = {ours: theirs for theirs, ours in _DISTRIBUTIONS.items()}
    recording_rules = {ours: theirs for theirs, ours in _RECORDING_RULES.items()}
    last_resorts = {ours: theirs for theirs, ours in _LAST_RESORTS.items()}
    return pb.QueuePolicy(
        queue_id=policy.queue_id,
        skills=sorted(policy.skills),
        distribution=distributions[policy.distribution],
        last_resort=last_resorts[policy.last_resort],
        is_overflow_allowed=policy.is_overflow_allowed,
        recording=recording_rules[policy.recording],
        **{name: getattr(policy, name) for name in _NUMBERS},
    )


def row_message(row: LedgerRow) -> pb.LedgerRow:
    record = ledger_record(row)
    names = ("seq", "at_utc_us", "mono_ms", "incarnation", "kind", "call_id", "agent_id", "handoff_id")
    return pb.LedgerRow(payload_json=record["payload"], **{name: record[name] for name in names})


def _number(policy: pb.QueuePolicy, name: Any) -> int:
    validate.present(f"policy.{name}", policy.HasField(name))
    least, most = _NUMBERS[name]
    return validate.number(f"policy.{name}", getattr(policy, name), least=least, most=most)


def _store_message(status: SiteStatus) -> pb.StoreStatus:
    room = status.store.missing_room
    return pb.StoreStatus(
        state=status.store.state,
        last_seq=status.last_seq,
        committed_seq=status.store.committed_seq,
        outbox_depth=status.outbox_depth,
        ballast_wanted_bytes=None if room is None else room.wanted_bytes,
        disk_free_bytes=None if room is None else room.free_bytes,
    )


def _store_health(message: pb.StoreStatus) -> StoreHealth:
    room = MissingRoom(wanted_bytes=message.ballast_wanted_bytes, free_bytes=message.disk_free_bytes)
    return StoreHealth(
        state=message.state,
        committed_seq=message.committed_seq,
        missing_room=room if message.HasField("ballast_wanted_bytes") else None,
    )


def _queue_messages(status: SiteStatus) -> list[pb.QueueStatus]:
    return [
        pb.QueueStatus(
            queue_id=queue_id,
            policy_version=version,
            calls_waiting=load.calls_waiting,
            head_wait_ms=load.head_wait_ms,
            agents_staffed=load.agents_staffed,
            agents_idle=load.agents_idle,
        )
        for queue_id, (version, load) in sorted(status.queues.items())
    ]


def _queue_load(message: pb.QueueStatus) -> QueueLoad:
    """Without what the board is told and operators are not."""
    return QueueLoad(
        agents_staffed=message.agents_staffed,
        agents_idle=message.agents_idle,
        calls_waiting=message.calls_waiting,
        head_wait_ms=message.head_wait_ms,
        aht_ms=0,
        abandon_rate_per_hour=0.0,
    )
