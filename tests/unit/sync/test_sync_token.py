import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ids import HandoffId, SiteId
from sync.token import (
    TOKEN_LIMIT_CHARS,
    ForeignTokenError,
    ForgedTokenError,
    MalformedTokenError,
    StaleTokenError,
    TokenError,
    TokenMint,
)

BEIJING, SHANGHAI, URUMQI = SiteId("beijing"), SiteId("shanghai"), SiteId("urumqi")
HANDOFF = HandoffId("0199c0de-0000-7000-8000-000000000001")
KEY = bytes(range(32))

MINT = TokenMint(SHANGHAI, 1_790_000_000_000, KEY)


def changed(token: str, place: int) -> str:
    other = "A" if token[place] != "A" else "B"
    return token[:place] + other + token[place + 1 :]


def test_a_token_names_the_handoff_it_was_minted_for() -> None:
    assert MINT.read(MINT.mint(HANDOFF, BEIJING), BEIJING) == HANDOFF


def test_a_token_of_the_longest_sites_fits_its_limit_and_a_url() -> None:
    long_site = SiteId("a" * 40)
    token = TokenMint(long_site, 2**64 - 1, KEY).mint(HANDOFF, long_site)

    assert len(token) < TOKEN_LIMIT_CHARS
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_token_of_another_key_is_forged() -> None:
    token = TokenMint(SHANGHAI, 1_790_000_000_000, bytes(32)).mint(HANDOFF, BEIJING)

    with pytest.raises(ForgedTokenError) as refused:
        MINT.read(token, BEIJING)

    assert refused.value.reason == "TOKEN_FORGED"


def test_a_token_for_another_helper_is_foreign() -> None:
    token = TokenMint(URUMQI, 1_790_000_000_000, KEY).mint(HANDOFF, BEIJING)

    with pytest.raises(ForeignTokenError, match="urumqi") as refused:
        MINT.read(token, BEIJING)

    assert refused.value.reason == "TOKEN_FOREIGN"


def test_a_token_that_another_site_shows_is_foreign() -> None:
    with pytest.raises(ForeignTokenError, match="beijing"):
        MINT.read(MINT.mint(HANDOFF, BEIJING), URUMQI)


def test_a_restart_voids_the_tokens_given_out_before() -> None:
    token = MINT.mint(HANDOFF, BEIJING)

    with pytest.raises(StaleTokenError, match="1790000000000") as refused:
        TokenMint(SHANGHAI, 1_790_000_000_001, bytes(reversed(KEY))).read(token, BEIJING)

    assert refused.value.reason == "TOKEN_STALE_INCARNATION"


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    token = MINT.mint(HANDOFF, BEIJING)
    place = data.draw(st.integers(0, len(token) - 1))

    with pytest.raises(TokenError):
        MINT.read(changed(token, place), BEIJING)


@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        MINT.read(text, BEIJING)


def test_a_shortened_or_padded_token_is_malformed() -> None:
    token = MINT.mint(HANDOFF, BEIJING)

    for other in ("", token[:-1], token[4:], token + "A", token + "=", token * 2):
        with pytest.raises(MalformedTokenError):
            MINT.read(other, BEIJING)


@pytest.mark.parametrize("sender", ["\ud800", "x" * 70_000, ""])
def test_a_sender_whose_name_no_site_has_is_refused_like_any_other(sender: str) -> None:
    with pytest.raises(ForeignTokenError):
        MINT.read(MINT.mint(HANDOFF, BEIJING), SiteId(sender))


@pytest.mark.parametrize("key", [b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_mints_nothing(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenMint(SHANGHAI, 1, key)


def test_a_site_too_long_for_a_token_is_named() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MINT.mint(HANDOFF, SiteId("a" * 41))
