"""Sends each order that leaves the outbox to who carries it out."""

from collections.abc import Callable

import structlog

from branch.peers.lines import PeerLines
from branch.telephony.port import TelephonyDriver
from router.orders import Ask, FindCustomer, FindNumber, Order, PublishLoad, RejectTrunk
from router.overflow.load import SiteLoad

log = structlog.get_logger()


class Dispatch:
    """The PBX, the peers, the load board and who knows customers and numbers, as one carrier of orders."""

    def __init__(
        self,
        *,
        driver: TelephonyDriver,
        peers: PeerLines,
        publish: Callable[[SiteLoad], None],
        find_customer: Callable[[FindCustomer], None],
        find_number: Callable[[FindNumber], None],
        note_refused_token: Callable[[str], None],
    ) -> None:
        self._driver = driver
        self._peers = peers
        self._publish = publish
        self._find_customer = find_customer
        self._find_number = find_number
        self._note_refused_token = note_refused_token

    def carry_out(self, order: Order) -> None:
        if isinstance(order, PublishLoad):
            self._publish(order.load)
        elif isinstance(order, Ask):
            self._peers.carry_out(order)
        elif isinstance(order, FindCustomer):
            self._find_customer(order)
        elif isinstance(order, FindNumber):
            self._find_number(order)
        else:
            if isinstance(order, RejectTrunk):
                self._note_refused_token(order.reason)
                log.warning("trunk_refused", handoff=order.handoff_id, reason=order.reason)
            self._driver.carry_out(order)
