"""The driver's part in a redirect without a PBX: who cannot be sent on, and what a lost connection leaves."""

from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame, Variable
from router.facts import CallerHungUp
from router.ids import CallId, SiteId
from router.orders import HoldInQueue, RedirectCaller
from tests.unit.branch.test_telephony_hearing import CALL, CALLER, SALES, Driven, caller

HERE, THERE = SiteId("beijing"), SiteId("urumqi")
WAY = "10.0.0.2:7001"
REDIRECT = RedirectCaller(call_id=CALL, from_site=HERE, site_id=THERE, token="t")
INVITE, OTHER_INVITE = "trunk-1", "trunk-2"
OWN_CALL = CallId("own-call")
GONE: Frame = {"event": Event.CHANNEL_GONE, "channel": CALLER, "cause": int(Cause.NORMAL)}


def origin(publics: dict[SiteId, str] | None = None, *, is_known: bool = True) -> Driven:
    """A caller rings."""
    driven = Driven({THERE: WAY} if is_known else {}, publics)
    driven.hear(caller())
    driven.sent.clear()
    return driven


def invite(channel_id: str = INVITE, **variables: str) -> Frame:
    return {
        "channel": channel_id,
        "kind": "trunk_in",
        "state": "RINGING",
        "is_started": True,
        "variables": variables,
        "facts": {"from": HERE, "token": "t"},
    }


def came(driven: Driven, channel_id: str = INVITE) -> None:
    driven.hear({"event": Event.CHANNEL_STARTED, **invite(channel_id)})


def causes(driven: Driven) -> list[int]:
    return [each["cause"] for each in driven.sent if each["do"] == Do.HANG_UP]


def test_a_caller_is_sent_on_once_and_the_end_is_no_news() -> None:
    driven = origin()

    driven.carrying.carry_out(REDIRECT)
    driven.carrying.carry_out(REDIRECT)

    [asked] = driven.sent
    assert (asked["do"], asked["endpoint"], asked["token"]) == (Do.REDIRECT, f"trunk/{WAY}", "t")
    assert driven.hear(GONE) == []


def test_the_carrier_is_told_where_the_public_network_reaches_the_other_site() -> None:
    driven = origin({THERE: "203.0.113.7:5060"})

    driven.carrying.carry_out(REDIRECT)

    assert driven.sent[0]["endpoint"] == "trunk/203.0.113.7:5060"


def test_a_caller_who_cannot_be_sent_on_hears_so() -> None:
    nowhere = origin(is_known=False)
    answered = origin()
    answered.carrying.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
    by_pbx = Driven({THERE: WAY})
    by_pbx.hear({**caller(), "state": "UP"})

    for driven in (nowhere, answered, by_pbx):
        driven.carrying.carry_out(REDIRECT)

        assert Do.REDIRECT not in driven.asked()
        assert causes(driven) == [Cause.UNAVAILABLE]
        assert driven.hear(GONE) == []


def test_a_caller_whom_the_pbx_does_not_send_on_hears_so() -> None:
    driven = origin()
    driven.carrying.carry_out(REDIRECT)

    asked = driven.unanswered.answered({"re": driven.sent[0]["id"], "code": 422})
    assert asked is not None
    assert asked.then is not None
    asked.then(False)

    assert causes(driven) == [Cause.UNAVAILABLE]


def test_a_caller_who_is_still_there_after_a_lost_connection_is_sent_on_again() -> None:
    driven = origin()
    driven.carrying.carry_out(REDIRECT)

    shown = {**caller(), "variables": {Variable.CALL: CALL}}

    assert driven.come_back(shown) == [Do.SET, Do.REDIRECT]


def test_an_invite_is_one_call_and_the_next_one_is_turned_away() -> None:
    driven = Driven()
    came(driven)
    came(driven, OTHER_INVITE)

    accepted = [driven.carrying.accept_redirected(each, OWN_CALL) for each in (INVITE, INVITE, OTHER_INVITE)]

    assert accepted == [True, True, False]
    assert driven.asked() == [Do.SET, Do.HANG_UP]
    assert causes(driven) == [Cause.REJECTED]
    assert driven.holdings.inventory(is_same_run=True).callers == {OWN_CALL}


def test_an_invite_that_is_gone_when_it_is_accepted_is_a_caller_who_hung_up() -> None:
    driven = Driven()
    came(driven)
    driven.hear({**GONE, "channel": INVITE})

    assert driven.carrying.accept_redirected(INVITE, OWN_CALL)

    assert driven.hear() == [CallerHungUp(call_id=OWN_CALL)]


def test_a_restart_finds_a_caller_where_another_sites_invite_has_a_call() -> None:
    driven = Driven()

    driven.come_back(invite(**{Variable.CALL: OWN_CALL, Variable.TAKEN: "yes"}))

    inventory = driven.holdings.inventory(is_same_run=True)
    assert inventory.callers == {OWN_CALL}
    assert inventory.trunks == {}
    assert driven.hear({**GONE, "channel": INVITE}) == [CallerHungUp(call_id=OWN_CALL)]
