"""From a site's file and its agents to the plan of its Asterisk."""

from collections.abc import Iterable

from branch import parts
from branch.settings import BranchSettings
from branch.telephony.asterisk.config.plan import (
    Fallback,
    Line,
    PbxPlan,
    PeerTrunk,
    Places,
    SipTls,
)
from branch.telephony.asterisk.config.writing import phones_of
from branch.telephony.settings import AsteriskTelephonySection
from node.troubles import TroubleError
from node.words import text as _
from router.ids import AgentId, SiteId

LANGUAGES = ("en", "zh_CN")


class NotAsteriskError(TroubleError):
    """The site's file names another driver."""

    reason = "NOT_ASTERISK"


def make_plan(settings: BranchSettings, agents: Iterable[AgentId], places: Places) -> PbxPlan:
    """Raises:
    NotAsteriskError: [telephony] names another PBX.
    OSError: a password's file, or the phones' of an earlier time, cannot be read.
    """
    telephony = settings.telephony
    if not isinstance(telephony, AsteriskTelephonySection):
        raise NotAsteriskError(
            _('[telephony] driver is {driver!r}; set driver = "asterisk"', driver=telephony.driver)
        )
    ari_host, ari_port = parts.host_and_port(telephony.address)
    sip = telephony.sip
    return PbxPlan(
        site_id=SiteId(settings.site.id),
        host=sip.host,
        port=sip.port,
        tls_port=sip.tls.port if sip.tls is not None else 0,
        tls=None if sip.tls is None else SipTls(ca=sip.tls.ca, cert=sip.tls.cert, key=sip.tls.key),
        is_media_encrypted=sip.is_media_encrypted,
        rtp_first=sip.rtp_first,
        rtp_last=sip.rtp_last,
        ari_host=ari_host,
        ari_port=ari_port,
        ari_user=telephony.user,
        ari_password=telephony.password().get_secret_value(),
        shard_count=telephony.shard_count,
        phones=phones_of(places.config, agents),
        peers=_peers(settings),
        lines=[_line(telephony, number) for number in range(len(telephony.line))],
        emergency_numbers=telephony.emergency_numbers,
        fallback=Fallback(
            action=telephony.alone.action,
            number=telephony.alone.number,
            retry_s=telephony.alone.retry_s,
            limit_s=telephony.alone.limit_s,
        ),
        notes_callers=settings.recording.folder is not None,
        codes={code: act for act, code in telephony.codes.model_dump().items()},
        language=settings.site.language,
        languages=LANGUAGES,
        places=places,
    )


def _peers(settings: BranchSettings) -> list[PeerTrunk]:
    peers = []
    for peer in settings.overflow.peer:
        host, port = parts.host_and_port(peer.trunk)
        peers.append(PeerTrunk(site_id=SiteId(peer.site), host=host, port=port, leg_limit=peer.leg_limit))
    return peers


def _line(telephony: AsteriskTelephonySection, number: int) -> Line:
    line = telephony.line[number]
    host, port = parts.host_and_port(line.address)
    return Line(
        name=line.name,
        host=host,
        port=port,
        user=line.user,
        password=line.password(),
        number=line.shown_number,
        dtmf=line.dtmf,
    )
