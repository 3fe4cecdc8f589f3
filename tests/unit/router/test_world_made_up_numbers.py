import phonenumbers
import pytest

from branch.customers.numbers import e164
from router.ids import CustomerId
from router.world.day.callers import BusyHour
from router.world.day.made_up_numbers import COUNT, made_up_number


def test_every_customer_of_a_made_up_day_has_a_number_of_its_own() -> None:
    customers = [CustomerId(f"c{number:05d}") for number in range(BusyHour().customer_count)]

    assert len({made_up_number(each) for each in customers}) == len(customers) <= COUNT


@pytest.mark.parametrize("customer", ["c00000", "c04999", "c-17", "王小明", "crm:9999999999999", "x"])
def test_a_made_up_number_can_be_dialled_and_is_set_aside_for_fiction(customer: str) -> None:
    number = made_up_number(CustomerId(customer))
    parsed = phonenumbers.parse(number)

    assert e164(number, None) == number
    assert parsed.country_code == 1
    assert 5550100 <= int(str(parsed.national_number)[3:]) <= 5550199
    assert made_up_number(CustomerId(customer)) == number


def test_who_is_named_by_a_number_has_it() -> None:
    assert made_up_number(CustomerId("+8613800138000")) == "+8613800138000"
