"""One part each from its section of the settings; what needs other parts is wired in branch.wiring."""

import hashlib

from branch.ivr.reading import FlowRead, read_flow
from branch.settings import BranchSettings
from branch.store.health import HealthPolicy
from node.settings import ClockSection, EtcdSection
from node.troubles import TroubleError
from node.words import text as _
from router.ids import QueueId
from sync.clock import Clock, ScaledClock, SystemClock
from sync.link.tls import Plaintext, Security, Tls
from sync.loadboard.etcd.settings import EtcdSettings, EtcdTls


class ForeignCertificateError(TroubleError):
    """The certificate in the file is another node's."""

    reason = "CERTIFICATE_OF_ANOTHER"

    def __init__(self, site_id: str, owner: str) -> None:
        super().__init__(
            _(
                "[tls] cert is of {owner}, [site] id is {site}; "
                "make one with `trunkline pki issue site {site}`",
                owner=owner,
                site=site_id,
            )
        )


class CannotStartError(TroubleError):
    """Something that the file names is not there, or is not what it has to be."""

    reason = "CANNOT_START"


def clock(section: ClockSection) -> Clock:
    if section.started_at_utc_us is None or section.epoch_utc_us is None:
        return SystemClock()
    return ScaledClock(section.speed, section.started_at_utc_us, section.epoch_utc_us)


def security(settings: BranchSettings) -> Security:
    """The site's own certificate, or plaintext where the file asks for it.

    Raises:
        ForeignCertificateError: it is another node's.
        TlsFilesError: a file is broken.
        OSError: one cannot be read.
    """
    files = settings.tls
    if files.ca is None or files.cert is None or files.key is None:
        return Plaintext()
    tls = Tls.read(files.ca, files.cert, files.key)
    if (tls.owner.kind, tls.owner.name) != ("site", settings.site.id):
        raise ForeignCertificateError(settings.site.id, str(tls.owner))
    return tls


def etcd(section: EtcdSection) -> EtcdSettings:
    """Raises:
    OSError: the password's file cannot be read.
    """
    password = section.password()
    tls = section.tls
    return EtcdSettings(
        endpoints=section.endpoints,
        prefix=section.prefix,
        lease_ttl_s=section.lease_ttl_s,
        digest_above=section.digest_above,
        tls=None if tls is None else EtcdTls(ca_file=tls.ca, cert_file=tls.cert, key_file=tls.key),
        user=section.user,
        password=None if password is None else password.get_secret_value(),
    )


def flow(settings: BranchSettings) -> FlowRead | None:
    """The site's IVR flow; None without one.

    Raises:
        SettingsError: its file has faults.
    """
    return None if settings.ivr is None else read_flow(settings.ivr.flow, own_queues(settings))


def own_queues(settings: BranchSettings) -> tuple[QueueId, ...]:
    """Those of the file: what its flow may name, whatever the database says of them by now."""
    return tuple(QueueId(each.id) for each in settings.queue)


def health_policy(settings: BranchSettings) -> HealthPolicy:
    return HealthPolicy(row_limit=settings.limits.unwritten_row_limit)


def config_digest(settings: BranchSettings) -> str:
    """Of everything but secrets, which show as stars."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()


def host_and_port(address: str) -> tuple[str, int]:
    """Of `host:port` as the settings have checked it."""
    host, _colon, port = address.rpartition(":")
    return host.strip("[]"), int(port)
