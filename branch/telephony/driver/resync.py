"""What happened while nobody listened: the PBX's lists against what we hold."""

from branch.telephony.driver.hearing import Hearing
from branch.telephony.driver.holdings import Holdings, talk_owner
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import BridgeKind, Cause, Do, Frame, Kind


def resync(
    holdings: Holdings,
    hearing: Hearing,
    unanswered: Unanswered,
    *,
    channels: list[Frame],
    bridges: list[Frame],
    phones: list[Frame],
) -> None:
    """Bring the holdings up to date and note the news; `channels` are those of the same run."""
    living = frozenset(shown["channel"] for shown in channels)
    for held in holdings:
        is_dialled = not held.is_undialled and not unanswered.is_unsent(held.channel_id)
        if is_dialled and held.channel_id not in living:
            # A caller who is gone has hung up; a phone that is gone has rung in vain.
            hearing.gone(held.channel_id, Cause.NO_ANSWER if held.kind is Kind.PHONE else Cause.NORMAL)
    unanswered.forget_originates(living)
    for shown in phones:
        hearing.phone_seen(shown)
    for shown in channels:
        hearing.seen(shown)
        hearing.hold_seen(shown)
    _note_talks(holdings, bridges)
    _end_talks(unanswered, bridges, living)
    _end_replaced(holdings, unanswered)
    _await_referred(holdings, unanswered)
    _note_playbacks(holdings, hearing, unanswered)


def _note_talks(holdings: Holdings, bridges: list[Frame]) -> None:
    talking = {
        channel_id
        for bridge in bridges
        if bridge["kind"] == BridgeKind.MIXING and len(bridge["channels"]) > 1
        for channel_id in bridge["channels"]
    }
    for held in holdings:
        held.is_joined = held.channel_id in talking


def _end_talks(unanswered: Unanswered, bridges: list[Frame], living: frozenset[str]) -> None:
    """Whoever served has hung up while nobody listened: what is left of the talk is no talk."""
    for bridge in bridges:
        owner = talk_owner(bridge["bridge"])
        if owner is not None and owner not in living:
            unanswered.ask(Do.DESTROY_BRIDGE, bridge=bridge["bridge"])


def _end_replaced(holdings: Holdings, unanswered: Unanswered) -> None:
    """A moved caller has come onto the place of a trunk leg that was not hung up any more."""
    for held in holdings:
        trunk = None if held.handoff_id is None else holdings.trunk(held.handoff_id)
        is_replaced = trunk is not None and trunk.is_moved and trunk is not held
        if held.kind is Kind.TRUNK_IN and is_replaced and not held.is_ending:
            held.is_ending = True
            unanswered.ask(Do.HANG_UP, held.channel_id, cause=int(Cause.NORMAL))


def _await_referred(holdings: Holdings, unanswered: Unanswered) -> None:
    """A carrier's answer may have been told to nobody: nobody is to wait for it unheard."""
    unanswered.forget_sent(Do.REFER)
    for held in holdings:
        if held.referred_for is not None:
            unanswered.ask(Do.AWAIT_REFERRED, held.channel_id)


def _note_playbacks(holdings: Holdings, hearing: Hearing, unanswered: Unanswered) -> None:
    """The end of what was played may have been told to nobody: nobody is to wait for it in silence."""
    for held in holdings:
        if held.playback_id is not None and not unanswered.is_waiting(held.channel_id, Do.PLAY):
            hearing.played({"channel": held.channel_id, "playback": held.playback_id})
        if held.messages and not unanswered.is_waiting(held.channel_id, Do.PLAY):
            for each in list(held.messages):
                hearing.played({"channel": held.channel_id, "playback": each, "is_failed": True})
