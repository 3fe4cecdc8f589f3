"""What stands where a site's PBX should: hears other sites' INVITEs and answers them as the test says."""

import asyncio

from deploy.phones.changes import WAIT_LIMIT_S
from deploy.phones.sip_lines import Line
from deploy.phones.sip_text import SipMessage, new_tag, reply
from deploy.phones.sip_wire import Address

TOKEN_HEADER = "X-Trunkline-Token"


class TrunkEnd(Line):
    """Refuses every call with `status`, None lets it wait; keeps the tokens that it was shown."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("overflow", (host, port), host=host, port=port)
        self.status: int | None = 503
        self.tokens: list[str] = []

    def hear_invite(self, request: SipMessage, source: Address) -> None:
        self.tokens.append(request.header(TOKEN_HEADER))
        self.changes.tell()
        if self.status is not None:
            self.socket.respond(request, reply(request, self.status, tag=new_tag()), source)

    async def wait_token(self, limit_s: float = WAIT_LIMIT_S) -> str:
        """The latest token, once there is one.

        Raises:
            TimeoutError: nobody called.
        """
        await asyncio.wait_for(self.changes.until(lambda: bool(self.tokens), None), limit_s)
        return self.tokens[-1]
