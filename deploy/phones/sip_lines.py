"""One person's SIP line: a UDP port that sends everything to one PBX, whatever a Route says."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Protocol, Self

from deploy.phones.changes import Changes
from deploy.phones.sip_text import METHODS, SipMessage, digest_answer, new_branch, new_tag, reply, tag_of
from deploy.phones.sip_wire import Address, SipSocket

_PROOFS = ("Authorization", "Proxy-Authorization")


class OnLine(Protocol):
    """A call, as its line sees it."""

    def hear(self, request: SipMessage, source: Address) -> None:
        """A request within the call."""
        ...

    def lose(self) -> None:
        """The line is closed."""
        ...


class Line:
    """A SIP user agent; `hear_invite` is for whoever can be called."""

    def __init__(
        self,
        user: str,
        pbx: Address,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str | None = None,
    ) -> None:
        """`port` 0 is any free one."""
        self.user = user
        self.pbx = pbx
        self.host = host
        self._port = port
        self.password = password
        self.socket = SipSocket(self)
        self.changes = Changes()
        self.calls_by_id: dict[str, OnLine] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []

    async def __aenter__(self) -> Self:
        await self.socket.open(self.host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.socket.wait_freed()
        for fault in self._faults:
            raise fault

    def close(self) -> None:
        """Vanish without a word, as a phone whose plug is pulled."""
        for call in self.calls_by_id.values():
            call.lose()
        for task in self._tasks:
            task.cancel()
        self.socket.close()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run it beside, at the longest until the line is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.append(fault)

    @property
    def own_uri(self) -> str:
        return f"sip:{self.user}@{self.pbx[0]}"

    @property
    def contact(self) -> str:
        host, port = self.socket.address
        return f"<sip:{self.user}@{host}:{port}>"

    def build(
        self,
        method: str,
        uri: str,
        *,
        local: str,
        remote: str,
        call_id: str,
        cseq: int,
        headers: Mapping[str, str] | None = None,
        body: str = "",
    ) -> SipMessage:
        """A request with all that it must have."""
        host, port = self.socket.address
        message = SipMessage(
            f"{method} {uri} SIP/2.0",
            [
                ("Via", f"SIP/2.0/UDP {host}:{port};branch={new_branch()};rport"),
                ("Max-Forwards", "70"),
                ("From", local),
                ("To", remote),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                ("Contact", self.contact),
                ("Allow", METHODS),
                *(headers or {}).items(),
            ],
            body,
        )
        if body and not message.header("Content-Type"):
            message.headers.append(("Content-Type", "application/sdp"))
        return message

    def signed(self, request: SipMessage, challenge: SipMessage) -> SipMessage:
        """The same request once more, as another transaction, with the password's proof."""
        assert self.password is not None, f"{self.user} is asked for a password and has none"
        method, uri = request.start.split(" ")[:2]
        headers = [
            ("Via", f"{value.partition(';')[0]};branch={new_branch()};rport")
            if name == "Via"
            else (name, f"{request.cseq + 1} {method}")
            if name == "CSeq"
            else (name, value)
            for name, value in request.headers
            if name not in _PROOFS
        ]
        proof = digest_answer(challenge, method, uri, self.user, self.password)
        return SipMessage(request.start, [*headers, proof], request.body)

    def hear(self, request: SipMessage, source: Address) -> None:
        """In a call: the call's; a new call; or a question whether we are there."""
        call = self.calls_by_id.get(request.call_id)
        if call is not None:
            call.hear(request, source)
        elif request.method == "INVITE" and not tag_of(request.header("To")):
            self.hear_invite(request, source)
        elif request.method in {"OPTIONS", "NOTIFY"}:
            self.socket.respond(request, reply(request, 200, tag=new_tag()), source)
        elif request.method != "ACK":
            self.socket.respond(request, reply(request, 481, tag=new_tag()), source)

    def hear_refer(self, call: OnLine, request: SipMessage) -> int:
        """What to answer whoever wants the call to go elsewhere: no phone here can be sent away."""
        return 501

    def hear_invite(self, request: SipMessage, source: Address) -> None:
        """Nobody is called on a line that only calls."""
        self.socket.respond(request, reply(request, 480, tag=new_tag()), source)
