import pytest

from router.ids import SiteId
from router.kpi.erlang import Demand, service
from router.kpi.staffing import Target, UnreachableTargetError, interval_need, one_room, shared_out

A, B, C = SiteId("a"), SiteId("b"), SiteId("c")
TARGET = Target(share=0.85, within_s=20)


def demand(calls_per_hour: float, handle_s: float = 180, patience_s: float = 180) -> Demand:
    return Demand(
        calls_per_s=calls_per_hour / 3600, handle_s=handle_s, hang_ups_per_s=1 / patience_s, ring_s=2
    )


def test_one_room_adds_rates_and_weighs_means_by_calls() -> None:
    room = one_room([demand(300, handle_s=100), demand(100, handle_s=300), demand(0, handle_s=9_999)])

    assert room.calls_per_s == pytest.approx(400 / 3600)
    assert room.handle_s == pytest.approx(150)
    assert room.hang_ups_per_s == pytest.approx(1 / 180)


def test_alone_every_site_meets_the_target_and_one_room_meets_it_with_fewer() -> None:
    need = interval_need({A: demand(200), B: demand(100), C: demand(50)}, TARGET)

    for site in need.sites.values():
        assert site.service.within >= 0.85
        assert service(site.demand, site.alone - 1, 20).within < 0.85
    assert need.service.within >= 0.85
    assert service(need.demand, need.pooled - 1, 20).within < 0.85
    assert need.pooled < need.alone == sum(site.alone for site in need.sites.values())
    assert sum(site.pooled for site in need.sites.values()) == need.pooled


def test_a_quiet_site_needs_nobody_and_a_single_one_gains_nothing_from_itself() -> None:
    quiet = interval_need({A: demand(100), B: demand(0)}, TARGET)
    single = interval_need({A: demand(100)}, TARGET)
    silent = interval_need({A: demand(0), B: demand(0)}, TARGET)

    assert (quiet.sites[B].alone, quiet.sites[B].pooled) == (0, 0)
    assert single.alone == single.pooled == single.sites[A].pooled == quiet.sites[A].alone
    assert (silent.alone, silent.pooled) == (0, 0)


def test_parts_are_whole_add_up_and_go_to_the_largest_remainders() -> None:
    assert shared_out(10, {A: 1, B: 1, C: 1}) == {A: 4, B: 3, C: 3}
    assert shared_out(7, {A: 5.0, B: 1.4, C: 0.6}) == {A: 5, B: 1, C: 1}
    assert shared_out(3, {A: 0, B: 0}) == {A: 0, B: 0}


def test_a_target_beyond_reach_names_the_site() -> None:
    with pytest.raises(UnreachableTargetError) as caught:
        interval_need({A: demand(100), B: demand(100, patience_s=5)}, TARGET)

    assert caught.value.site_id == B
