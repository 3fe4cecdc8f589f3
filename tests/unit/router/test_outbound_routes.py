"""Least cost: longest prefix, then the cheapest, then the site's own line."""

import pytest

from router.errors import InvalidPolicyError, NoLineError, NotAllowedError
from router.ids import LineId, SiteId
from router.outbound.policy import OutboundPolicy, Route
from router.outbound.routes import Routes, Way

HOME, PEER, THIRD = SiteId("home"), SiteId("peer"), SiteId("third")
LINE = LineId("line-1")


def routes(*listed: Route, **more: object) -> Routes:
    return Routes(HOME, OutboundPolicy(routes=listed, lines={LINE: 1}, **more))  # type: ignore[arg-type]  # kept short


def route(prefix: str, site: SiteId, cost: float = 0.0, *guests: SiteId) -> Route:
    return Route(prefix=prefix, site_id=site, line_id=LINE, cost=cost, guests=frozenset(guests))


def test_the_longest_prefix_wins_over_the_cheapest() -> None:
    chosen = routes(route("+86", HOME, 0.0), route("+8610", PEER, 9.0)).choose("+861012345678")

    assert chosen == Way(site_id=PEER, line_id=LINE)


def test_among_equal_prefixes_the_cheapest_wins_and_the_own_line_among_equal_costs() -> None:
    dear, cheap = route("+86", HOME, 0.2), route("+86", PEER, 0.1)

    assert routes(dear, cheap).choose("+8621").site_id == PEER
    assert routes(cheap, route("+86", HOME, 0.1)).choose("+8621").site_id == HOME


def test_callers_are_called_back_over_own_lines_only() -> None:
    listed = routes(route("+86", HOME, 9.0), route("+8610", PEER))

    assert listed.choose_own("+861012345678").site_id == HOME


def test_nothing_is_allowed_without_a_route() -> None:
    with pytest.raises(NotAllowedError):
        routes().choose("+861012345678")


def test_a_barred_prefix_is_barred_for_everybody() -> None:
    listed = routes(route("+86", HOME, 0.0, PEER), barred=("+86900",))

    for choose in (listed.choose, listed.choose_own, lambda number: listed.choose_for(PEER, number)):
        with pytest.raises(NotAllowedError):
            choose("+869001234")


def test_a_guest_is_one_that_a_route_names() -> None:
    listed = routes(route("+86", HOME, 0.0, PEER))

    assert listed.choose_for(PEER, "+8610").site_id == HOME
    with pytest.raises(NotAllowedError):
        listed.choose_for(THIRD, "+8610")


def test_a_refusal_does_not_tell_the_whole_number() -> None:
    with pytest.raises(NotAllowedError, match=r"\+861") as refused:
        routes().choose("+861012345678")

    assert "012345678" not in str(refused.value)


def test_an_emergency_without_a_line_says_what_to_set() -> None:
    listed = Routes(HOME, OutboundPolicy(emergency_numbers=frozenset({"110"})))

    with pytest.raises(NoLineError, match="emergency_line"):
        listed.choose("110")


@pytest.mark.parametrize(
    "policy",
    [
        {"routes": (route("86", HOME),)},
        {"routes": (route("+86", HOME, -1.0),)},
        {"routes": (route("+86", HOME, float("nan")),)},
        {"emergency_line": LineId("nowhere")},
        {"answer_limit_ms": 0},
    ],
)
def test_a_policy_that_could_not_be_carried_out_is_refused(policy: dict[str, object]) -> None:
    with pytest.raises(InvalidPolicyError):
        OutboundPolicy(**policy)  # type: ignore[arg-type]  # wrong on purpose
