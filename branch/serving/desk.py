"""DeskService: people's tools to the people's part of the branch."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb

from branch.people.dialling import Dialling
from branch.people.login import LoggedIn, Login
from branch.people.message_box import MessageBox
from branch.people.note_writing import NoteWriting
from branch.people.reaching import Reaching
from branch.people.refusals import NotAToolError, NotLoggedInError, RoleForbidsError
from branch.people.roles import Act, may, require
from branch.people.sessions import IDLE_LIMIT_MS, SESSION_LIMIT_MS, Session, Sessions
from branch.people.talk_places import TalkPlaces
from branch.people.visiting import Visiting
from branch.people.workplaces import Workplaces
from branch.serving.desk_notes import NoteFace
from branch.serving.desk_talks import Context, M, TalkFace
from branch.serving.desk_visits import VisitFace
from branch.serving.repeats import Repeats
from branch.serving.watch import Kind, Scope, SiteWatch, Step
from branch.store.voicemails import Voicemail
from router.acd.place import Place
from router.ids import AgentId, CallId, CustomerId, LegId, QueueId, SiteId
from sync.clock import Clock
from sync.link.address import source
from sync.link.identity import peer
from sync.records.tables import CustomerClass, PersonRole

SERVICE = pb.DESCRIPTOR.services_by_name["DeskService"].full_name

CONTACT_LIMIT = 10

_ROLES: "Mapping[PersonRole, pb.Role.ValueType]" = {
    role: pb.Role.Value(f"ROLE_{role}") for role in PersonRole
}
_GONE_FIELDS = {
    Kind.QUEUE: "gone_queue_ids",
    Kind.AGENT: "gone_agent_ids",
    Kind.CALL: "gone_call_ids",
    Kind.HANDOFF: "gone_handoff_ids",
}
_ITEM_FIELDS = {Kind.QUEUE: "queues", Kind.AGENT: "agents", Kind.CALL: "calls", Kind.HANDOFF: "handoffs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSite:
    """What people are told about the site they work at."""

    site_id: SiteId
    name: str
    incarnation: int
    not_ready_reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One call of a customer that has been."""

    call_id: CallId
    arrived_utc_us: int
    queue_id: QueueId | None
    agent_id: AgentId | None
    disposition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomer:
    """A customer, and the last calls."""

    customer_id: CustomerId
    name: str
    customer_class: CustomerClass
    region: str | None
    contacts: Sequence[Contact]


class CustomerRecords(Protocol):
    """The part of the store that knows customers."""

    async def known_customer(self, customer_id: CustomerId, contact_limit: int) -> KnownCustomer:
        """The customer, with the newest contacts first.

        Raises:
            UnknownCustomerError: there is none with this id.
        """
        ...


