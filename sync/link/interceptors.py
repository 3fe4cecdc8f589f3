"""What happens to every call before and after the service sees it.

Before: who sent it, does it have a deadline, do its fields make sense. After: a refusal
becomes a status with its reason, anything else INTERNAL without a word of its text. The
standard health and reflection services pass untouched: tools call them without deadlines.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from router.errors import RouterError
from sync.link.identity import Peer, peer, set_peer
from sync.link.instruments import LinkInstruments
from sync.link.refusals import MissingDeadlineError
from sync.link.status import code_of, details_of

M = TypeVar("M", bound=Message)
MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
FoundMethod: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
RequestCheck = Callable[[Any], None]
"""Raises InvalidFieldError for a message that makes no sense."""
Identify: TypeAlias = Callable[[Mapping[str, Iterable[bytes]]], Peer | None]

_STANDARD_SERVICES = "/grpc."
_PEER_REASONS = "PEER_"
_LOGGED_PEERS_LIMIT = 1000

log = structlog.get_logger()


class LinkInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method of our own services, once.

    `identify` reads the peer out of a connection's auth context, or refuses it.
    """

    def __init__(
        self,
        *,
        identify: Identify,
        checks: Mapping[type[Message], RequestCheck],
        instruments: LinkInstruments,
    ) -> None:
        self._identify = identify
        self._checks = checks
        self._instruments = instruments
        self._wrapped: dict[str, MethodHandler] = {}
        self._logged: set[tuple[str, str]] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[FoundMethod]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> FoundMethod:
        """Answer with the wrapped method; an unknown one stays unknown."""
        method = handler_call_details.method
        known = self._wrapped.get(method)
        if known is not None:
            return known
        found = await continuation(handler_call_details)
        if found is None or method.startswith(_STANDARD_SERVICES):
            return found
        return self._wrapped.setdefault(method, _Method(method, self).wrapped(found))

    def admit(self, context: Context) -> None:
        """Note the peer for this call.

        Raises:
            LinkRefusalError: its certificate is not good for this node.
        """
        set_peer(self._identify(context.auth_context()))

    def has_check(self, request_type: type[Message]) -> bool:
        """Whether somebody has said how to look at such requests."""
        return request_type in self._checks

    def check(self, request: Message) -> None:
        """Look at the request's fields, where somebody has said how.

        Raises:
            InvalidFieldError: one makes no sense.
        """
        check = self._checks.get(type(request))
        if check is not None:
            check(request)

    def note_refusal(self, method: str, refusal: RouterError, sender: str) -> None:
        """Count a refusal; a peer that claims to be another is logged, once for each claim."""
        self._instruments.refused_total.labels(refusal.reason).inc()
        seen = (sender, refusal.reason)
        if not refusal.reason.startswith(_PEER_REASONS) or seen in self._logged:
            return
        if len(self._logged) < _LOGGED_PEERS_LIMIT:
            self._logged.add(seen)
            log.warning(
                "peer_refused", peer=sender, reason=refusal.reason, method=method, problem=str(refusal)
            )

    def note_end(self, method: str, code: grpc.StatusCode) -> None:
        """Count a call that has ended."""
        self._instruments.requests_total.labels(method, code.name).inc()

    def timer(self, method: str) -> Any:
        """Measures the block it is entered for."""
        return self._instruments.request_duration_seconds.labels(method).time()


class _Method:
    """One method's way through: admit, check, serve, translate what was raised."""

    def __init__(self, name: str, link: LinkInterceptor) -> None:
        self._name = name
        self._link = link
        self._has_check = True

    def wrapped(self, found: Any) -> MethodHandler:
        # A generated deserializer is its message's FromString: what nobody checks costs no step a frame.
        request_type = getattr(found.request_deserializer, "__self__", None)
        self._has_check = request_type is None or self._link.has_check(request_type)
        codec = (found.request_deserializer, found.response_serializer)
        if found.request_streaming and found.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._streaming(found.stream_stream), *codec)
        if found.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._unary(found.stream_unary), *codec)
        if found.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._streaming(found.unary_stream), *codec)
        return grpc.unary_unary_rpc_method_handler(
            self._unary(found.unary_unary, needs_deadline=True), *codec
        )

    def _unary(
        self, serve: Callable[..., Awaitable[Any]], *, needs_deadline: bool = False
    ) -> Callable[..., Any]:
        async def unary(request: Any, context: Context) -> Any:
            code = grpc.StatusCode.CANCELLED
            try:
                with self._link.timer(self._name):
                    self._admit(context, needs_deadline=needs_deadline)
                    response = await serve(self._checked(request), context)
                code = grpc.StatusCode.OK
                return response
            except Exception as error:  # noqa: BLE001 - an RPC's top: it ends here, answered and logged
                code = _code(error, context)
                await self._refuse(error, context)
            finally:
                self._link.note_end(self._name, code)

        return unary

    def _streaming(self, serve: Callable[..., Any]) -> Callable[..., Any]:
        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            code = grpc.StatusCode.CANCELLED
            try:
                self._admit(context, needs_deadline=False)
                answer = serve(self._checked(request), context)
                if inspect.isawaitable(answer):  # The other style: it writes to the context itself.
                    await answer
                else:
                    async with aclosing(answer) as responses:
                        async for response in responses:
                            yield response
                code = grpc.StatusCode.OK
            except Exception as error:  # noqa: BLE001 - an RPC's top: it ends here, answered and logged
                code = _code(error, context)
                await self._refuse(error, context)
            finally:
                self._link.note_end(self._name, code)

        return stream

    def _admit(self, context: Context, *, needs_deadline: bool) -> None:
        self._link.admit(context)
        if needs_deadline and context.time_remaining() is None:
            raise MissingDeadlineError(self._name)

    def _checked(self, request: Any) -> Any:
        if not self._has_check:
            return request
        if isinstance(request, Message):
            self._link.check(request)
            return request
        return self._each_checked(request)

    async def _each_checked(self, requests: AsyncIterator[M]) -> AsyncIterator[M]:
        async for request in requests:
            self._link.check(request)
            yield request

    async def _refuse(self, error: Exception, context: Context) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        if isinstance(error, RouterError):
            self._link.note_refusal(self._name, error, str(peer() or context.peer()))
            await context.abort(*details_of(error))
        if isinstance(error, NotImplementedError):
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this node does not serve this method")
        log.error("rpc_failed", method=self._name, peer=str(peer() or context.peer()), exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "a fault of the serving node; its log says more")


def _code(error: Exception, context: Context) -> grpc.StatusCode:
    if isinstance(error, RouterError):
        return code_of(error.reason)
    if isinstance(error, grpc.aio.AbortError):
        return grpc.StatusCode(context.code())
    return (
        grpc.StatusCode.UNIMPLEMENTED if isinstance(error, NotImplementedError) else grpc.StatusCode.INTERNAL
    )
