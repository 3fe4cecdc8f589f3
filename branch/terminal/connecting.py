"""How a desk finds its branch: by the site's file on its own machine, or by address and the CA."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509

from branch import parts
from branch.admin.running import own_address
from branch.settings import BranchSettings
from node.pki.authority import cluster_of
from node.settings import load
from node.troubles import TroubleError
from node.words import text as _
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.tls import Plaintext, Security, Tls, TrustOnly

PLAINTEXT = "plaintext"


class NoWayError(TroubleError):
    """What was given does not say where the branch is, or how to trust it."""

    reason = "DESK_WAY_UNCLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where the branch is, and what we show it."""

    site_file: Path | None = None
    address: str | None = None
    """host:port."""
    at: str | None = None
    """The site that has to answer there; None trusts a certificate for the host."""
    trust: Sequence[Path] = ()
    """The CA's certificate, then ours and its key where the branch asks for one. Empty: plaintext."""

    def open(self) -> grpc.aio.Channel:
        """Raises:
        NoWayError, SettingsError, TlsFilesError, OSError: it cannot be used.
        """
        if self.site_file is not None and self.address is None:
            return _by_file(self.site_file)
        if self.address is not None and self.site_file is None:
            return self._by_address(self.address)
        raise NoWayError(_("give --site FILE, or --address HOST:PORT"))

    def _by_address(self, address: str) -> grpc.aio.Channel:
        host, colon, port = address.rpartition(":")
        if not (host and colon and port.isdecimal()):
            raise NoWayError(_("{address!r} is no address; write host:port", address=address))
        security = self._security()
        expected = None
        if self.at is not None and not isinstance(security, Plaintext):
            expected = Peer(cluster=_cluster(security), kind="site", name=self.at)
        return open_channel(host.strip("[]"), int(port), security, expected=expected)

    def _security(self) -> Security | TrustOnly:
        match self.trust:
            case []:
                return Plaintext()
            case [ca]:
                return TrustOnly(ca_pem=ca.read_bytes())
            case [ca, certificate, key]:
                return Tls.read(ca, certificate, key)
            case _files:
                raise NoWayError(_("--trust takes CA.pem, or CA.pem:CERT.pem:KEY.pem"))


def way_of(site_file: Path | None, address: str | None, at: str | None, trust: str | None) -> Way:
    """The way that a command's options describe; an address wins over a file of the environment.

    Raises:
        NoWayError: an address without a word about whom to trust.
    """
    if address is None:
        return Way(site_file=site_file)
    if trust is None:
        raise NoWayError(_("--address needs --trust CA.pem, or --trust plaintext on loopback"))
    files = () if trust == PLAINTEXT else [Path(each) for each in trust.split(":")]
    return Way(address=address, at=at, trust=files)


def _by_file(file: Path) -> grpc.aio.Channel:
    settings = load(BranchSettings, file, os.environ)
    security = parts.security(settings)
    host, port = own_address(settings)
    cluster = security.owner.cluster if isinstance(security, Tls) else ""
    expected = Peer(cluster=cluster, kind="site", name=settings.site.id)
    return open_channel(host, port, security, expected=expected)


def _cluster(security: Tls | TrustOnly) -> str:
    return cluster_of(x509.load_pem_x509_certificate(security.ca_pem))
