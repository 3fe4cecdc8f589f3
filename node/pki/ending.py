"""Says in time that a node's certificate ends, and its CA's: after that no node talks with it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from node.pki.inspection import CertificateFacts, show
from node.settings import TlsSettings
from node.troubles import TroubleError
from node.words import plural
from node.words import text as _

WARNING_DAYS = 30
"""Long enough to have a new one issued and the node restarted at a quiet hour."""

_LOOK_INTERVAL_S = 24 * 3_600.0

log = structlog.get_logger()


class CertificateEndedError(TroubleError):
    """Nobody takes this certificate any more."""

    reason = "CERTIFICATE_ENDED"

    def __init__(self, facts: CertificateFacts) -> None:
        super().__init__(
            _(
                "{path}: the certificate ended on {date}; issue a new one with `trunkline pki issue`, "
                "and restart the node",
                path=facts.path,
                date=facts.not_after.date(),
            )
        )


def certificate_warnings(files: TlsSettings, utc_us: int) -> list[str]:
    """What to tell whoever checks a node's file; empty with plaintext, and while there is time.

    `utc_us` is the real time, in a lab too.

    Raises:
        CertificateEndedError: a certificate has ended.
        PkiError, OSError: one cannot be read.
    """
    warnings = []
    for facts in _certificates(files):
        left = facts.days_left(_moment(utc_us))
        if left < 0:
            raise CertificateEndedError(facts)
        if left < WARNING_DAYS:
            warnings.append(
                plural(
                    "{path}: the certificate ends in {count} day",
                    "{path}: the certificate ends in {count} days",
                    left,
                    path=facts.path,
                )
            )
    return warnings


async def watch_certificates(files: TlsSettings, utc_us: Callable[[], int]) -> None:
    """Log at the start and daily what ends soon or has ended; runs until cancelled.

    The files are read once: a node uses those of its start.
    """
    certificates = _certificates(files)
    while True:
        now = _moment(utc_us())
        for facts in certificates:
            left, until = facts.days_left(now), facts.not_after.isoformat()
            if left < 0:
                log.error("certificate_ended", file=str(facts.path), ended=until)
            elif left < WARNING_DAYS:
                log.warning("certificate_ends_soon", file=str(facts.path), ends=until, days_left=left)
        await asyncio.sleep(_LOOK_INTERVAL_S)


def _certificates(files: TlsSettings) -> list[CertificateFacts]:
    given: tuple[Path | None, ...] = (files.ca, files.cert)
    return [show(each) for each in given if each is not None]


def _moment(utc_us: int) -> datetime:
    return datetime.fromtimestamp(utc_us // 1_000_000, UTC)
