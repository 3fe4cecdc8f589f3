"""Who a certificate may speak for, and how it is named inside of the certificate and on disk."""

import re
from ipaddress import ip_address
from typing import Literal

from cryptography import x509

from node.troubles import TroubleError
from node.words import text as _
from router.id_rules import SITE

Kind = Literal["site", "hq", "operator", "service"]
"""`service` is a server of the cluster's own that speaks no part of ours: etcd, PostgreSQL."""

_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


class PkiError(TroubleError):
    """A key or certificate cannot be made or read; says what to do about it."""

    reason = "PKI_REFUSED"


def check_slug(what: str, slug: str) -> None:
    """A cluster's or an owner's name has to fit a URI, a DNS label and a file name.

    Raises:
        PkiError: it does not.
    """
    if not SITE.fullmatch(slug):
        raise PkiError(
            _(
                "{what} {name!r} is not usable: 1 to 40 lower-case letters, digits and inner hyphens",
                what=what,
                name=slug,
            )
        )


def owner_path(kind: Kind, name: str) -> str:
    """`site/beijing`; the HQ is one in a cluster and has no name of its own."""
    return "hq" if kind == "hq" else f"{kind}/{name}"


def file_stem(kind: Kind, name: str) -> str:
    """`site-beijing`, for the .pem and .key files of a certificate."""
    return owner_path(kind, name).replace("/", "-")


def owner_uri(cluster: str, kind: Kind, name: str) -> str:
    """The name that servers read: `trunkline://CLUSTER/site/NAME`."""
    return f"trunkline://{cluster}/{owner_path(kind, name)}"


def server_name(cluster: str, kind: Kind, name: str) -> str:
    """The name that clients verify: `NAME.site.CLUSTER.trunkline.internal`."""
    labels = reversed(owner_path(kind, name).split("/"))
    return f"{'.'.join(labels)}.{cluster}.trunkline.internal"


def host_name(host: str) -> x509.GeneralName:
    """An address or a DNS name as a certificate holds it.

    Raises:
        PkiError: it is neither.
    """
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host):
            raise PkiError(_("{host!r} is neither an IP address nor a host name", host=host)) from None
        return x509.DNSName(host)
