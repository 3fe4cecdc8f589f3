"""A world's control link is cut and mended: what waited is heard in order, and silence is told in time."""

import pytest

from router import facts, orders
from router.facts import Fact
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, SiteId
from router.orders import Order
from router.world.control_link import SILENT_AFTER_MS, ControlLink, Hearing
from router.world.loop import Loop

RANG = facts.LegRang(leg_id=LegId("leg"))
HANG_UP = orders.HangUpLeg(leg_id=LegId("leg"), agent_id=AgentId("beijing/1"))
SILENT, HEARD = facts.PbxSilent(), facts.PbxHeard()
CALLERS = "callers"


class Ends:
    """Both ends of the link, and what each of them was told."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.is_up = True
        self.told: list[Fact | Order | str] = []
        self.link = ControlLink(self, self.loop)
        self.link.connect(self)

    def tell(self, fact: Fact) -> None:
        self.told.append(fact)

    def accept_token(self, token: str, from_site: SiteId) -> HandoffId | None:
        return HandoffId(token)

    def promised(self, token: str, from_site: SiteId) -> tuple[HandoffId, CallId] | None:
        return None

    def hear_callers(self) -> None:
        self.told.append(CALLERS)

    def carry_out(self, order: Order) -> None:
        self.told.append(order)


@pytest.fixture
def ends() -> Ends:
    return Ends()


def test_what_waited_is_heard_when_it_is_mended_and_nothing_else_was(ends: Ends) -> None:
    ends.link.cut()
    ends.link.tell(RANG)
    ends.link.carry_out(HANG_UP)
    before = list(ends.told)

    ends.link.mend()

    assert before == []
    assert ends.told == [HANG_UP, RANG, CALLERS, HEARD]
    assert ends.link.hearing is Hearing.HEARD


def test_a_cut_that_lasts_is_told_as_silence_and_a_short_one_is_not(ends: Ends) -> None:
    ends.link.cut()
    ends.loop.run(Instant(SILENT_AFTER_MS - 1))
    ends.link.mend()
    ends.loop.run(Instant(2 * SILENT_AFTER_MS))
    short = list(ends.told)

    ends.link.cut()
    ends.loop.run(Instant(3 * SILENT_AFTER_MS))

    assert short == [CALLERS, HEARD]
    assert ends.told == [*short, SILENT]


def test_no_trunk_is_let_in_by_a_node_that_hears_nothing(ends: Ends) -> None:
    ends.link.cut()

    assert ends.link.accept_token("h", SiteId("urumqi")) is None


def test_what_waited_for_a_process_that_died_is_gone(ends: Ends) -> None:
    ends.link.cut()
    ends.link.carry_out(HANG_UP)
    ends.link.renew()

    ends.link.mend()
    ends.link.process_started(is_pbx_up=True)

    assert ends.told == [HEARD]
