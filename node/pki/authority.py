"""Makes the cluster's CA and the certificates it signs; never writes over a key or a certificate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.pki.names import Kind, PkiError, check_slug, file_stem, host_name, owner_uri, server_name
from node.words import text as _

CA_DAYS = 3650
CERTIFICATE_DAYS = 397
"""Thirteen months: what is renewed each year is renewed by people who know how."""

_BACKDATED = timedelta(hours=1)
"""A node whose clock is behind the CA's has to be able to use its certificate at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The files of a new key and certificate, and when it ends."""

    certificate: Path
    key: Path
    not_after: datetime


def init_ca(folder: Path, cluster: str, *, now: datetime, days: int = CA_DAYS) -> Issued:
    """Make the cluster's CA as `ca.pem` and `ca.key` in `folder`, which is made if need be.

    Raises:
        PkiError: the name is not usable, or there is a CA already; nothing changed.
        OSError: the folder cannot be written.
    """
    check_slug(_("cluster"), cluster)
    _check_days(days)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, cluster),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Trunkline CA of {cluster}"),
        ]
    )
    certificate = (
        _builder(name, name, key.public_key(), now, now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _write(folder / "ca", key, certificate)


def issue(
    folder: Path, kind: Kind, name: str, hosts: Sequence[str], *, now: datetime, days: int = CERTIFICATE_DAYS
) -> Issued:
    """Sign a certificate with the CA in `folder`; key and certificate are written beside it.

    `hosts` are what others than our own nodes dial (our nodes verify the owner's name): DNS
    names and IP addresses. It never outlives the CA.

    Raises:
        PkiError: no CA there, a name that is not usable, or files that exist; nothing changed.
        OSError: the folder cannot be read or written.
    """
    check_slug(kind, name)
    _check_days(days)
    ca_key, ca = _read_ca(folder)
    cluster = cluster_of(ca)
    not_after = min(now + timedelta(days=days), ca.not_valid_after_utc)
    if not_after <= now:
        raise PkiError(
            _("the CA in {folder} ended on {date}; make a new one", folder=folder, date=not_after.date())
        )
    key = ec.generate_private_key(ec.SECP256R1())
    names = [
        x509.UniformResourceIdentifier(owner_uri(cluster, kind, name)),
        x509.DNSName(server_name(cluster, kind, name)),
        *(host_name(host) for host in hosts),
    ]
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, cluster),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{kind} {name}"),
        ]
    )
    certificate = (
        _builder(subject, ca.subject, key.public_key(), now, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    return _write(folder / file_stem(kind, name), key, certificate)


def cluster_of(certificate: x509.Certificate) -> str:
    """The cluster whose CA made it.

    Raises:
        PkiError: it was not made by `trunkline pki`.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not names:
        raise PkiError(_("this certificate names no cluster; it was not made by `trunkline pki`"))
    return str(names[0].value)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(not_after)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _check_days(days: int) -> None:
    if days < 1:
        raise PkiError(_("a certificate has to be valid for at least a day, not {days}", days=days))


def _read_ca(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    if not (folder / "ca.key").is_file() or not (folder / "ca.pem").is_file():
        raise PkiError(_("there is no CA in {folder}; make one with `trunkline pki init`", folder=folder))
    try:
        key = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    except (ValueError, TypeError) as error:
        raise PkiError(
            _("the CA in {folder} cannot be read: {reason}", folder=folder, reason=error)
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise PkiError(_("ca.key and ca.pem in {folder} do not belong together", folder=folder))
    return key, certificate


def _write(stem: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Issued:
    # Names have no dot in them, so with_suffix only ever adds one.
    certificate_file, key_file = stem.with_suffix(".pem"), stem.with_suffix(".key")
    for file in (certificate_file, key_file):
        if file.exists():
            raise PkiError(_("{file} exists and is not written over; move it away first", file=file))
    _write_new(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    _write_new(certificate_file, certificate.public_bytes(Encoding.PEM), mode=0o644)
    return Issued(certificate=certificate_file, key=key_file, not_after=certificate.not_valid_after_utc)


def _write_new(file: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)
