"""SiteService: what operators and HQ ask of this site."""

from collections.abc import Mapping
from typing import Any

import grpc
from trunkline.site.v1 import site_pb2 as pb
from trunkline.site.v1.site_pb2_grpc import SiteServiceServicer

from branch.operations import Operations, SiteStatus
from router.acd.policy import Distribution, LastResort, QueuePolicy
from router.errors import RouterError, UnknownCallError
from router.ids import CallId, QueueId, SiteId, Skill
from router.ledger import LedgerRow
from sync.link import validate
from sync.link.identity import peer
from sync.records.codec import ledger_record

SERVICE = pb.DESCRIPTOR.services_by_name["SiteService"].full_name

SKILL_LIMIT = 64
NAME_LIMIT_CHARS = 64
DURATION_LIMIT_MS = 7 * 24 * 3_600_000
COUNT_LIMIT = 1_000_000

Context = grpc.aio.ServicerContext[Any, Any]

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

_NUMBERS: Mapping[str, tuple[int, int]] = {
    "ring_limit_ms": (1, DURATION_LIMIT_MS),
    "ring_all_limit": (1, 100),
    "wrap_up_limit_ms": (0, DURATION_LIMIT_MS),
    "waiting_call_limit": (1, COUNT_LIMIT),
    "wait_limit_ms": (1, DURATION_LIMIT_MS),
    "priority_head_start_ms": (0, DURATION_LIMIT_MS),
    "announce_interval_ms": (0, DURATION_LIMIT_MS),
    "short_abandon_ms": (0, DURATION_LIMIT_MS),
    "service_level_ms": (1, DURATION_LIMIT_MS),
}
"""Least and most of each."""


class PeerNotAllowedError(RouterError):
    """Another site's certificate: sites exchange calls and do not run each other."""

    reason = "PEER_NOT_ALLOWED"

    def __init__(self, sender: str) -> None:
        super().__init__(
            f"{sender} may not operate this site; use an operator's, HQ's or the site's own certificate"
        )
        self.sender = sender


class SiteFace(SiteServiceServicer):
    """Served to operators, HQ and the site's own tools."""

    def __init__(self, operations: Operations, site_id: SiteId) -> None:
        self._operations = operations
        self._site_id = site_id

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        return status_message(self._operations.status())

    async def Drain(self, request: pb.DrainRequest, context: Context) -> pb.DrainResponse:
        self._require_operator()
        validate.uuid_text("request_id", request.request_id)
        validate.text("reason", request.reason)
        return pb.DrainResponse(live_call_count=self._operations.drain())

    async def SetQueuePolicy(
        self, request: pb.SetQueuePolicyRequest, context: Context
    ) -> pb.SetQueuePolicyResponse:
        self._require_operator()
        request_id = validate.uuid_text("request_id", request.request_id)
        validate.present("policy", request.HasField("policy"))
        version = self._operations.set_policy(request_id, read_policy(request.policy))
        return pb.SetQueuePolicyResponse(version=version)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        self._require_operator()
        call_id = CallId(validate.uuid_text("call_id", request.call_id))
        rows = await self._operations.explain(call_id)
        if not rows:
            raise UnknownCallError(call_id)
        return pb.ExplainResponse(rows=[row_message(each) for each in rows])

    def _require_operator(self) -> None:
        sender = peer()
        if sender is not None and sender.kind == "site" and sender.name != self._site_id:
            raise PeerNotAllowedError(str(sender))


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
        queues=_queue_messages(status),
        agents=status.agents,
        calls=status.calls,
        handoffs=status.handoffs,
        view_age_ms=status.view_age_ms,
        peers=[pb.PeerStatus(site_id=site, is_connected=up) for site, up in sorted(status.peers.items())],
        store=pb.StoreStatus(
            state=status.store.state,
            last_seq=status.last_seq,
            committed_seq=status.store.committed_seq,
            outbox_depth=status.outbox_depth,
        ),
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
    validate.present("policy.is_overflow_allowed", policy.HasField("is_overflow_allowed"))
    return QueuePolicy(
        queue_id=QueueId(queue_id),
        skills=frozenset(Skill(each) for each in skills),
        distribution=_DISTRIBUTIONS[distribution],
        last_resort=_LAST_RESORTS[last_resort],
        is_overflow_allowed=policy.is_overflow_allowed,
        **{name: _number(policy, name) for name in _NUMBERS},
    )


def policy_message(policy: QueuePolicy) -> pb.QueuePolicy:
    distributions = {ours: theirs for theirs, ours in _DISTRIBUTIONS.items()}
    last_resorts = {ours: theirs for theirs, ours in _LAST_RESORTS.items()}
    return pb.QueuePolicy(
        queue_id=policy.queue_id,
        skills=sorted(policy.skills),
        distribution=distributions[policy.distribution],
        last_resort=last_resorts[policy.last_resort],
        is_overflow_allowed=policy.is_overflow_allowed,
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
