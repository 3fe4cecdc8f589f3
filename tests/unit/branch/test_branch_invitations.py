"""Whom tokens let in: of this run anybody who was given one, of an earlier one who was promised a place."""

import pytest

from branch.desk.invitations import Invitations
from router.ids import CallId, HandoffId, SiteId
from router.overflow.taking_in import token_hash
from sync.token import KEY_BYTES, StaleTokenError, TokenMint

BEIJING, URUMQI, LHASA = SiteId("beijing"), SiteId("urumqi"), SiteId("lhasa")
HANDOFF = HandoffId("0190a0a0-0000-7000-8000-000000000001")
EARLIER = TokenMint(URUMQI, 4, b"4" * KEY_BYTES)
NOW = TokenMint(URUMQI, 5, b"5" * KEY_BYTES)


class OnePromise:
    """To a caller of beijing's, by a token of an earlier run."""

    def __init__(self) -> None:
        self.hash = token_hash(EARLIER.mint(HANDOFF, BEIJING))

    def promised(self, token_hash: str, site_id: SiteId) -> HandoffId | None:
        return HANDOFF if (token_hash, site_id) == (self.hash, BEIJING) else None

    def promised_call(self, handoff_id: HandoffId, site_id: SiteId) -> CallId | None:
        return CallId("own") if (handoff_id, site_id) == (HANDOFF, BEIJING) else None


@pytest.fixture
def invitations() -> Invitations:
    return Invitations(NOW, OnePromise(), {HANDOFF: "+861065529988"}.get)


def test_a_token_of_this_run_lets_in(invitations: Invitations) -> None:
    assert invitations.read(NOW.mint(HANDOFF, BEIJING), BEIJING) == HANDOFF


def test_a_token_of_an_earlier_run_lets_in_whom_it_has_promised_a_place(invitations: Invitations) -> None:
    assert invitations.read(EARLIER.mint(HANDOFF, BEIJING), BEIJING) == HANDOFF
    assert invitations.call_of(HANDOFF, BEIJING) == "own"
    assert invitations.number_of(HANDOFF) == "+861065529988"


@pytest.mark.parametrize(
    ("token", "site_id"),
    [
        (EARLIER.mint(HandoffId("0190a0a0-0000-7000-8000-000000000002"), BEIJING), BEIJING),
        (EARLIER.mint(HANDOFF, BEIJING), LHASA),
        (TokenMint(URUMQI, 4, b"x" * KEY_BYTES).mint(HANDOFF, BEIJING), BEIJING),
    ],
    ids=["another hand-off", "another site", "another key"],
)
def test_no_other_token_of_an_earlier_run_does(invitations: Invitations, token: str, site_id: SiteId) -> None:
    with pytest.raises(StaleTokenError):
        invitations.read(token, site_id)
