"""All peers of a site: an Ask goes to the line of the site it names."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from branch.customers.caller_card import CallerCard
from branch.peers.line import PeerLine, Tell
from branch.peers.note_wire import LeftNote
from branch.peers.wire import Asked
from branch.people.refusals import OriginAwayError
from node.lifecycle import Tasks
from router.facts import SiteSilent
from router.ids import CallId, SiteId
from router.orders import Ask
from router.overflow.messages import Redirect, Reserve
from sync.link.refusals import RefusedError

_LINK_TROUBLE = ("LINK_", "PEER_OVERLOADED", "NOT_SERVED")
"""No node has answered, or one of a version that keeps no notes."""


class PeerLines:
    """One line a peer: those of the file from the start, others once they are found."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        incarnation: int,
        lines: Iterable[PeerLine],
        tell: Tell,
        card_of: Callable[[CallId], CallerCard | None],
    ) -> None:
        """`card_of` says who a call is from: whoever keeps an agent for it is told."""
        self._site_id = site_id
        self._incarnation = incarnation
        self._lines = {line.site_id: line for line in lines}
        self._tell = tell
        self._card_of = card_of
        self._tasks: Tasks | None = None
        self._running: dict[SiteId, asyncio.Task[None]] = {}

    def start(self, tasks: Tasks) -> None:
        self._tasks = tasks
        for line in self._lines.values():
            self._run(line, tasks)

    async def add(self, line: PeerLine) -> None:
        """A site was found, or found at another address: what waits for its old line is silent."""
        assert self._tasks is not None, "sites are found by those who run"
        former, running = self._lines.get(line.site_id), self._running.get(line.site_id)
        self._lines[line.site_id] = line
        self._run(line, self._tasks)
        if former is not None and running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await former.close()

    def carry_out(self, ask: Ask) -> None:
        """Send the request; the reply or the silence comes as a fact. A site without a line is silent."""
        line = self._lines.get(ask.site_id)
        if line is None:
            silent = SiteSilent(site_id=ask.site_id, request=ask.request)
            asyncio.get_running_loop().call_soon(self._tell, silent)
            return
        asked = Asked(
            site_id=self._site_id,
            incarnation=self._incarnation,
            asked_incarnation=line.incarnation,
            request=ask.request,
            caller=self._card_of(ask.request.call.call_id) if isinstance(ask.request, Reserve) else None,
        )
        if isinstance(ask.request, Redirect):
            self._redirect(line, asked, ask.request)
        else:
            line.ask(asked)

    def _redirect(self, line: PeerLine, asked: Asked, request: Redirect) -> None:
        """A caller is held back for the answer, so a line that is down says so at once."""
        if self._tasks is None or not line.is_connected:
            silent = SiteSilent(site_id=line.site_id, request=request)
            asyncio.get_running_loop().call_soon(self._tell, silent)
        else:
            _task = self._tasks.start(line.redirect(asked, request), name=f"redirect-{line.site_id}")

    async def leave_note(self, site_id: SiteId, left: LeftNote) -> None:
        """Have the site whose call it was keep a note.

        Raises:
            OriginAwayError: it cannot be reached.
            RefusedError: it does not take the note.
        """
        line = self._lines.get(site_id)
        if line is None:
            raise OriginAwayError(site_id)
        try:
            await line.leave_note(left, site_id=self._site_id, incarnation=self._incarnation)
        except RefusedError as refusal:
            if refusal.reason.startswith(_LINK_TROUBLE):
                raise OriginAwayError(site_id) from None
            raise

    def note_incarnation(self, site_id: SiteId, incarnation: int) -> None:
        """The site was heard of elsewhere: by its load record, or by asking us."""
        line = self._lines.get(site_id)
        if line is not None:
            line.note_incarnation(incarnation)

    def connections(self) -> Mapping[SiteId, bool]:
        """Which peers' streams stand."""
        return {site_id: line.is_connected for site_id, line in self._lines.items()}

    def lines(self) -> Collection[PeerLine]:
        """Those of this moment."""
        return tuple(self._lines.values())

    def problems(self) -> Mapping[SiteId, str]:
        """Why TLS with a peer failed when it was last tried."""
        return {site_id: line.problem for site_id, line in self._lines.items() if line.problem}

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await asyncio.gather(*(line.close() for line in self._lines.values()))

    def _run(self, line: PeerLine, tasks: Tasks) -> None:
        self._running[line.site_id] = tasks.start(line.run(), name=f"peer-{line.site_id}")
