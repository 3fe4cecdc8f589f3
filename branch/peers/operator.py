"""SiteService from the side of a command: what is asked of a running site."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from trunkline.site.v1 import site_pb2 as pb
from trunkline.site.v1.site_pb2_grpc import SiteServiceStub

from branch.operating.operations import SiteStatus
from branch.serving.site_wire import policy_message, read_status
from router.acd.policy import QueuePolicy
from router.ids import SiteId
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.status import refusal_from
from sync.link.tls import Security, Tls

T = TypeVar("T")

ANSWER_LIMIT_S = 5.0


def ask(
    host: str,
    port: int,
    security: Security,
    site_id: SiteId,
    question: Callable[[grpc.aio.Channel], Awaitable[T]],
) -> T:
    """Ask the site that listens there; runs a loop of its own.

    Raises:
        RefusedError: the site refuses it; LINK_DOWN: no site listens there.
    """
    cluster = security.owner.cluster if isinstance(security, Tls) else ""
    expected = Peer(cluster=cluster, kind="site", name=site_id)

    async def asked() -> T:
        async with open_channel(host, port, security, expected=expected) as channel:
            try:
                return await question(channel)
            except grpc.aio.AioRpcError as error:
                raise refusal_from(error) from None

    return asyncio.run(asked())


async def get_status(channel: grpc.aio.Channel) -> SiteStatus:
    answer = await SiteServiceStub(channel).GetStatus(pb.GetStatusRequest(), timeout=ANSWER_LIMIT_S)
    return read_status(answer)


async def drain(channel: grpc.aio.Channel, reason: str) -> int:
    """Returns how many calls have still to finish."""
    request = pb.DrainRequest(request_id=str(uuid.uuid4()), reason=reason)
    answer = await SiteServiceStub(channel).Drain(request, timeout=ANSWER_LIMIT_S)
    return answer.live_call_count


async def set_policy(channel: grpc.aio.Channel, policy: QueuePolicy) -> int:
    """Returns the version that the policy got."""
    request = pb.SetQueuePolicyRequest(request_id=str(uuid.uuid4()), policy=policy_message(policy))
    answer = await SiteServiceStub(channel).SetQueuePolicy(request, timeout=ANSWER_LIMIT_S)
    return answer.version
