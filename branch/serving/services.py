"""Which services stand on which of a branch's ports."""

from trunkline.desk.v1.desk_pb2_grpc import add_DeskServiceServicer_to_server
from trunkline.handoff.v1.handoff_pb2_grpc import add_HandoffServiceServicer_to_server
from trunkline.journal.v1.journal_pb2_grpc import add_JournalServiceServicer_to_server
from trunkline.site.v1.site_pb2_grpc import add_SiteServiceServicer_to_server

from branch.serving import desk, handoff, site
from sync.journal.sending import service as journal
from sync.link.server import LinkServer

NODE_SERVICES = (handoff.SERVICE, site.SERVICE, desk.SERVICE, journal.SERVICE)
DESK_SERVICES = (desk.SERVICE,)


def serve_nodes(
    server: LinkServer,
    *,
    handoffs: handoff.HandoffFace,
    sites: site.SiteFace,
    desks: desk.DeskFace,
    journals: journal.JournalService,
) -> None:
    """For who shows a certificate of the cluster: peers, HQ, operators."""
    add_HandoffServiceServicer_to_server(handoffs, server.grpc_server)
    add_SiteServiceServicer_to_server(sites, server.grpc_server)
    add_DeskServiceServicer_to_server(desks, server.grpc_server)
    add_JournalServiceServicer_to_server(journals, server.grpc_server)


def serve_desks(server: LinkServer, desks: desk.DeskFace) -> None:
    """For people's tools that show a token only."""
    add_DeskServiceServicer_to_server(desks, server.grpc_server)
