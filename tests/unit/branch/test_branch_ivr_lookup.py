"""Whose number a caller has entered, and what a site's wall clock shows."""

from datetime import datetime
from zoneinfo import ZoneInfo

from branch.ivr.local_time import local_time
from branch.ivr.lookup import CustomerLookup
from router.facts import CustomerFound, CustomerNotFound, Fact
from router.ids import CallId, CustomerId, Instant
from router.orders import FindCustomer
from sync.clock import ManualClock

C1, ACME = CallId("c1"), CustomerId("4711")


class Book:
    def customer_of(self, number: str) -> CustomerId | None:
        return ACME if number == "+861065529988" else None

    def class_of(self, customer_id: CustomerId) -> str | None:
        return "VIP" if customer_id == ACME else None


def told(digits: str, country: str | None = "CN") -> Fact:
    facts: list[Fact] = []
    CustomerLookup(Book(), country, facts.append).find(FindCustomer(call_id=C1, digits=digits))
    [fact] = facts
    return fact


def test_a_customers_id_and_its_telephone_number_both_name_it() -> None:
    for digits in ("4711", "01065529988"):
        assert told(digits) == CustomerFound(
            call_id=C1, digits=digits, customer_id=ACME, customer_class="VIP"
        )


def test_a_number_of_nobody_is_told_as_that() -> None:
    for digits in ("4712", "01065529989", "0"):
        assert told(digits) == CustomerNotFound(call_id=C1, digits=digits)
    assert told("01065529988", country=None) == CustomerNotFound(call_id=C1, digits="01065529988")


def test_the_wall_clock_is_the_sites_own_and_follows_its_steps() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    clock = ManualClock(mono_ms=5_000, utc_us=1_767_571_200_000_000)  # midnight UTC of 5 January 2026
    at = local_time(clock, "Asia/Shanghai")

    assert at(Instant(5_000)) == datetime(2026, 1, 5, 8, 0, tzinfo=shanghai)
    assert at(Instant(5_000)).hour == 8
    clock.step_utc(3_600_000_000)
    assert at(Instant(65_000)) == datetime(2026, 1, 5, 9, 1, tzinfo=shanghai)
