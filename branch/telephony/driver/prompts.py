"""What a caller is told: a flow's prompts, and the place in the queue, as media of the PBX.

A medium is `prompt:NAME`, `sound:NAME`, `number:3`, `digits:12` or `silence:1`; which recording that is in
which language, the PBX knows.
"""

from collections.abc import Sequence

from branch.telephony.driver.announcing import announcement
from branch.telephony.driver.holdings import Held, Holdings
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Do, Variable
from router.call import Language
from router.ids import CallId, LegId, PlaybackId
from router.orders import Announce, PlayPrompts, StopPrompts

RECORDING_NOTICE = "recording-notice"
"""The prompt that tells a caller that the talk is recorded."""

FORWARDED_CALL = "forwarded-call"
"""The prompt that asks whoever answers outside to press the key."""

NO_MESSAGES = "no-messages"
"""The prompt for an agent who asks for messages where there are none."""

REFUSED = "beeperr"
"""A sound that every Asterisk has, and no language."""

TAKING_KEY = "1"

_MESSAGE = "message."
_ASKED_TIMES = 20
"""Longer than any place may ring: the desk ends it in time."""


class Prompts:
    """Carries out the orders about what callers hear."""

    def __init__(self, holdings: Holdings, unanswered: Unanswered) -> None:
        self._holdings = holdings
        self._unanswered = unanswered

    def play(self, order: PlayPrompts) -> None:
        caller = self._holdings.caller(order.call_id)
        if caller is not None:
            take(caller, self._unanswered)
            media = [f"prompt:{name}" for name in order.prompts]
            self._say(caller, order.playback_id, media, order.language)

    def stop(self, order: StopPrompts) -> None:
        caller = self._holdings.caller(order.call_id)
        if caller is not None and caller.playback_id == order.playback_id:
            self.hush(caller)

    def announce(self, order: Announce) -> None:
        caller = self._holdings.caller(order.call_id)
        media = announcement(order.position, order.expected_wait_s)
        if caller is not None and media:
            self._say(caller, order.playback_id, media, order.language)

    def tell_of_recording(self, caller: Held, leg_id: LegId, language: Language) -> None:
        """Played to its end before the caller is joined: nothing hushes it."""
        self.hush(caller)
        self._unanswered.ask(
            Do.PLAY,
            caller.channel_id,
            playback=f"notice.{leg_id}",
            media=[f"prompt:{RECORDING_NOTICE}"],
            language=str(language),
        )

    def ask_for_key(self, leg: Held) -> None:
        """Whoever has answered outside is asked, over and over, whether it takes the call."""
        if leg.language is None:
            return  # Left of an earlier process: the desk ends it.
        media = [f"prompt:{FORWARDED_CALL}", "silence:2"] * _ASKED_TIMES
        self._say(leg, PlaybackId(f"key.{leg.leg_id}"), media, leg.language)

    def taken_by_key(self, leg: Held) -> None:
        """It takes it. Hushed first: a PBX writes nothing on a channel while that is played to."""
        self.hush(leg)
        leg.is_taken = True
        self._unanswered.ask(Do.SET, leg.channel_id, name=Variable.TAKEN, value="yes")

    def play_messages(self, phone: Held, call_ids: Sequence[CallId], language: Language) -> None:
        """One after the other; `message_of` tells which one has come to its end."""
        phone.messages = [_playback_of(each, phone) for each in call_ids] or [_own(NO_MESSAGES, phone)]
        for playback_id, call_id in zip(phone.messages, call_ids, strict=False):
            media = ["sound:beep", f"recording:{call_id}"]
            self._play(phone, playback_id, media, language)
        if not call_ids:
            self._play(phone, phone.messages[0], [f"prompt:{NO_MESSAGES}"], language)

    def refuse(self, phone: Held) -> None:
        """What was asked for by a code cannot be."""
        phone.messages = [_own(REFUSED, phone)]
        self._play(phone, phone.messages[0], [f"sound:{REFUSED}"], Language.ENGLISH)

    def hush(self, held: Held) -> None:
        """Whatever it hears stops; we have asked for its end, so its end is no news."""
        if held.playback_id is not None:
            self._unanswered.ask(Do.STOP_PLAYING, held.channel_id, playback=held.playback_id)
            held.playback_id = None

    def _say(self, held: Held, playback_id: PlaybackId, media: Sequence[str], language: Language) -> None:
        held.playback_id = playback_id
        self._play(held, playback_id, media, language)

    def _play(self, held: Held, playback_id: PlaybackId, media: Sequence[str], language: Language) -> None:
        self._unanswered.ask(
            Do.PLAY, held.channel_id, playback=playback_id, media=list(media), language=str(language)
        )


def message_of(playback_id: str) -> CallId | None:
    """The caller whose message a playback is; None for anything else that is played."""
    name, _, _phone = playback_id.removeprefix(_MESSAGE).partition("@")
    return CallId(name) if playback_id.startswith(_MESSAGE) else None


def _playback_of(call_id: CallId, phone: Held) -> PlaybackId:
    return _own(f"{_MESSAGE}{call_id}", phone)


def _own(name: str, phone: Held) -> PlaybackId:
    """Two phones may hear the same at once, and a PBX knows a playback by its name."""
    return PlaybackId(f"{name}@{phone.channel_id}")


def take(caller: Held, unanswered: Unanswered) -> None:
    """Answer the caller, once: the ledger knows the call."""
    if not caller.is_taken:
        caller.is_taken = True
        unanswered.ask(Do.ANSWER, caller.channel_id)
        unanswered.ask(Do.SET, caller.channel_id, name=Variable.TAKEN, value="yes")
