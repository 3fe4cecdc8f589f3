"""Messages at a phone: played one after the other, told as heard once they were, then it is put down."""

from typing import Any

import pytest

from branch.telephony.driver.carrying import Carrying
from branch.telephony.driver.hearing import Hearing
from branch.telephony.driver.holdings import Holdings
from branch.telephony.driver.prompts import Prompts
from branch.telephony.driver.resync import resync
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame
from branch.telephony.port import PhoneRequest
from router.call import Language
from router.ids import AgentId, CallId
from tests.fakes.telephony import TelephonyEar

PHONE, KIM = "code-1", AgentId("a/1")
M1, M2 = CallId("m1"), CallId("m2")


class Listening:
    """An agent who has dialled the code."""

    def __init__(self, code: str = "messages") -> None:
        self.sent: list[Frame] = []
        holdings, unanswered = self.holdings, self.unanswered = Holdings(), Unanswered()
        unanswered.connect(self.sent.append)
        talks, prompts = Talks(unanswered), Prompts(holdings, unanswered)
        self.ear = TelephonyEar()
        self.hearing = Hearing(holdings, unanswered, talks, prompts, lambda: "id")
        self.hearing.tell_to(self.ear)
        self.carrying = Carrying(holdings, unanswered, talks, self.hearing.note, {}, {}, prompts)
        self.hear(
            {
                "event": Event.CHANNEL_STARTED,
                "channel": PHONE,
                "kind": "code",
                "state": "UP",
                "is_started": True,
                "facts": {"code": code, "agent": KIM, "digits": "138"},
                "variables": {},
            }
        )

    def hear(self, frame: Frame) -> None:
        self.hearing.heard(frame)
        self.hearing.flush()

    def play(self, *call_ids: CallId) -> list[Any]:
        self.carrying.play_messages(KIM, call_ids, Language.ENGLISH)
        return [frame["playback"] for frame in self.sent if frame["do"] == Do.PLAY]

    def played(self, playback: str, *, is_failed: bool = False) -> None:
        self.hear({"event": Event.PLAYED, "channel": PHONE, "playback": playback, "is_failed": is_failed})

    def resync(self) -> None:
        """The link was away, and is back."""
        channel = {
            "channel": PHONE,
            "kind": "code",
            "state": "UP",
            "is_started": True,
            "facts": {},
            "variables": {},
        }
        resync(self.holdings, self.hearing, self.unanswered, channels=[channel], bridges=[], phones=[])
        self.hearing.flush()

    @property
    def is_put_down(self) -> bool:
        return any(frame["do"] == Do.HANG_UP and frame["channel"] == PHONE for frame in self.sent)


@pytest.fixture
def listening() -> Listening:
    return Listening()


def test_the_phone_stays_on_until_the_last_message_was_heard(listening: Listening) -> None:
    assert listening.ear.requests == [(KIM, PhoneRequest.MESSAGES, "138")]
    first, second = listening.play(M1, M2)

    listening.played(first)
    assert not listening.is_put_down
    listening.played(second)

    assert listening.ear.heard == [(KIM, M1), (KIM, M2)]
    assert listening.is_put_down


def test_a_message_whose_file_is_gone_counts_as_not_heard(listening: Listening) -> None:
    [only] = listening.play(M1)

    listening.played(only, is_failed=True)

    assert listening.ear.heard == []
    assert listening.ear.unplayable == [M1]
    assert listening.is_put_down


def test_of_no_messages_the_agent_is_told_so(listening: Listening) -> None:
    [told] = listening.play()
    [frame] = [each for each in listening.sent if each["do"] == Do.PLAY]

    listening.played(told)

    assert (frame["media"], frame["language"]) == (["prompt:no-messages"], "en")
    assert listening.ear.heard == []
    assert listening.is_put_down


def test_an_agent_who_hangs_up_has_heard_no_more(listening: Listening) -> None:
    first, second = listening.play(M1, M2)
    listening.played(first)

    listening.hear({"event": Event.CHANNEL_GONE, "channel": PHONE, "cause": int(Cause.NORMAL)})
    listening.played(second)

    assert listening.ear.heard == [(KIM, M1)]
    assert listening.play(M1) == [first, second], "nobody listens any more"


def test_a_phone_that_has_forwarded_itself_is_put_down_when_that_is_so() -> None:
    phone = Listening("forward")
    assert phone.ear.requests == [(KIM, PhoneRequest.FORWARD, "138")]
    assert not phone.is_put_down

    phone.carrying.confirm(KIM, is_done=True)

    assert phone.is_put_down


def test_a_number_that_is_refused_is_answered_by_a_tone() -> None:
    phone = Listening("forward")

    phone.carrying.confirm(KIM, is_done=False)
    [frame] = [each for each in phone.sent if each["do"] == Do.PLAY]
    assert not phone.is_put_down
    phone.played(frame["playback"])

    assert frame["media"] == ["sound:beeperr"]
    assert phone.is_put_down


def test_a_phone_that_picks_a_call_up_is_free_for_it_at_once() -> None:
    assert Listening("pickup").is_put_down


def test_what_a_phone_hears_has_a_name_of_its_own() -> None:
    """Two may hear the same at once, and a PBX knows a playback by its name."""
    assert all(PHONE in playback for playback in Listening().play(M1))
    assert all(PHONE in playback for playback in Listening().play())


def test_a_phone_that_listened_while_the_link_was_away_is_put_down() -> None:
    listening = Listening()
    listening.play(M1, M2)
    for frame in [each for each in listening.sent if each["do"] == Do.PLAY]:
        listening.unanswered.answered({"re": frame["id"]})
    listening.resync()

    assert listening.ear.heard == []
    assert listening.is_put_down
