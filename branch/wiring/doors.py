"""What others reach: the site's ports for nodes, for people's tools, for metrics."""

import errno
import secrets
import socket
from importlib.metadata import version

import structlog

from branch import parts
from branch.operating.operations import Operations, SiteIdentity
from branch.people.floor import RunningFloor
from branch.people.login import Login
from branch.people.sessions import Sessions
from branch.people.talk_places import TalkPlaces
from branch.people.workplaces import Workplaces
from branch.serving.desk import DeskClocks, DeskFace, Outward, ShownSite
from branch.serving.desk_checks import CHECKS
from branch.serving.handoff import HandoffFace
from branch.serving.repeats import Repeats
from branch.serving.services import DESK_SERVICES, NODE_SERVICES, serve_desks, serve_nodes
from branch.serving.site import SiteFace
from branch.serving.site_items import site_items
from branch.serving.watch import Items, SiteWatch
from branch.settings import BranchListenSettings, BranchSettings
from branch.store.health import StoreState
from branch.store.records import StoreAsides
from branch.wiring.core import Core, new_id
from branch.wiring.ground import Ground
from node.metrics import MetricsServer
from router.ids import SiteId
from sync.clock import SystemClock
from sync.journal.sending.service import JournalService
from sync.link.address import address
from sync.link.server import LinkServer

STOP_GRACE_S = 1.0
"""Answers under way get this long when the process closes; peers repeat what they got no answer to."""

_TAKEN = "cannot listen there; is the port taken?"

log = structlog.get_logger()


def refuse_taken_ports(listen: BranchListenSettings) -> None:
    """A branch started twice must end before it writes into the ledger and takes the PBX of the first.

    Raises:
        OSError: somebody listens at one of our ports.
    """
    for port in filter(None, (listen.port, listen.desk_port, listen.metrics_port)):
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        try:
            socket.create_server((listen.host, port), family=family).close()
        except OSError as error:
            # What else may be wrong with it the servers say, when it is their turn.
            if error.errno == errno.EADDRINUSE:
                raise OSError(error.errno, _TAKEN, address(listen.host, port)) from None


class Doors:
    """The site's ports: for nodes, for people's tools, for metrics."""

    def __init__(self, ground: Ground, core: Core) -> None:
        self._ground = ground
        self._core = core
        floor = RunningFloor(core.desk.handle, core.desk.floor)
        self.workplaces = Workplaces(floor=floor, phones=core.driver)
        self._talks = TalkPlaces(floor=floor, site_id=ground.site_id)
        self.watch = SiteWatch(snapshot=self._items, version=self._version)
        self._operations = Operations(
            identity=_identity(ground.settings),
            desk=core.desk,
            clock=ground.clock,
            admission=core.admission,
            policies=core.policies,
            surroundings=Surroundings(core, StoreAsides(ground.store)),
        )
        self._nodes, self._desks = self._servers(self._desk_face())
        checks = {"pbx": self._pbx_problem, "store": self._store_problem}
        states = {"store": lambda: str(core.writer.state)}
        self._metrics = MetricsServer(ground.registry, checks, states)

    async def open(self) -> None:
        """Raises:
        OSError: an address cannot be bound.
        """
        listen = self._ground.settings.listen
        port = await self._nodes.start(listen.host, listen.port, NODE_SERVICES)
        desk_port = None
        if self._desks is not None and listen.desk_port is not None:
            desk_port = await self._desks.start(listen.host, listen.desk_port, DESK_SERVICES)
        metrics_port = await self._metrics.start(listen.host, listen.metrics_port)
        log.info("branch_served", host=listen.host, port=port, desk_port=desk_port, metrics_port=metrics_port)

    async def close(self) -> None:
        self.workplaces.close()
        await self._metrics.close()
        for server in (self._desks, self._nodes):
            if server is not None:
                await server.stop(STOP_GRACE_S)

    def _servers(self, desks: DeskFace) -> tuple[LinkServer, LinkServer | None]:
        """One for who shows a certificate, one, where the file has a port for it, for who does not."""
        ground = self._ground
        nodes = LinkServer(security=ground.security, registry=ground.registry, checks=CHECKS)
        serve_nodes(
            nodes,
            handoffs=HandoffFace(self._core.desk, self._core.cards, self._core.note_writing),
            sites=SiteFace(self._operations, ground.site_id, Repeats(key=secrets.token_bytes(32))),
            desks=desks,
            journals=JournalService(ground.journal),
        )
        if ground.settings.listen.desk_port is None:
            return nodes, None
        tools = LinkServer(
            security=ground.security,
            registry=ground.registry,
            checks=CHECKS,
            asks_clients=False,
            instruments=nodes.instruments,
        )
        serve_desks(tools, desks)
        return nodes, tools

    def _desk_face(self) -> DeskFace:
        ground, real = self._ground, SystemClock()
        sessions = Sessions(incarnation=ground.incarnation, key=secrets.token_bytes(32))
        return DeskFace(
            site=ShownSite(
                site_id=ground.site_id,
                name=ground.settings.site.name,
                incarnation=ground.incarnation,
                not_ready_reasons=ground.settings.desk.not_ready_reasons,
            ),
            login=Login(
                site_id=ground.site_id,
                records=ground.directory,
                sessions=sessions,
                clock=real,
                new_id=new_id,
                registry=ground.registry,
            ),
            sessions=sessions,
            workplaces=self.workplaces,
            talks=self._talks,
            outward=Outward(
                dialling=self._core.dialling, reaching=self._core.reaching, visiting=self._core.visiting
            ),
            watch=self.watch,
            customers=StoreAsides(ground.store),
            messages=self._core.messages,
            notes=self._core.note_writing,
            repeats=Repeats(key=secrets.token_bytes(32)),
            clocks=DeskClocks(real=real, site=ground.clock),
        )

    def _version(self) -> int:
        core = self._core
        return core.desk.last_seq + core.messages.version + core.notes.version + core.cards.version

    def _items(self) -> Items:
        floor = self._core.desk.floor
        return site_items(
            floor,
            self._ground.clock.mono_ms(),
            floor.policies(),
            self._core.tallies.current(),
            self._ground.directory.name_of,
            self._core.cards,
            self._core.messages.unheard(),
        )

    def _pbx_problem(self) -> str | None:
        return None if self._core.ear.is_connected else "the PBX is away"

    def _store_problem(self) -> str | None:
        state = self._core.writer.state
        return "the store takes no more rows" if state is StoreState.REFUSING else None


class Surroundings:
    """What operators are told of what is round the desk."""

    def __init__(self, core: Core, reading: StoreAsides) -> None:
        self.view_age_ms = core.neighbours.view_age_ms
        self.is_pbx_connected = lambda: core.ear.is_connected
        self.peer_connections = core.neighbours.peers.connections
        self.peer_problems = core.neighbours.peers.problems
        self.store_health = core.store_health
        self.rows_of_call = reading.rows_of_call
        self.keep_policy = reading.keep_policy


def _identity(settings: BranchSettings) -> SiteIdentity:
    return SiteIdentity(
        site_id=SiteId(settings.site.id),
        name=settings.site.name,
        version=version("trunkline"),
        config_digest=parts.config_digest(settings),
        trunk=settings.overflow.trunk,
    )
