"""The cluster's certificate authority, and a certificate for each site, for HQ and for each operator.

A certificate says who its owner is in two names: a URI, `trunkline://CLUSTER/site/NAME`,
which servers compare with every site a message names, and a DNS name that clients verify
whatever address they dialled (`SITE.site.CLUSTER.trunkline.internal`).
"""

from node.pki.authority import CA_DAYS, CERTIFICATE_DAYS, Issued, init_ca, issue
from node.pki.ending import CertificateEndedError, certificate_warnings, watch_certificates
from node.pki.inspection import CertificateFacts, show
from node.pki.names import Kind, PkiError

__all__ = [
    "CA_DAYS",
    "CERTIFICATE_DAYS",
    "CertificateEndedError",
    "CertificateFacts",
    "Issued",
    "Kind",
    "PkiError",
    "certificate_warnings",
    "init_ca",
    "issue",
    "show",
    "watch_certificates",
]
