"""A node's key and certificate as the link needs them, or plaintext where it was asked for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import grpc
from cryptography import x509

from sync.link.identity import Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Mutual TLS with a certificate of the cluster's CA."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    owner: Peer
    """Who this node is, from its own certificate."""

    @classmethod
    def read(cls, ca: Path, certificate: Path, key: Path) -> Self:
        """Read the three files.

        Raises:
            OSError: one cannot be read.
            ValueError: the certificate is none, or is not one of `trunkline pki issue`.
        """
        certificate_pem = certificate.read_bytes()
        return cls(
            ca_pem=ca.read_bytes(),
            certificate_pem=certificate_pem,
            key_pem=key.read_bytes(),
            owner=_owner(certificate, certificate_pem),
        )

    def server_credentials(self) -> grpc.ServerCredentials:
        """Credentials that ask every client for a certificate of the same CA."""
        pair = (self.key_pem, self.certificate_pem)
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


def _owner(file: Path, pem: bytes) -> Peer:
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError(f"{file} carries no names; issue one with `trunkline pki issue`") from None
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        if owner := Peer.from_uri(uri):
            return owner
    raise ValueError(f"{file} does not say whose it is; issue one with `trunkline pki issue`")
