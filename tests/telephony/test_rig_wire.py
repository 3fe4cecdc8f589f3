"""The phones' SIP where a PBX on loopback does not lead it: what is lost, comes twice or crosses."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.phones.phones import Behaviour, Phone
from deploy.phones.sip_calls import Ending
from deploy.phones.sip_sdp import offer_sdp, read_sdp
from deploy.phones.sip_text import SipMessage, digest_answer, reply, tag_of
from deploy.phones.sip_wire import Address, SipSilenceError

LIMIT_S = 5.0


class PlainPbx(asyncio.DatagramProtocol):
    """Sends what it is told to and keeps what comes; repeats nothing by itself."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[SipMessage] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> Address:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard.put_nowait(SipMessage.parse(data))

    def send(self, message: SipMessage, to: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), to)

    async def next(self) -> SipMessage:
        async with asyncio.timeout(LIMIT_S):
            return await self.heard.get()

    async def next_status(self, status: int) -> SipMessage:
        """The next message, which must be this answer."""
        answer = await self.next()
        assert answer.status == status, answer.start
        return answer


@pytest.fixture
async def pbx() -> AsyncIterator[PlainPbx]:
    made = PlainPbx()
    yield made
    made.close()


@pytest.fixture
async def phone(pbx: PlainPbx) -> AsyncIterator[Phone]:
    async with Phone("agent1", await pbx.open(), password="secret") as line:
        yield line


def request(
    method: str, *, call: str = "c1", cseq: int = 1, branch: str = "", to_tag: str = "", body: str = ""
) -> SipMessage:
    """What a PBX would send to the phone."""
    headers = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{branch or f'{call}-{cseq}'}"),
        ("From", "<sip:138@127.0.0.1>;tag=pbx"),
        ("To", "<sip:agent1@127.0.0.1>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", call),
        ("CSeq", f"{cseq} {method}"),
        ("Contact", "<sip:127.0.0.1:9>"),
    ]
    return SipMessage(f"{method} sip:agent1@127.0.0.1 SIP/2.0", headers, body)


OFFER = offer_sdp("127.0.0.1", 4000, 1)


async def answered(pbx: PlainPbx, phone: Phone) -> str:
    """A call that is talked on; returns the phone's tag."""
    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    await pbx.next_status(180)
    answer = await pbx.next_status(200)
    tag = tag_of(answer.header("To"))
    pbx.send(request("ACK", branch="ack", to_tag=tag), phone.socket.address)
    await phone.wait_talking()
    return tag


async def test_an_invite_that_comes_twice_rings_once(pbx: PlainPbx, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=None)

    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    tags = {tag_of((await pbx.next_status(180)).header("To")) for _ in range(2)}

    assert len(tags) == 1
    assert phone.counts.rung == 1


async def test_two_calls_in_one_moment_are_one_that_rings_and_one_that_finds_it_busy(
    pbx: PlainPbx, phone: Phone
) -> None:
    pbx.send(request("INVITE", call="c1", body=OFFER), phone.socket.address)
    pbx.send(request("INVITE", call="c2", body=OFFER), phone.socket.address)

    assert sorted([(await pbx.next()).status, (await pbx.next()).status]) == [180, 486]
    assert (phone.counts.rung, phone.counts.busy) == (1, 1)


async def test_an_answer_is_repeated_until_it_is_acknowledged(pbx: PlainPbx, phone: Phone) -> None:
    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    await pbx.next_status(180)
    first, second = await pbx.next_status(200), await pbx.next_status(200)
    unacknowledged = phone.counts
    tag = tag_of(first.header("To"))
    pbx.send(request("ACK", branch="ack", to_tag=tag), phone.socket.address)
    await phone.wait_talking()

    assert first == second
    assert (unacknowledged.answered, unacknowledged.talked) == (1, 0)
    assert (phone.counts.answered, phone.counts.talked) == (1, 1)


async def test_a_cancel_that_the_answer_has_crossed_ends_nothing(pbx: PlainPbx, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=0)

    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    await pbx.next_status(180)
    tag = tag_of((await pbx.next_status(200)).header("To"))
    pbx.send(request("CANCEL"), phone.socket.address)
    await pbx.next_status(200)
    pbx.send(request("ACK", branch="ack", to_tag=tag), phone.socket.address)

    call = await phone.wait_talking()
    assert (call.ending, phone.counts.cancelled) == (None, 0)


async def test_a_cancelled_call_is_refused_with_487(pbx: PlainPbx, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=None)

    pbx.send(request("INVITE", body=OFFER), phone.socket.address)
    await pbx.next_status(180)
    pbx.send(request("CANCEL"), phone.socket.address)
    answers = [await pbx.next_status(200), await pbx.next_status(487)]

    assert [answer.method for answer in answers] == ["CANCEL", "INVITE"]
    assert phone.counts.cancelled == 1


