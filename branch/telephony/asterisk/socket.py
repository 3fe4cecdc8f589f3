"""One websocket to Asterisk: events of some applications, and requests in the order they are sent.

Asterisk works requests of one websocket off one after the other, so those of one call, which
all go over one socket, keep their order without anybody waiting for replies.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import structlog
from pydantic import SecretStr

from branch.telephony.driver.link import LinkLostError
from branch.telephony.port import PbxRefusedError

CONNECT_LIMIT_S = 3.0
PING_INTERVAL_S = 5.0
"""A websocket that answers no ping within half of that is lost, whatever its connection looks like."""
MESSAGE_LIMIT_BYTES = 64 * 2**20
"""A list of some ten thousand channels still fits."""
UNANSWERED_LIMIT = 64
"""Requests on their way at once over one socket; more wait here, where they cost Asterisk nothing."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of Asterisk's REST interface."""

    method: str
    uri: str
    query: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    code: int
    reason: str
    text: str | None = None

    @property
    def body(self) -> Any:
        """Decoded by who looks at it: the answers to most requests are channels and bridges nobody reads."""
        return json.loads(self.text) if self.text else None


Told = Callable[[Response], None]


class Socket:
    """A connection that stands; `closed` is called once when it ends."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        websocket: aiohttp.ClientWebSocketResponse,
        heard: Callable[[dict[str, Any]], None],
        closed: Callable[[], None],
    ) -> None:
        self._http = http
        self._websocket = websocket
        self._heard = heard
        self._closed = closed
        self._numbers = itertools.count(1)
        self._unanswered: dict[str, Told] = {}
        self._outgoing: asyncio.Queue[tuple[Request, Told]] = asyncio.Queue()
        self._room = asyncio.Semaphore(UNANSWERED_LIMIT)
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]

    @classmethod
    async def open(
        cls,
        address: str,
        user: str,
        password: SecretStr,
        applications: Sequence[str],
        heard: Callable[[dict[str, Any]], None],
        closed: Callable[[], None],
    ) -> Self:
        """Register the applications; whoever had them before is told and gets no events any more.

        Raises:
            OSError: nobody is there (ConnectionRefusedError: nobody listens), or it does not answer.
            PbxRefusedError: the password is wrong, or ARI is not there.
        """
        credentials = aiohttp.encode_basic_auth(user, password.get_secret_value())
        http = aiohttp.ClientSession(headers={"Authorization": credentials})
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                websocket = await http.ws_connect(
                    f"http://{address}/ari/events",
                    params={"app": ",".join(applications), "subscribeAll": "false"},
                    heartbeat=PING_INTERVAL_S,
                    max_msg_size=MESSAGE_LIMIT_BYTES,
                    compress=0,
                )
        except aiohttp.ClientConnectorError as error:
            await http.close()
            raise error.os_error from error
        except aiohttp.WSServerHandshakeError as error:
            await http.close()
            if error.status >= 500:
                # Asterisk is not fully booted yet.
                raise ConnectionResetError(f"not ready: {error.status}") from error
            raise PbxRefusedError(address, f"{error.status} {error.message}") from error
        except aiohttp.ClientError as error:
            await http.close()
            raise ConnectionResetError(str(error)) from error
        except BaseException:
            await http.close()
            raise
        return cls(http, websocket, heard, closed)

    @property
    def waiting_count(self) -> int:
        """Requests that were not sent yet."""
        return self._outgoing.qsize()

    def send(self, request: Request, told: Told) -> None:
        """Send it after all that were sent before; `told` gets the answer, unless the connection ends."""
        self._outgoing.put_nowait((request, told))

    async def ask(self, request: Request) -> Response:
        """Send and wait for the answer.

        Raises:
            LinkLostError: the connection ended first.
        """
        if self._tasks[0].done():
            raise LinkLostError(f"no connection to ask for {request.uri}")
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.send(request, lambda response: None if answer.done() else answer.set_result(response))
        ends: list[asyncio.Future[Any]] = [answer, self._tasks[0]]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise LinkLostError(f"the connection ended before the answer to {request.uri}")
        return answer.result()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            request, told = await self._outgoing.get()
            await self._room.acquire()
            number = str(next(self._numbers))
            self._unanswered[number] = told
            try:
                await self._websocket.send_str(_rest_request(number, request))
            except (ConnectionError, aiohttp.ClientError) as error:
                log.debug("pbx_request_unsent", error=repr(error))
                return

    async def _read(self) -> None:
        try:
            async for message in self._websocket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._take(json.loads(message.data))
        except (OSError, ValueError, aiohttp.ClientError) as error:
            log.debug("pbx_connection_ended", error=repr(error))
        finally:
            self._tasks[1].cancel()
            self._closed()
            await self._websocket.close()
            await self._http.close()

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("type") != "RESTResponse":
            self._heard(message)
            return
        told = self._unanswered.pop(str(message.get("request_id")), None)
        if told is not None:
            self._room.release()
            told(_response(message))


def _rest_request(number: str, request: Request) -> str:
    message: dict[str, Any] = {
        "type": "RESTRequest",
        "transaction_id": number,
        "request_id": number,
        "method": request.method,
        "uri": request.uri,
    }
    if request.query:
        message["query_strings"] = [{"name": name, "value": value} for name, value in request.query]
    if request.body is not None:
        message["content_type"] = "application/json"
        message["message_body"] = json.dumps(request.body, ensure_ascii=False)
    return json.dumps(message, ensure_ascii=False)


def _response(message: dict[str, Any]) -> Response:
    return Response(
        code=int(message["status_code"]),
        reason=str(message.get("reason_phrase")),
        text=message.get("message_body"),
    )
