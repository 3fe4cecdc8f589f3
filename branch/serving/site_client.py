"""SiteService from the side of a command on the site's own machine."""

import uuid

import grpc
from trunkline.site.v1 import site_pb2 as pb
from trunkline.site.v1.site_pb2_grpc import SiteServiceStub

from branch.serving.site import policy_message
from router.acd.policy import QueuePolicy
from router.ids import SiteId
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.status import refusal_from
from sync.link.tls import Security, Tls

ANSWER_LIMIT_S = 5.0


async def set_queue_policy(
    host: str, port: int, security: Security, site_id: SiteId, policy: QueuePolicy
) -> int:
    """Have the running branch put the policy in force; returns the version it got.

    Raises:
        RefusedError: the branch refuses it; LINK_DOWN: no branch listens there.
    """
    cluster = security.owner.cluster if isinstance(security, Tls) else ""
    channel = open_channel(host, port, security, expected=Peer(cluster=cluster, kind="site", name=site_id))
    request = pb.SetQueuePolicyRequest(request_id=str(uuid.uuid4()), policy=policy_message(policy))
    try:
        response = await SiteServiceStub(channel).SetQueuePolicy(request, timeout=ANSWER_LIMIT_S)
    except grpc.aio.AioRpcError as error:
        raise refusal_from(error) from None
    finally:
        await channel.close()
    return response.version