async def test_a_change_without_an_offer_is_given_one(pbx: PlainPbx, phone: Phone) -> None:
    tag = await answered(pbx, phone)

    pbx.send(request("INVITE", cseq=2, to_tag=tag), phone.socket.address)
    offer = read_sdp((await pbx.next_status(200)).body)
    answer = offer_sdp("127.0.0.1", 4002, 2, direction="inactive")
    pbx.send(request("ACK", cseq=2, branch="ack2", to_tag=tag, body=answer), phone.socket.address)
    call = await phone.wait_talking()
    await call.changes.until(lambda: call.is_held)

    assert offer is not None
    assert offer.is_open


async def test_an_update_puts_the_phone_on_hold(pbx: PlainPbx, phone: Phone) -> None:
    tag = await answered(pbx, phone)

    held = offer_sdp("127.0.0.1", 4000, 2, direction="sendonly")
    pbx.send(request("UPDATE", cseq=2, to_tag=tag, body=held), phone.socket.address)
    answer = read_sdp((await pbx.next_status(200)).body)

    assert answer is not None
    assert answer.direction == "recvonly"
    assert phone.call is not None
    assert phone.call.is_held


async def test_whoever_hangs_up_on_a_dead_pbx_has_lost_the_call(
    pbx: PlainPbx, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.phones.sip_calls.REQUEST_LIMIT_S", 1.0)
    await answered(pbx, phone)
    call = phone.call

    await phone.hang_up()

    assert call is not None
    assert call.ending is Ending.LOST
    assert [(await pbx.next()).method, (await pbx.next()).method] == ["BYE", "BYE"]


async def test_a_request_is_repeated_and_given_up(pbx: PlainPbx, phone: Phone) -> None:
    message = phone.build("OPTIONS", "sip:pbx", local="<sip:a>;tag=t", remote="<sip:b>", call_id="o", cseq=1)

    with pytest.raises(SipSilenceError, match=r"no answer within 0\.7 s to OPTIONS"):
        await phone.socket.request(message, phone.pbx, limit_s=0.7)

    assert await pbx.next() == await pbx.next()


def test_of_several_challenges_the_one_with_md5_is_answered() -> None:
    challenge = SipMessage(
        "SIP/2.0 401 Unauthorized",
        [
            ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'),
            ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth", opaque="o"'),
        ],
    )

    name, value = digest_answer(challenge, "REGISTER", "sip:h", "u", "p")

    assert name == "Authorization"
    assert all(part in value for part in ('username="u"', "algorithm=MD5", "qop=auth", 'opaque="o"'))


def challenge(asked: SipMessage, nonce: str, *, is_stale: bool) -> SipMessage:
    """What a PBX answers to a registration whose proof it lacks, or has and finds too old."""
    stale = ", stale=true" if is_stale else ""
    value = f'Digest realm="r", nonce="{nonce}", algorithm=MD5, qop="auth"{stale}'
    return reply(asked, 401, tag="pbx", headers={"WWW-Authenticate": value})


async def test_a_proof_whose_nonce_was_too_old_is_given_once_more(pbx: PlainPbx, phone: Phone) -> None:
    registering = asyncio.create_task(phone.register())

    numbers = []
    for nonce, is_stale in (("first", False), ("second", True)):
        asked = await pbx.next()
        numbers.append(asked.cseq)
        pbx.send(challenge(asked, nonce, is_stale=is_stale), phone.socket.address)
    proven = await pbx.next()
    pbx.send(reply(proven, 200, tag="pbx"), phone.socket.address)
    await registering

    assert [*numbers, proven.cseq] == [1, 2, 3]
    [proof] = proven.all_of("Authorization")
    assert 'nonce="second"' in proof


async def test_a_nonce_that_is_always_too_old_is_no_password(pbx: PlainPbx, phone: Phone) -> None:
    registering = asyncio.create_task(phone.register())

    for nonce, is_stale in (("first", False), ("second", True), ("third", True)):
        pbx.send(challenge(await pbx.next(), nonce, is_stale=is_stale), phone.socket.address)

    with pytest.raises(ConnectionRefusedError, match=r"agent1 may not register: SIP/2\.0 401"):
        await registering


async def test_a_wrong_password_is_not_tried_twice(pbx: PlainPbx, phone: Phone) -> None:
    registering = asyncio.create_task(phone.register())

    for nonce in ("first", "second"):
        pbx.send(challenge(await pbx.next(), nonce, is_stale=False), phone.socket.address)

    with pytest.raises(ConnectionRefusedError, match=r"agent1 may not register: SIP/2\.0 401"):
        await registering
