"""JournalService: lets HQ, and nobody else, pull this site's journal; one conversation at a time."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from trunkline.journal.v1 import journal_pb2 as pb
from trunkline.journal.v1.journal_pb2_grpc import (
    JournalServiceServicer,
    add_JournalServiceServicer_to_server,
)

from sync.journal.refusals import JournalBusyError, NotHqError
from sync.journal.sending.conversation import Conversation
from sync.journal.sending.journal import SiteJournal
from sync.link.identity import is_sent_by, peer

SERVICE = pb.DESCRIPTOR.services_by_name["JournalService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class JournalService(JournalServiceServicer):
    """One site's journal, over gRPC."""

    def __init__(self, journal: SiteJournal) -> None:
        self._journal = journal
        self._is_pulled = False

    def join(self, server: grpc.aio.Server) -> None:
        """Become part of a server that has not started."""
        add_JournalServiceServicer_to_server(self, server)

    async def Pull(  # type: ignore[override]  # noqa: N802 - the stub knows one of the two styles
        self, request_iterator: AsyncIterator[pb.PullRequest], context: Context
    ) -> None:
        if not is_sent_by("hq"):
            raise NotHqError(str(peer()))
        if self._is_pulled:
            raise JournalBusyError(self._journal.site_id)
        self._is_pulled = True
        try:
            await Conversation(self._journal, request_iterator, context.write).run()
        finally:
            self._is_pulled = False
