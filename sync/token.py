"""Hand-off tokens: what a helper gives out and its trunk asks for again.

A token binds one hand-off to its origin, its helper and the helper's incarnation. The key
lives as long as the incarnation, so a restart voids every token given out before. How long
a token is good, and that it is good once, is the helper's own bookkeeping.
"""

import base64
import hashlib
import hmac
import struct
import uuid
from typing import Final

from router.errors import RouterError
from router.ids import HandoffId, SiteId

KEY_BYTES: Final = 32
TOKEN_LIMIT_CHARS: Final = 200
"""It travels in a SIP header and as part of a dial string."""

_VERSION = 1
_HEAD = struct.Struct("!B16sQBB")
"""Version, hand-off, helper's incarnation, lengths of the origin's and the helper's id."""
_SITE_LIMIT_BYTES = 40
_MAC_BYTES = 32
_UUID_BYTES = 16


class TokenError(RouterError):
    """A token that this helper does not take; nothing changed."""

    reason = "TOKEN_REFUSED"


class MalformedTokenError(TokenError):
    """Not a token at all, or one of another version."""

    reason = "TOKEN_MALFORMED"

    def __init__(self) -> None:
        super().__init__("this is no hand-off token of a version known here")


class ForgedTokenError(TokenError):
    """The signature is not this helper's."""

    reason = "TOKEN_FORGED"

    def __init__(self) -> None:
        super().__init__("the token's signature is wrong: it was changed, or made by somebody else")


class ForeignTokenError(TokenError):
    """Made for another helper, or shown by another site than it was given to."""

    reason = "TOKEN_FOREIGN"

    def __init__(self, site_id: SiteId) -> None:
        super().__init__(f"the token is for site {site_id!r}")
        self.site_id = site_id


class StaleTokenError(TokenError):
    """Made before this helper started; ask for what became of the hand-off."""

    reason = "TOKEN_STALE_INCARNATION"

    def __init__(self, incarnation: int) -> None:
        super().__init__(f"the token is of incarnation {incarnation}, which has ended; ask with GetHandoff")
        self.incarnation = incarnation


class TokenMint:
    """Makes and reads the tokens of one helper's incarnation."""

    def __init__(self, site_id: SiteId, incarnation: int, key: bytes) -> None:
        """`key` are KEY_BYTES random bytes, drawn anew for each incarnation and kept nowhere.

        Raises:
            ValueError: the key has another length, or an id does not fit a token.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a token key needs {KEY_BYTES} bytes, not {len(key)}")
        if not 0 <= incarnation < 2**64:
            raise ValueError(f"incarnation {incarnation} does not fit a token")
        self._site = _site_bytes(site_id)
        self._incarnation = incarnation
        # RFC 7693 section 2.9. HMAC-SHA256 says no more and takes OpenSSL several times as long,
        # while a caller waits for the agent. What the key alone makes of it is computed once.
        self._keyed = hashlib.blake2b(digest_size=_MAC_BYTES, key=key)

    def mint(self, handoff_id: HandoffId, origin: SiteId) -> str:
        """The token of `handoff_id` for `origin`: URL-safe, under TOKEN_LIMIT_CHARS.

        Raises:
            ValueError: the hand-off's id is no UUID, or the origin's does not fit a token.
        """
        from_site = _site_bytes(origin)
        identity = _uuid_bytes(handoff_id)
        head = _HEAD.pack(_VERSION, identity, self._incarnation, len(from_site), len(self._site))
        body = head + from_site + self._site
        token = _encoded(body + self._mac(body))
        assert len(token) < TOKEN_LIMIT_CHARS
        return token

    def read(self, token: str, from_site: SiteId) -> HandoffId:
        """The hand-off that `from_site` shows a token for.

        Raises:
            TokenError: it is none of ours for that site; its class and reason say why.
        """
        raw = _decoded(token)
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        _, identity, incarnation, origin_bytes, helper_bytes = _HEAD.unpack_from(body)
        sites = body[_HEAD.size :]
        if len(sites) != origin_bytes + helper_bytes:
            raise MalformedTokenError
        origin, helper = sites[:origin_bytes], sites[origin_bytes:]
        # What another key has signed cannot be verified here; these two say whose key it was.
        if helper != self._site:
            raise ForeignTokenError(_site_text(helper))
        if incarnation != self._incarnation:
            raise StaleTokenError(incarnation)
        if not hmac.compare_digest(mac, self._mac(body)):
            raise ForgedTokenError
        if _site_text(origin) != from_site:
            raise ForeignTokenError(_site_text(origin))
        return HandoffId(str(uuid.UUID(bytes=identity)))

    def _mac(self, body: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(body)
        return mac.digest()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(token: str) -> bytes:
    if len(token) >= TOKEN_LIMIT_CHARS:
        raise MalformedTokenError
    try:
        plain = token.encode("ascii")
        raw = base64.b64decode(plain + b"=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise MalformedTokenError from None
    # One token, one spelling: base64 itself would take others for the same bytes.
    if len(raw) < _HEAD.size + _MAC_BYTES or raw[0] != _VERSION or _encoded(raw) != token:
        raise MalformedTokenError
    return raw


def _uuid_bytes(handoff_id: HandoffId) -> bytes:
    # A quarter of what uuid.UUID takes, and every reservation makes a token.
    raw = bytes.fromhex(handoff_id.replace("-", ""))
    if len(raw) != _UUID_BYTES:
        raise ValueError(f"hand-off {handoff_id!r} is no UUID")
    return raw


def _site_bytes(site_id: SiteId) -> bytes:
    raw = site_id.encode()
    if not 0 < len(raw) <= _SITE_LIMIT_BYTES:
        raise ValueError(f"site id {site_id!r} does not fit a token: 1 to {_SITE_LIMIT_BYTES} bytes")
    return raw


def _site_text(raw: bytes) -> SiteId:
    return SiteId(raw.decode("utf-8", "replace"))
