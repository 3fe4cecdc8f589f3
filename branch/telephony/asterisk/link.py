"""The driver's link to Asterisk: one websocket an application, one for the phones, as one connection."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import structlog
from pydantic import SecretStr

from branch.telephony.asterisk.events import (
    CALL_EVENTS,
    PHONE_EVENTS,
    RECORDING_EVENTS,
    event_of,
    is_awaited,
    is_in_application,
    shown,
    shown_bridge,
    shown_phone,
)
from branch.telephony.asterisk.names import LINE_PREFIX, applications, phones_application
from branch.telephony.asterisk.referring import Referring
from branch.telephony.asterisk.requests import request_of
from branch.telephony.asterisk.shards import Shards, bridge_name, is_queue
from branch.telephony.asterisk.snooping import Snoops, is_snoop
from branch.telephony.asterisk.socket import Request, Response, Socket
from branch.telephony.asterisk.taping import Taping
from branch.telephony.driver.vocabulary import Do, Event, Frame, Kind, Variable
from branch.telephony.port import PbxRefusedError

_NOT_THERE, _THERE_ALREADY = 404, 409
_REFUSALS = 300

log = structlog.get_logger()


class AsteriskLink:
    """A PbxLink. It ends as a whole when one of its websockets does."""

    def __init__(
        self, site_id: str, shard_count: int, numbers: Mapping[str, str], *, is_encrypted: bool
    ) -> None:
        self.run = ""
        self._site_id = site_id
        self._numbers = numbers
        self._is_encrypted = is_encrypted
        self._shards = Shards(shard_count)
        self._snoops = Snoops()
        self._taping = Taping()
        self._referring = Referring()
        self._sockets: list[Socket] = []
        self._incoming: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._started: set[str] = set()
        self._queues: set[str] = set()
        """Bridges with music that were asked for already: they stay, so one time is enough."""

    @classmethod
    async def open(
        cls,
        address: str,
        user: str,
        password: SecretStr,
        site_id: str,
        shard_count: int,
        numbers: Mapping[str, str],
        *,
        is_encrypted: bool,
    ) -> Self:
        """Connect, and be the one who hears this site's calls.

        `numbers` are those that calls over the site's lines show, by the line's name. With `is_encrypted`
        other sites are dialled by TLS: the keys of the sound are in the INVITE.

        Raises:
            OSError: nobody is there (ConnectionRefusedError: nobody listens), or it does not answer.
            PbxRefusedError: it does not let us in.
        """
        link = cls(site_id, shard_count, numbers, is_encrypted=is_encrypted)
        names = [[each] for each in applications(site_id, shard_count)] + [[phones_application(site_id)]]
        try:
            for shard, apps in enumerate(names):
                await link._connect(address, user, password, apps, shard)
            await link._begin(names)
        except BaseException:
            await link.close()
            raise
        return link

    async def ask(self, do: Do) -> Any:
        """See PbxLink."""
        match do:
            case Do.LIST_CHANNELS:
                channels = await self._get("channels")
                listed = self._listed([each for each in channels if await self._is_alive(each)])
                await asyncio.gather(*(self._see_hold(each) for each in listed))
                return listed
            case Do.LIST_BRIDGES:
                bridges = await self._get("bridges")
                self._ask_all(self._snoops.bridges_listed(each["id"] for each in bridges), 0)
                return [shown_bridge(each) for each in bridges if not is_snoop(each["id"])]
            case Do.LIST_PHONES:
                phones = await self._get("endpoints/PJSIP")
                return [
                    shown_phone(f"{self._site_id}/{each['resource']}", is_registered=_is_online(each))
                    for each in phones
                    if _is_phone(each["resource"])
                ]
        raise ValueError(f"{do} is no list")

    def send(self, frame: Frame) -> None:
        """See PbxLink."""
        shard = self._shards.of(frame)
        bridge, number, do = bridge_name(frame, shard), frame["id"], frame["do"]
        known = self._known(frame, bridge)
        if known is not None:
            self._reply(number, known)
            return
        if do == Do.PUT_DOWN and frame["channel"] in self._started:
            frame = {**frame, "do": Do.HANG_UP, "cause": 16}
        if self._referring.is_early(frame) or self._taping.is_early(frame):
            return
        frame = self._completed(frame, shard)
        request = request_of(frame, applications(self._site_id, shard + 1)[shard], bridge)
        self._sockets[shard].send(request, lambda response: self._replied(frame, response))
        if do == Do.REFER:
            watch = {**frame, "do": Do.AWAIT_REFERRED}
            self._ask_all([request_of(watch, "", None)], shard)

    def _completed(self, frame: Frame, shard: int) -> Frame:
        """With what Asterisk has to be told beyond the driver's words."""
        match frame["do"]:
            case Do.SNOOP:
                snoop, before = self._snoops.begin(frame["channel"])
                self._ask_all(before, shard)
                return {**frame, "snoop": snoop}
            case Do.ADD:
                self._ask_all(self._snoops.left(frame["channel"]), shard)
            case Do.REFER | Do.AWAIT_REFERRED:
                return {**frame, "playback": self._referring.begin(frame["channel"])}
            case Do.ORIGINATE:
                number = self._number_on(frame["endpoint"])
                return {**frame, "caller_id": number, "is_encrypted": self._is_encrypted}
        return frame

    async def next(self) -> Frame | None:
        """See PbxLink."""
        return await self._incoming.get()

    async def close(self) -> None:
        """See PbxLink."""
        await asyncio.gather(*(each.close() for each in self._sockets))

    def _known(self, frame: Frame, bridge: str | None) -> Response | None:
        """The answer, where Asterisk need not be asked for it."""
        do = frame["do"]
        if do == Do.LIFT:
            return Response(code=501, reason="a phone is answered at the phone")
        if do == Do.ORIGINATE and self._is_strangers_phone(frame["endpoint"]):
            return Response(code=_NOT_THERE, reason="no phone of this site")
        if do == Do.START_MUSIC:
            # A bridge's own music ends with its last member, and later ones would hear nothing:
            # here every member of a queue's bridge has music from being added to it.
            return Response(code=204, reason="comes with the bridge")
        if do == Do.CREATE_BRIDGE and bridge is not None and is_queue(bridge):
            if bridge in self._queues:
                return Response(code=204, reason="done before")
            self._queues.add(bridge)
        return None

    def _number_on(self, endpoint: str) -> str | None:
        """What whoever is called over a line sees; phones and other sites see who calls them."""
        kind, _, name = endpoint.partition("/")
        return self._numbers.get(name.partition("/")[0]) if kind == "line" else None

    def _is_strangers_phone(self, endpoint: str) -> bool:
        return endpoint.startswith("phone/") and not endpoint.startswith(f"phone/{self._site_id}/")

    # --- opening -------------------------------------------------------------------------

    async def _connect(
        self, address: str, user: str, password: SecretStr, apps: Sequence[str], shard: int
    ) -> None:
        socket = await Socket.open(
            address, user, password, apps, lambda told: self._heard(told, shard), self._lost
        )
        self._sockets.append(socket)

    async def _begin(self, names: Sequence[Sequence[str]]) -> None:
        """Filters before anything is listed: what comes after the lists must be told."""
        for socket, (name,) in zip(self._sockets, names, strict=True):
            is_phones = socket is self._sockets[-1]
            allowed = [{"type": each} for each in (PHONE_EVENTS if is_phones else CALL_EVENTS)]
            uri = f"applications/{name}/eventFilter"
            await _do(socket, Request(method="PUT", uri=uri, body={"allowed": allowed}))
        # All endpoints: of one of them, or of one kind, Asterisk would also tell all their calls.
        uri = f"applications/{names[-1][0]}/subscription"
        await _do(self._sockets[-1], Request(method="POST", uri=uri, query=(("eventSource", "endpoint:"),)))
        info = await self._get("asterisk/info")
        self.run = f"{info['status']['startup_time']} {info['system']['entity_id']}"

    async def _get(self, uri: str) -> Any:
        return (await _do(self._sockets[-1], Request(method="GET", uri=uri))).body

    # --- events --------------------------------------------------------------------------

    def _heard(self, told: dict[str, Any], shard: int) -> None:
        if told["type"] in ("ContactStatusChange", "PeerStatusChange"):
            self._phone_heard(told)
            return
        if is_snoop(told.get("channel", {}).get("id", "")):
            self._snoop_heard(told, shard)
            return
        if told["type"] in RECORDING_EVENTS:
            self._send_all(self._taping.begun(told["recording"]["name"]))
        if told["type"] == "StasisStart":
            self._started.add(told["channel"]["id"])
            self._shards.came(told["channel"]["id"], shard)
        event = event_of(told, self._started.__contains__)
        if event is None:
            return
        if event["event"] == Event.CHANNEL_GONE:
            self._gone(event["channel"], shard)
        self._incoming.put_nowait(event)
        if event["event"] == Event.REFERRED:
            self._send_all(self._referring.over(event["channel"]))

    def _gone(self, channel_id: str, shard: int) -> None:
        self._ask_all(self._snoops.left(channel_id), shard)
        self._started.discard(channel_id)
        self._shards.gone(channel_id)
        for frame in self._referring.over(channel_id):
            self._reply(frame["id"], Response(code=_NOT_THERE, reason="the channel is gone"))

    def _send_all(self, late: Sequence[Frame]) -> None:
        for frame in late:
            self.send(frame)

    def _snoop_heard(self, told: dict[str, Any], shard: int) -> None:
        snoop = told["channel"]["id"]
        if told["type"] == "StasisStart":
            self._ask_all(self._snoops.started(snoop), shard)
        elif told["type"] in ("StasisEnd", "ChannelDestroyed"):
            self._ask_all(self._snoops.gone(snoop), shard)

    def _ask_all(self, requests: Sequence[Request], shard: int) -> None:
        """What the link itself wants; what is gone already, or there already, is as it should be."""
        for request in requests:
            self._sockets[shard].send(request, _log_refusal(request))

    def _phone_heard(self, told: dict[str, Any]) -> None:
        endpoint = told["endpoint"]
        if endpoint["technology"] == "PJSIP" and _is_phone(endpoint["resource"]):
            agent_id = f"{self._site_id}/{endpoint['resource']}"
            self._incoming.put_nowait(shown_phone(agent_id, is_registered=_is_online(endpoint)))

    async def _is_alive(self, channel: Mapping[str, Any]) -> bool:
        """Asterisk also lists a channel that has ended while its carrier owes it the outcome of a REFER."""
        if not (channel.get("channelvars") or {}).get(Variable.REFERRED):
            return True
        query = (("variable", Variable.REFERRED),)
        uri = f"channels/{channel['id']}/variable"
        answer = await self._sockets[-1].ask(Request(method="GET", uri=uri, query=query))
        return answer.code != _NOT_THERE

    async def _see_hold(self, listed: Frame) -> None:
        """Of a phone in a talk, which may have pressed its key while nobody listened."""
        if listed["kind"] == Kind.PHONE and listed["is_started"]:
            query = (("variable", "CHANNEL(rtp,hold,audio)"),)
            uri = f"channels/{listed['channel']}/variable"
            answer = await self._sockets[-1].ask(Request(method="GET", uri=uri, query=query))
            if answer.code < _REFUSALS:
                listed["is_held"] = answer.body["value"] == "1"

    def _listed(self, channels: Sequence[dict[str, Any]]) -> list[Frame]:
        found = []
        self._ask_all(self._snoops.listed(each["id"] for each in channels), 0)
        for channel in channels:
            is_started = is_in_application(channel)
            each = shown(channel, is_started=is_started)
            if each is None or is_awaited(each):
                continue
            if is_started:
                self._started.add(channel["id"])
            self._shards.came(channel["id"], self._shard_in(channel))
            if Variable.REFERRED in each["variables"]:
                self._referring.listed(channel["id"])
            if each["kind"] == Kind.PHONE and is_started:
                self._refuse_transfer(channel["id"])
            found.append(each)
        return found

    def _refuse_transfer(self, channel_id: str) -> None:
        """A phone that has asked for one while nobody listened waits until it is told."""
        frame: Frame = {"do": Do.TRANSFERRED, "channel": channel_id, "is_done": False}
        self._ask_all([request_of(frame, "", None)], 0)

    def _shard_in(self, channel: dict[str, Any]) -> int:
        """By the application's name that stands in the dialplan's last step."""
        name = str(channel["dialplan"].get("app_data") or "").partition(",")[0]
        number = name.rpartition("-")[2]
        count = len(self._sockets) - 1
        return (int(number) - 1) % count if number.isdigit() else 0

    def _replied(self, frame: Frame, response: Response) -> None:
        if frame["do"] == Do.RECORD and response.code >= _REFUSALS:
            self._send_all(self._taping.begun(frame["recording"]))
        elif frame["do"] in (Do.REFER, Do.AWAIT_REFERRED) and response.code >= _REFUSALS:
            self._send_all(self._referring.over(frame["channel"]))
        self._reply(frame["id"], response)

    def _reply(self, number: int, response: Response) -> None:
        reply: Frame = {"re": number}
        if response.code >= _REFUSALS:
            reply |= {"code": response.code, "text": f"{response.reason} {response.body or ''}".strip()}
        self._incoming.put_nowait(reply)

    def _lost(self) -> None:
        self._incoming.put_nowait(None)


async def _do(socket: Socket, request: Request) -> Response:
    """Raises:
    PbxRefusedError: Asterisk does not do what every Asterisk of ours must.
    LinkLostError: the connection ended first.
    """
    response = await socket.ask(request)
    if response.code >= _REFUSALS:
        raise PbxRefusedError(request.uri, f"{response.code} {response.reason} {response.body}")
    return response


def _log_refusal(request: Request) -> Callable[[Response], None]:
    def heard(response: Response) -> None:
        if response.code >= _REFUSALS and response.code not in (_NOT_THERE, _THERE_ALREADY):
            log.warning("asterisk_refused", uri=request.uri, code=response.code, reason=response.reason)

    return heard


def _is_phone(endpoint: str) -> bool:
    return not endpoint.startswith(("trunk-", LINE_PREFIX))


def _is_online(endpoint: dict[str, Any]) -> bool:
    return bool(endpoint["state"] == "online")
