"""Passwords: how they are kept (argon2id by a library), and whether one is right.

Both cost tens of milliseconds and 64 MiB on purpose (RFC 9106, second recommended option,
the library's default): callers run them in a thread, a few at a time.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from branch.people.refusals import WeakPasswordError

LEAST_CHARS = 8
"""NIST SP 800-63B section 5.1.1: eight at least, and no rules about kinds of characters."""
MOST_CHARS = 200

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """What may be kept of a password.

    Raises:
        WeakPasswordError: it is too short or too long.
    """
    if not LEAST_CHARS <= len(password) <= MOST_CHARS:
        raise WeakPasswordError(f"it has {len(password)} characters, {LEAST_CHARS} to {MOST_CHARS} are taken")
    return _hasher.hash(password)


def is_right(secret_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; as slow for None, which no password fits."""
    try:
        _hasher.verify(_hash_of_nobody() if secret_hash is None else secret_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return secret_hash is not None


@cache
def _hash_of_nobody() -> str:
    """Looked at when a name is unknown, so that an answer takes as long as for a known one."""
    return _hasher.hash("nobody has this password")
