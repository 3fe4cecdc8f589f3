"""What a site has to do with others: its place at the load board, a stream to each, and who joins."""

import random
import secrets
from collections.abc import Callable, Mapping

import grpc
import structlog

from branch import parts
from branch.customers.caller_cards import CallerCards
from branch.desk.desk import Desk
from branch.desk.ears import BoardEar
from branch.peers.card_asking import CardAsking
from branch.peers.line import PeerLine
from branch.peers.lines import PeerLines
from branch.peers.looking import look_in_turn
from branch.peers.newcomers import Introduction, Newcomers
from branch.peers.operator import get_status
from branch.wiring.ground import Ground
from node.lifecycle import Tasks
from router.facts import Fact
from router.ids import HandoffId, SiteId
from router.overflow.load import SiteLoad
from sync.clock_comparison import ClockComparison
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.tls import Tls
from sync.loadboard.codec import BadLoadRecordError
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.port import LoadBoard

log = structlog.get_logger()


class Neighbours:
    """The other sites, as the desk asks them and as they are shown."""

    def __init__(self, ground: Ground, cards: CallerCards, tell: Callable[[Fact], None]) -> None:
        settings = ground.settings
        self._ground = ground
        self._cards = cards
        self._tell = tell
        self.trunks = {SiteId(each.site): each.trunk for each in settings.overflow.peer}
        """What each site's PBX is dialled by. Whoever dials looks here each time: newcomers are added."""
        self._board: LoadBoard | None = (
            None
            if settings.etcd is None
            else EtcdLoadBoard(parts.etcd(settings.etcd), ground.site_id, address=settings.overflow.address)
        )
        self.peers = PeerLines(
            site_id=ground.site_id,
            incarnation=ground.incarnation,
            lines=[self._line(SiteId(each.site), each.address) for each in settings.overflow.peer],
            tell=tell,
            card_of=cards.card_of,
        )
        known = (*self.trunks, ground.site_id)
        self._newcomers = Newcomers(known=known, meet=self._meet, admit=self._admit)

    async def start(self, tasks: Tasks, desk: Desk, helps: Mapping[HandoffId, SiteId]) -> None:
        """Show the site at the load board, hear the others, open the streams to them; `helps` are the
        hand-offs that go on since before the start, with whose they are.
        """
        self.peers.start(tasks)
        comparison = ClockComparison(self._ground.registry, speed=self._ground.settings.clock.speed)
        looks = look_in_turn(self.peers.lines, self._ground.clock, comparison)
        _task = tasks.start(looks, name="peer_looks")
        asking = CardAsking(
            guest=self._cards.guest, live=lambda: desk.live().handoffs, ask=self.peers.carry_out
        )
        _task = tasks.start(asking.run(helps), name="cards")
        if self._board is not None:
            if self._ground.settings.overflow.address is not None:
                self._newcomers.start(tasks)
            await self._board.start(BoardEar(desk, self.peers.note_incarnation, self._newcomers.seen))

    async def close(self) -> None:
        if self._board is not None:
            await self._board.close()
        await self._newcomers.close()
        await self.peers.close()

    def publish(self, load: SiteLoad) -> None:
        if self._board is None:
            return
        try:
            self._board.publish(load)
        except (ValueError, BadLoadRecordError) as error:
            log.warning("load_unpublishable", problem=str(error))

    def view_age_ms(self) -> int | None:
        """None: no load board is read."""
        return None if self._board is None else self._board.view_age_ms

    def _channel(self, site_id: SiteId, address: str) -> grpc.aio.Channel:
        """To that site and no other, whoever listens there."""
        security = self._ground.security
        cluster = security.owner.cluster if isinstance(security, Tls) else ""
        host, port = parts.host_and_port(address)
        return open_channel(host, port, security, expected=Peer(cluster=cluster, kind="site", name=site_id))

    async def _meet(self, site_id: SiteId, address: str) -> Introduction | None:
        async with self._channel(site_id, address) as channel:
            try:
                identity = (await get_status(channel)).identity
            except grpc.aio.AioRpcError as error:
                log.debug("newcomer_unreachable", peer=site_id, problem=str(error.details())[:300])
                return None
        return Introduction(site_id=identity.site_id, trunk=identity.trunk)

    async def _admit(self, site_id: SiteId, address: str, trunk: str) -> None:
        self.trunks[site_id] = trunk
        await self.peers.add(self._line(site_id, address))

    def _line(self, site_id: SiteId, address: str) -> PeerLine:
        ground = self._ground
        return PeerLine(
            site_id=site_id,
            channel=self._channel(site_id, address),
            tell=self._tell,
            keep_guest=self._cards.keep_guest,
            answer_limit_s=ground.settings.overflow.rpc_limit_ms / 1_000,
            request_limit=ground.settings.limits.peer_request_limit,
            rng=random.Random(secrets.randbits(64)),  # noqa: S311 - reconnect delays, no secret
        )
