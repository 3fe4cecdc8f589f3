"""Requests that come again are answered alike and carried out once.

A request is named by its sender and its request_id. Kept bounded: the oldest answers are
forgotten first, long after any client has stopped repeating.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from google.protobuf.message import Message

from branch.people.refusals import RequestIdReusedError
from router.errors import RouterError

R = TypeVar("R", bound=Message)

ANSWER_LIMIT = 10_000
"""At one request a second of each of 100 people: the answers of the last 100 seconds."""

_Answer = tuple[bytes, "asyncio.Future[Message]"]


class Repeats:
    """The answers, or refusals, that were given lately."""

    def __init__(self, *, key: bytes) -> None:
        """`key` is random: what is kept of a request with a password in it tells nobody the password."""
        self._key = key
        self._answers: OrderedDict[tuple[str, str], _Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    async def once(
        self, sender: str, request_id: str, request: Message, serve: Callable[[], Awaitable[R]]
    ) -> R:
        """Serve the request, or give the answer that it got before, also while it is being served.

        A fault of ours is no answer: the request may be tried again.

        Raises:
            RequestIdReusedError: this request_id stood on another request of the sender.
            RouterError: what `serve` refused with, now or then.
        """
        name, digest = (sender, request_id), self._digest(request)
        known = self._answers.get(name)
        if known is not None:
            if known[0] != digest:
                raise RequestIdReusedError(request_id)
            return cast("R", await asyncio.shield(known[1]))
        # A task of its own: a caller who goes away must not leave a half-carried-out request behind.
        serving = cast("asyncio.Future[Message]", asyncio.ensure_future(serve()))
        self._answers[name] = (digest, serving)
        serving.add_done_callback(lambda done: self._forget_fault(name, done))
        while len(self._answers) > ANSWER_LIMIT:
            self._answers.popitem(last=False)
        return cast("R", await asyncio.shield(serving))

    def _forget_fault(self, name: tuple[str, str], done: "asyncio.Future[Message]") -> None:
        is_fault = done.cancelled() or not isinstance(done.exception(), RouterError | None)
        kept = self._answers.get(name)
        if is_fault and kept is not None and kept[1] is done:
            del self._answers[name]

    def _digest(self, request: Message) -> bytes:
        content = type(request).__name__.encode() + request.SerializeToString(deterministic=True)
        return hashlib.blake2b(content, digest_size=16, key=self._key).digest()
