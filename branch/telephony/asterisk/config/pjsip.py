"""pjsip.conf: transports, agents' phones, other sites' trunks, lines to the public network."""

from collections.abc import Iterator, Mapping

from branch.telephony.asterisk.config.plan import Line, PbxPlan, PeerTrunk, Phone
from branch.telephony.asterisk.names import LINE_PREFIX, TRUNK_OUT_ENDPOINT
from branch.telephony.driver.vocabulary import Variable

_QUALIFY_S = 10
_DEAD_PEER_S = 15
"""SIP says nothing of a PBX that died: a trunk on which no audio comes for so long is over."""
_CLEAR = "trunk-_clear"
"""No phone of any agent's, and no other site, has such a name."""
_TRANSFERS = "PJSIP_TRANSFER_HANDLING"
_CODECS = "opus,g722,alaw,ulaw,gsm"
_TIMER_T1_MS, _TIMER_B_MS = 100, 6_400
"""A PBX that does not answer an INVITE is given up after 6.4 s instead of SIP's 32 (RFC 3261 17.1.1.2:
timer B is 64 times T1); a reservation at another site does not last longer anyhow."""


def pjsip(plan: PbxPlan) -> str:
    return "\n".join("\n".join(each) for each in _sections(plan)) + "\n"


def _sections(plan: PbxPlan) -> Iterator[list[str]]:
    # Lines and other sites by their address; of all others, whoever speaks in the clear before the phones.
    yield _section(
        "global", type="global", user_agent="trunkline", endpoint_identifier_order="ip,header,username"
    )
    yield _section(
        "system", type="system", timer_t1=_TIMER_T1_MS, timer_b=_TIMER_B_MS, threadpool_max_size=50
    )
    yield _section("udp", type="transport", protocol="udp", bind=f"{plan.host}:{plan.port}")
    yield _section("tcp", type="transport", protocol="tcp", bind=f"{plan.host}:{plan.port}")
    if plan.tls is not None:
        yield _section("tls", **_tls_transport(plan))
    yield from _outgoing_trunk(plan)
    if plan.is_media_encrypted:
        yield from _in_the_clear()
    for peer in plan.peers:
        yield from _peer(plan, peer)
    for line in plan.lines:
        yield from _line(plan, line)
    asks_us = _leaves_transfers(plan)
    for phone in plan.phones:
        yield from _phone(plan, phone, asks_us=asks_us)


def _tls_transport(plan: PbxPlan) -> Mapping[str, object]:
    assert plan.tls is not None
    settings: dict[str, object] = {
        "type": "transport",
        "protocol": "tls",
        "bind": f"{plan.host}:{plan.tls_port}",
        "cert_file": plan.tls.cert,
        "priv_key_file": plan.tls.key,
        "method": "tlsv1_2",
    }
    if plan.tls.ca is not None:
        settings |= {"ca_list_file": plan.tls.ca, "verify_server": "yes"}
    return settings


def _media(plan: PbxPlan) -> dict[str, object]:
    return {
        "language": plan.language,
        "disallow": "all",
        "allow": _CODECS,
        "direct_media": "no",
        "media_address": plan.host,
        "bind_rtp_to_media_address": "yes",
        "rtp_symmetric": "yes",
        "force_rport": "yes",
        "rewrite_contact": "yes",
        # Asterisk would connect whom it was told to without a word to the branch: to a colleague whom
        # the branch rings at that moment, or, for a carrier, as one more caller.
        "allow_transfer": "no",
    }


def _encryption(plan: PbxPlan) -> dict[str, object]:
    """Of phones and other sites; a line's carrier takes no part in it, and would be refused by it."""
    return {"media_encryption": "sdes"} if plan.is_media_encrypted else {}


def _trunk_media(plan: PbxPlan) -> dict[str, object]:
    """A trunk tells who calls, and never tells its own connected line: it would re-INVITE for it."""
    return _media(plan) | {
        "trust_id_inbound": "yes",
        "send_pai": "yes",
        "send_connected_line": "no",
        "rtp_timeout": _DEAD_PEER_S,
    }


