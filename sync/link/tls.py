"""A node's key and certificate as the link needs them, or plaintext where it was asked for."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sync.link.identity import Peer
from sync.link.refusals import TlsFilesError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Mutual TLS with a certificate of the cluster's CA."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    owner: Peer
    """Who this node is, from its own certificate."""

    not_after: datetime
    """When its certificate ends."""

    @classmethod
    def read(cls, ca: Path, certificate: Path, key: Path) -> Self:
        """Read the three files and see that they belong together.

        gRPC itself would only say, later, that it cannot listen or connect.

        Raises:
            OSError: one cannot be read.
            TlsFilesError: one is broken, or is not what `trunkline pki issue` makes.
        """
        ca_pem, certificate_pem, key_pem = ca.read_bytes(), certificate.read_bytes(), key.read_bytes()
        issuer, ours = _certificate(ca, ca_pem), _certificate(certificate, certificate_pem)
        _check_key(key, key_pem, ours)
        try:
            ours.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise TlsFilesError(certificate, f"was not signed by {ca}") from None
        return cls(
            ca_pem=ca_pem,
            certificate_pem=certificate_pem,
            key_pem=key_pem,
            owner=_owner(certificate, ours),
            not_after=ours.not_valid_after_utc,
        )

    def server_credentials(self, *, asks_clients: bool = True) -> grpc.ServerCredentials:
        """Credentials that ask every client for a certificate of the same CA, or none for any."""
        pair = (self.key_pem, self.certificate_pem)
        if not asks_clients:
            return grpc.ssl_server_credentials([pair])
        return grpc.ssl_server_credentials([pair], root_certificates=self.ca_pem, require_client_auth=True)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials that show our certificate and trust the cluster's CA alone."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.ca_pem, private_key=self.key_pem, certificate_chain=self.certificate_pem
        )


@dataclass(frozen=True, slots=True)
class Plaintext:
    """No TLS: everybody who reaches the port may say anything. For loopback, and when asked for."""


Security = Tls | Plaintext


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOnly:
    """A client without a certificate: it knows whom it talks to, and proves itself by other means."""

    ca_pem: bytes

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials that trust the cluster's CA alone and show nothing."""
        return grpc.ssl_channel_credentials(root_certificates=self.ca_pem)


def _certificate(file: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise TlsFilesError(file, "holds no certificate") from None


def _check_key(file: Path, pem: bytes, certificate: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise TlsFilesError(file, "holds no key that can be used without a password") from None
    if key.public_key() != certificate.public_key():
        raise TlsFilesError(file, "is not the key of the certificate beside it")


def _owner(file: Path, certificate: x509.Certificate) -> Peer:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise TlsFilesError(file, "carries no names") from None
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        if owner := Peer.from_uri(uri):
            return owner
    raise TlsFilesError(file, "does not say which site it is for")
