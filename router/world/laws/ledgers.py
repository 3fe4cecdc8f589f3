"""All laws over ledgers, for whoever has the rows: world, lab, telephony tests, chaos tests."""

from collections.abc import Iterable

from router.ledger import LedgerRow
from router.world.laws.callbacks import CallbacksEndOnce, CallbacksNeverExceedIdleAgents
from router.world.laws.hops_are_limited import HopsAreLimited
from router.world.laws.idle_agents import NoCallerWaitsBesideAnIdleAgent
from router.world.laws.law import InSystem, LawBook, LawResult
from router.world.laws.no_call_is_lost import NoCallIsLost
from router.world.laws.one_open_offer import OneOpenOffer
from router.world.laws.one_owner import OneOwner
from router.world.laws.one_reservation import OneReservation
from router.world.laws.one_terminal_disposition import OneTerminalDisposition
from router.world.laws.overflow_balances import OverflowBalances
from router.world.laws.redirects_arrive_once import RedirectsArriveOnce
from router.world.laws.seniority_is_kept import SeniorityIsKept


def ledger_laws() -> LawBook:
    """A fresh set, to be fed row by row."""
    return LawBook(
        (
            NoCallIsLost(),
            OneOwner(),
            OneOpenOffer(),
            OneReservation(),
            OneTerminalDisposition(),
            OverflowBalances(),
            RedirectsArriveOnce(),
            NoCallerWaitsBesideAnIdleAgent(),
            SeniorityIsKept(),
            HopsAreLimited(),
            CallbacksNeverExceedIdleAgents(),
            CallbacksEndOnce(),
        )
    )


def check_ledgers(rows: Iterable[LedgerRow], alive: InSystem | None = None) -> list[LawResult]:
    """Every law over rows of all sites: in the order of seq within a site, in any order between sites."""
    book = ledger_laws()
    for row in rows:
        book.see(row)
    return book.results(alive or InSystem())
