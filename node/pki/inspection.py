"""Says what a certificate is: whose, from which cluster, for which hosts, until when."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from node.pki.names import PkiError
from node.words import text as _


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What `trunkline pki show` prints."""

    path: Path
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint_sha256: str

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.not_after - now).days


def show(path: Path) -> CertificateFacts:
    """Read a certificate file.

    Raises:
        PkiError: there is no certificate in it.
        OSError: it cannot be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise PkiError(_("{path} holds no certificate: {reason}", path=path, reason=error)) from None
    return CertificateFacts(
        path=path,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(str(name.value) for name in _names(certificate)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(":"),
    )


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | tuple[x509.GeneralName, ...]:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
