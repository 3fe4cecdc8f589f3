"""SiteService: what operators and HQ ask of this site."""

from typing import Any

import grpc
from trunkline.site.v1 import site_pb2 as pb
from trunkline.site.v1.site_pb2_grpc import SiteServiceServicer

from branch.operating.operations import Operations
from branch.serving.repeats import Repeats
from branch.serving.site_wire import read_policy, row_message, status_message
from router.errors import RouterError, UnknownCallError
from router.ids import CallId, SiteId
from sync.link import validate
from sync.link.identity import is_sent_by, peer

SERVICE = pb.DESCRIPTOR.services_by_name["SiteService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class PeerNotAllowedError(RouterError):
    """Neither an operator's, nor HQ's, nor this site's own certificate: sites do not run each other."""

    reason = "PEER_NOT_ALLOWED"

    def __init__(self, sender: str) -> None:
        super().__init__(
            f"{sender} may not operate this site; use an operator's, HQ's or the site's own certificate"
        )
        self.sender = sender


class SiteFace(SiteServiceServicer):
    """Served to operators, HQ and the site's own tools."""

    def __init__(self, operations: Operations, site_id: SiteId, repeats: Repeats) -> None:
        self._operations = operations
        self._site_id = site_id
        self._repeats = repeats

    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        return status_message(self._operations.status())

    async def Drain(self, request: pb.DrainRequest, context: Context) -> pb.DrainResponse:
        self._require_operator()
        validate.uuid_text("request_id", request.request_id)
        reason = validate.text("reason", request.reason)
        return pb.DrainResponse(live_call_count=self._operations.drain(reason))

    async def SetQueuePolicy(
        self, request: pb.SetQueuePolicyRequest, context: Context
    ) -> pb.SetQueuePolicyResponse:
        self._require_operator()
        request_id = validate.uuid_text("request_id", request.request_id)
        validate.present("policy", request.HasField("policy"))
        policy = read_policy(request.policy)

        async def serve() -> pb.SetQueuePolicyResponse:
            return pb.SetQueuePolicyResponse(version=await self._operations.set_policy(policy))

        return await self._repeats.once(str(peer()), request_id, request, serve)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        self._require_operator()
        call_id = CallId(validate.uuid_text("call_id", request.call_id))
        rows = await self._operations.explain(call_id)
        if not rows:
            raise UnknownCallError(call_id)
        return pb.ExplainResponse(rows=[row_message(each) for each in rows])

    def _require_operator(self) -> None:
        if not is_sent_by("operator", "hq", f"site/{self._site_id}"):
            raise PeerNotAllowedError(str(peer()))