class DeskFace(TalkFace, VisitFace, NoteFace):
    """Served to people's tools. Everything but Login needs a token."""

    def __init__(
        self,
        *,
        site: ShownSite,
        login: Login,
        sessions: Sessions,
        workplaces: Workplaces,
        talks: TalkPlaces,
        outward: "Outward",
        watch: SiteWatch,
        customers: CustomerRecords,
        messages: MessageBox,
        notes: NoteWriting,
        repeats: Repeats,
        clocks: "DeskClocks",
    ) -> None:
        TalkFace.__init__(self, talks)
        VisitFace.__init__(self, outward.visiting)
        NoteFace.__init__(self, notes)
        self._site = site
        self._login = login
        self._sessions = sessions
        self._workplaces = workplaces
        self._outward = outward
        self._watch = watch
        self._customers = customers
        self._messages = messages
        self._repeats = repeats
        self._clocks = clocks

    # --- sessions -----------------------------------------------------------------------

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        _require_tool(self._site.site_id)
        address = source(context.peer())
        return await self._repeats.once(
            "", request.request_id, request, lambda: self._log_in(request, address)
        )

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        session = await self._session(context)
        return await self._once(session, request, lambda: self._log_out(session), pb.LogoutResponse())

    async def _log_in(self, request: pb.LoginRequest, address: str) -> pb.LoginResponse:
        person = await self._login.log_in(request.name, request.password, address=address)
        if person.agent is not None:
            self._workplaces.begin(person.agent)
        return self._logged_in(person)

    def _log_out(self, session: Session) -> None:
        self._sessions.close_all_of(session.person_id)
        if session.agent_id is not None:
            self._workplaces.end(session.agent_id)
        else:
            self._talks.leave(session.person_id)

    # --- agents -------------------------------------------------------------------------

    async def SetState(self, request: pb.SetStateRequest, context: Context) -> pb.SetStateResponse:
        session, agent_id = await self._agent(context)
        return await self._once(
            session, request, lambda: self._set_state(agent_id, request), pb.SetStateResponse()
        )

    async def Answer(self, request: pb.AnswerRequest, context: Context) -> pb.AnswerResponse:
        session, agent_id = await self._agent(context)
        leg_id = LegId(request.leg_id)
        return await self._once(
            session, request, lambda: self._workplaces.answer(agent_id, leg_id), pb.AnswerResponse()
        )

    async def HangUp(self, request: pb.HangUpRequest, context: Context) -> pb.HangUpResponse:
        session, agent_id = await self._agent(context)
        leg_id = LegId(request.leg_id)
        return await self._once(
            session, request, lambda: self._workplaces.hang_up(agent_id, leg_id), pb.HangUpResponse()
        )

    async def Hold(self, request: pb.HoldRequest, context: Context) -> pb.HoldResponse:
        session, agent_id = await self._agent(context)
        leg_id = LegId(request.leg_id)
        return await self._once(
            session, request, lambda: self._workplaces.hold(agent_id, leg_id), pb.HoldResponse()
        )

    async def Resume(self, request: pb.ResumeRequest, context: Context) -> pb.ResumeResponse:
        session, agent_id = await self._agent(context)
        leg_id = LegId(request.leg_id)
        return await self._once(
            session, request, lambda: self._workplaces.resume(agent_id, leg_id), pb.ResumeResponse()
        )

    async def Transfer(self, request: pb.TransferRequest, context: Context) -> pb.TransferResponse:
        session, agent_id = await self._agent(context)
        return await self._once(
            session, request, lambda: self._transfer(agent_id, request), pb.TransferResponse()
        )

    async def Dial(self, request: pb.DialRequest, context: Context) -> pb.DialResponse:
        async def serve(agent_id: AgentId) -> pb.DialResponse:
            return pb.DialResponse(call_id=self._outward.dialling.dial(agent_id, request.number))

        return await self._agents_answer(context, request, serve)

    async def SetPlaces(self, request: pb.SetPlacesRequest, context: Context) -> pb.SetPlacesResponse:
        async def serve(agent_id: AgentId) -> pb.SetPlacesResponse:
            await self._outward.reaching.set_places(agent_id, [_place(each) for each in request.places])
            return pb.SetPlacesResponse()

        return await self._agents_answer(context, request, serve)

    def _set_state(self, agent_id: AgentId, request: pb.SetStateRequest) -> None:
        match request.WhichOneof("to"):
            case "ready":
                self._workplaces.ready(agent_id)
            case "not_ready":
                self._workplaces.not_ready(agent_id, request.not_ready.reason)
            case _:
                self._workplaces.wrapup_done(agent_id)

    def _transfer(self, agent_id: AgentId, request: pb.TransferRequest) -> None:
        self._workplaces.transfer(
            agent_id,
            LegId(request.leg_id),
            to_queue=QueueId(request.queue_id) if request.HasField("queue_id") else None,
            to_agent=AgentId(request.agent_id) if request.HasField("agent_id") else None,
        )

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: Context) -> pb.GetCustomerResponse:
        session = await self._session(context)
        customer_id = CustomerId(request.customer_id)
        if not may(session.role, Act.SEE_ANY_CUSTOMER) and not self._is_callers(session, customer_id):
            raise RoleForbidsError(session.role, Act.SEE_ANY_CUSTOMER)
        return _customer(await self._customers.known_customer(customer_id, CONTACT_LIMIT))

    async def ListMessages(
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        session = await self._session(context)
        messages = await self._messages.messages(
            with_heard=request.with_heard, queue_ids=self._queues_heard_by(session)
        )
        return pb.ListMessagesResponse(messages=map(_message, messages))

    async def MarkHeard(self, request: pb.MarkHeardRequest, context: Context) -> pb.MarkHeardResponse:
        session = await self._session(context)

        async def serve() -> pb.MarkHeardResponse:
            await self._messages.heard(
                CallId(request.call_id), session.person_id, queue_ids=self._queues_heard_by(session)
            )
            return pb.MarkHeardResponse()

        return await self._repeats.once(session.person_id, request.request_id, request, serve)

    def _queues_heard_by(self, session: Session) -> Collection[QueueId] | None:
        """An agent hears the messages of the queues that it serves, who watches the site all of them."""
        if may(session.role, Act.WATCH_SITE) or session.agent_id is None:
            return None
        return self._messages.queues_of(session.agent_id)

    def _is_callers(self, session: Session, customer_id: CustomerId) -> bool:
        return session.agent_id is not None and self._workplaces.is_caller(session.agent_id, customer_id)

    # --- watching -----------------------------------------------------------------------

    async def WatchDesk(
        self, request: pb.WatchDeskRequest, context: Context
    ) -> AsyncIterator[pb.WatchDeskResponse]:
        session, agent_id = await self._agent(context)
        after = self._after(request.after) if request.HasField("after") else None
        stays = nullcontext() if request.is_glance else self._workplaces.watched(session, agent_id)
        with stays:
            async with aclosing(self._updates(session, after, _own(agent_id))) as updates:
                async for update in updates:
                    yield pb.WatchDeskResponse(update=update)

    async def Monitor(
        self, request: pb.MonitorRequest, context: Context
    ) -> AsyncIterator[pb.MonitorResponse]:
        session = await self._session(context)
        require(session.role, Act.WATCH_SITE)
        after = self._after(request.after) if request.HasField("after") else None
        async with aclosing(self._updates(session, after, _everything)) as updates:
            async for update in updates:
                yield pb.MonitorResponse(update=update)

    async def _updates(
        self, session: Session, after: int | None, scope: Scope
    ) -> AsyncGenerator[pb.SiteUpdate, None]:
        """Raises:
        NotLoggedInError: the session has ended; so does the stream.
        """
        async with aclosing(self._watch.steps(after, scope)) as steps:
            async for step in steps:
                self._sessions.keep(session, self._clocks.real.mono_ms())
                await self._check(session)
                yield self._update(step)

    def _after(self, position: pb.Position) -> int | None:
        """Positions of another process say nothing about this one's count."""
        return position.number if position.incarnation == self._site.incarnation else None

    def _update(self, step: Step) -> pb.SiteUpdate:
        update = pb.SiteUpdate(
            position=pb.Position(incarnation=self._site.incarnation, number=step.number),
            mono_ms=self._clocks.site.mono_ms(),
            is_whole=step.is_whole,
        )
        for kind, item in step.items:
            getattr(update, _ITEM_FIELDS[kind]).append(item)
        for kind, name in step.gone:
            getattr(update, _GONE_FIELDS[kind]).append(name)
        return update

    # --- who asks -----------------------------------------------------------------------

    async def _session(self, context: Context) -> Session:
        """Raises:
        NotAToolError: a node's certificate.
        NotLoggedInError: no token, or not a good one.
        """
        _require_tool(self._site.site_id)
        session = self._sessions.use(_token(context), self._clocks.real.mono_ms())
        await self._check(session)
        return session

    async def _check(self, session: Session) -> None:
        try:
            await self._login.check(session)
        except NotLoggedInError:
            if session.agent_id is not None:
                self._workplaces.end(session.agent_id)
            raise

    async def _agent(self, context: Context) -> tuple[Session, AgentId]:
        session = await self._session(context)
        require(session.role, Act.TAKE_CALLS)
        assert session.agent_id is not None, "who may take calls is an agent"
        return session, session.agent_id

    async def _agents_act(self, context: Context, request: Any, act: Callable[[AgentId], None], done: M) -> M:
        session, agent_id = await self._agent(context)
        return await self._once(session, request, lambda: act(agent_id), done)

    async def _agents_answer(
        self, context: Context, request: Any, serve: Callable[[AgentId], Awaitable[M]]
    ) -> M:
        session, agent_id = await self._agent(context)
        return await self._repeats.once(
            session.person_id, request.request_id, request, lambda: serve(agent_id)
        )

    async def _supervisors_act(
        self, context: Context, request: Any, act: Callable[[Session], None], done: M
    ) -> M:
        session = await self._session(context)
        require(session.role, Act.SUPERVISE_TALKS)
        return await self._once(session, request, lambda: act(session), done)

    async def _once(self, session: Session, request: Any, act: Callable[[], None], done: M) -> M:
        async def serve() -> M:
            act()
            return done

        return await self._repeats.once(session.person_id, request.request_id, request, serve)

    def _logged_in(self, person: LoggedIn) -> pb.LoginResponse:
        session = person.session
        return pb.LoginResponse(
            token=person.token,
            idle_limit_ms=IDLE_LIMIT_MS,
            session_limit_ms=SESSION_LIMIT_MS,
            role=_ROLES[session.role],
            person_id=session.person_id,
            agent_id=session.agent_id,
            name=person.name,
            site_id=self._site.site_id,
            site_name=self._site.name,
            not_ready_reasons=self._site.not_ready_reasons,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """What agents do with numbers outside: dial them, be reached at them, work the list of customers off."""

    dialling: Dialling
    reaching: Reaching
    visiting: Visiting


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskClocks:
    """Tokens live in real time, calls on the site's clock, which a lab makes faster."""

    real: Clock
    site: Clock


def _place(place: pb.Place) -> Place:
    return Place(
        number=place.number if place.HasField("number") else None,
        ring_limit_ms=place.ring_limit_ms if place.HasField("ring_limit_ms") else None,
    )


def _message(message: Voicemail) -> pb.VoicemailView:
    return pb.VoicemailView(
        call_id=message.call_id,
        queue_id=message.queue_id,
        left_utc_us=message.left_utc_us,
        number=message.number,
        heard_utc_us=message.heard_utc_us,
        heard_by=message.heard_by,
    )


def _require_tool(site_id: SiteId) -> None:
    """People's tools show an operator's certificate, or on the site's own machine the site's.

    Raises:
        NotAToolError: the certificate is another node's.
    """
    sender = peer()
    if sender is not None and sender.kind != "operator" and (sender.kind, sender.name) != ("site", site_id):
        raise NotAToolError(str(sender))


def _token(context: Context) -> str:
    """Raises:
    NotLoggedInError: there is none.
    """
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value.startswith("Bearer "):
            return value.removeprefix("Bearer ")
    raise NotLoggedInError("no token was given")


def _own(agent_id: AgentId) -> Scope:
    """Queues and colleagues are needed to transfer; of calls and hand-offs an agent sees its own."""

    def scope(kind: Kind, item: Any) -> bool:
        if kind in (Kind.QUEUE, Kind.AGENT) or item.agent_id == agent_id:
            return True
        is_asked = kind is Kind.CALL and item.consultation.agent_id == agent_id
        return is_asked or (kind is Kind.CALL and agent_id in item.ringing_agent_ids)

    return scope


def _everything(_kind: Kind, _item: Message) -> bool:
    return True


def _customer(known: KnownCustomer) -> pb.GetCustomerResponse:
    return pb.GetCustomerResponse(
        customer_id=known.customer_id,
        name=known.name,
        customer_class=known.customer_class,
        region=known.region,
        contacts=[
            pb.Contact(
                call_id=each.call_id,
                arrived_utc_us=each.arrived_utc_us,
                queue_id=each.queue_id,
                agent_id=each.agent_id,
                disposition=each.disposition,
            )
            for each in known.contacts
        ],
    )