def _outgoing_trunk(plan: PbxPlan) -> Iterator[list[str]]:
    """One endpoint dials all sites, those found at run time too; whom it reached, the token proves."""
    yield _section(
        TRUNK_OUT_ENDPOINT, type="endpoint", context="nowhere", **_trunk_media(plan) | _encryption(plan)
    )


def _in_the_clear() -> Iterator[list[str]]:
    """A phone that came by UDP would bring and get the keys of its sound for everybody to read: 403, to its
    REGISTER and to its calls.
    """
    yield _section(_CLEAR, type="endpoint", context="nowhere", disallow="all", allow="alaw")
    yield _section(
        f"{_CLEAR}-via", type="identify", endpoint=_CLEAR, match_header=r"Via: /^SIP\/2\.0\/(UDP|TCP) /"
    )


def _peer(plan: PbxPlan, peer: PeerTrunk) -> Iterator[list[str]]:
    """Known by its address alone, which proves nothing: the one-time token does."""
    name = f"trunk-{peer.site_id}"
    settings = _trunk_media(plan) | _encryption(plan) | {"set_var": f"{Variable.PEER}={peer.site_id}"}
    yield _section(name, type="endpoint", context="from-site", **settings)
    yield _section(f"{name}-address", type="identify", endpoint=name, match=peer.host)


def _line(plan: PbxPlan, line: Line) -> Iterator[list[str]]:
    name = f"{LINE_PREFIX}{line.name}"
    settings = _trunk_media(plan) | {"aors": name, "dtmf_mode": line.dtmf}
    if line.number is not None:
        settings["from_user"] = line.number
    if line.user is not None:
        settings["outbound_auth"] = f"{name}-auth"
        yield _section(
            f"{name}-auth", type="auth", auth_type="userpass", username=line.user, password=line.password
        )
        yield _section(
            f"{name}-registration",
            type="registration",
            outbound_auth=f"{name}-auth",
            server_uri=f"sip:{line.host}:{line.port}",
            client_uri=f"sip:{line.user}@{line.host}:{line.port}",
            # What the carrier dials; Asterisk's own default, s, is no number.
            contact_user=line.number or line.user,
            retry_interval=30,
        )
    yield _section(name, type="endpoint", context="from-line", **settings)
    contact = f"sip:{line.host}:{line.port}"
    yield _section(name, type="aor", contact=contact, qualify_frequency=_QUALIFY_S)
    yield _section(f"{name}-address", type="identify", endpoint=name, match=line.host)


def _leaves_transfers(plan: PbxPlan) -> bool:
    """Whether this Asterisk (22.3 or newer) can leave a phone's transfer key to us."""
    module = plan.places.modules / "chan_pjsip.so"
    return module.exists() and _TRANSFERS.encode() in module.read_bytes()


def _phone(plan: PbxPlan, phone: Phone, *, asks_us: bool) -> Iterator[list[str]]:
    """One call at a time: a second ring finds it busy. With `asks_us` its transfer key asks the branch."""
    name = phone.endpoint
    settings = (
        _media(plan)
        | _encryption(plan)
        | {
            "auth": name,
            "aors": name,
            "device_state_busy_at": 1,
            "callerid": f'"{name}" <{name}>',
            "set_var": f"{Variable.AGENT}={phone.agent_id}",
        }
    )
    if asks_us:
        settings |= {"allow_transfer": "yes", "set_var": (settings["set_var"], f"{_TRANSFERS}()=ari-only")}
    yield _section(name, type="auth", auth_type="userpass", username=name, password=phone.password)
    yield _section(
        name,
        type="aor",
        max_contacts=1,
        remove_existing="yes",
        qualify_frequency=_QUALIFY_S,
        qualify_timeout=3,
    )
    yield _section(name, type="endpoint", context="from-phone", **settings)


def _section(name: str, **settings: object) -> list[str]:
    """A setting of many values stands there once for each."""
    lines = (
        f"{key} = {each}"
        for key, value in settings.items()
        for each in (value if isinstance(value, tuple) else (value,))
    )
    return [f"[{name}]", *lines, ""]
