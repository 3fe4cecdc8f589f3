from branch.desk.dispatch import Dispatch
from branch.peers.lines import PeerLines
from router.ids import HandoffId, SiteId
from router.orders import RejectTrunk
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.cards import cards_at
from tests.fakes.ordered_pbx import OrderedPbx


def nowhere(sent: object) -> None:
    raise AssertionError(f"{sent} is not for the PBX")


def test_a_refused_trunk_call_is_counted_by_the_floors_own_reason() -> None:
    refused: list[str] = []
    pbx = OrderedPbx()
    dispatch = Dispatch(
        driver=pbx,
        peers=PeerLines(
            site_id=SiteId("urumqi"), incarnation=1, lines=(), tell=nowhere, card_of=cards_at().card_of
        ),
        publish=nowhere,
        find_customer=nowhere,
        find_number=nowhere,
        note_refused_token=refused.append,
    )
    orders = [RejectTrunk(handoff_id=HandoffId(reason), reason=reason) for reason in TrunkRefusal]

    for order in orders:
        dispatch.carry_out(order)

    assert pbx.orders == orders
    assert refused == [reason.value for reason in TrunkRefusal]
