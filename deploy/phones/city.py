"""The public network behind a site's line: people who call, and people who can be called."""

from collections.abc import Mapping

from deploy.phones.callers import Caller
from deploy.phones.phones import Behaviour, PhoneCall
from deploy.phones.sip_text import SipMessage, new_tag, reply, user_of
from deploy.phones.sip_wire import Address


class City(Caller):
    """Everybody at one address; who is called does what is known of the number, each call by itself."""

    def __init__(
        self, user: str, pbx: Address, *, host: str, port: int = 0, people: Mapping[str, Behaviour]
    ) -> None:
        super().__init__(user, pbx, host=host, port=port)
        self.people = people
        self.called: list[PhoneCall] = []
        """In the order of coming."""

    def hear_invite(self, request: SipMessage, source: Address) -> None:
        number = user_of(request.start.split(" ")[1])
        behaviour = self.people.get(number)
        if behaviour is None:
            self.socket.respond(request, reply(request, 404, tag=new_tag()), source)
            return
        call = PhoneCall(self, request, source)
        self.called.append(call)
        if behaviour.says_ringing:
            call.ring()
        self.start(call.follow(behaviour))
