"""asterisk.conf, modules.conf and the other files that do not depend on who calls whom."""

import hashlib

from branch.telephony.asterisk.config.plan import PbxPlan
from branch.telephony.asterisk.names import DIALPLAN_VARIABLES
from branch.telephony.driver.vocabulary import Variable

WEBSOCKET_WRITE_LIMIT_MS = 2_000
"""A branch that reads nothing for so long is cut off, so that Asterisk does not wait for it."""

# fmt: off
_MODULES = (
    "app_dial", "app_directed_pickup", "app_echo", "app_exec", "app_playback", "app_read", "app_record",
    "app_softhangup", "app_stack", "app_stasis", "app_system", "app_verbose", "app_while", "app_mixmonitor",
    "bridge_builtin_features", "bridge_holding", "bridge_native_rtp", "bridge_simple", "bridge_softmix",
    "chan_bridge_media", "chan_pjsip", "codec_a_mu", "codec_alaw", "codec_g722", "codec_gsm",
    "codec_opus_open_source", "codec_resample", "codec_ulaw", "format_g722", "format_gsm", "format_pcm",
    "format_sln", "format_wav", "func_callerid", "func_channel", "func_dialplan", "func_env", "func_global",
    "func_groupcount", "func_hangupcause", "func_logic", "func_math", "func_pjsip_aor",
    "func_pjsip_contact", "func_pjsip_endpoint", "func_rand", "func_strings", "func_timeout", "pbx_config",
    "res_ari", "res_ari_applications", "res_ari_asterisk", "res_ari_bridges", "res_ari_channels",
    "res_ari_endpoints", "res_ari_events", "res_ari_model", "res_ari_playbacks", "res_ari_recordings",
    "res_ari_sounds", "res_clioriginate", "res_crypto", "res_fax", "res_fax_spandsp",
    "res_format_attr_g729", "res_format_attr_opus", "res_http_websocket", "res_musiconhold",
    "res_pjproject", "res_pjsip", "res_pjsip_acl", "res_pjsip_authenticator_digest", "res_pjsip_caller_id",
    "res_pjsip_dlg_options", "res_pjsip_dtmf_info", "res_pjsip_empty_info",
    "res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_user",
    "res_pjsip_header_funcs", "res_pjsip_logger", "res_pjsip_mwi", "res_pjsip_mwi_body_generator",
    "res_pjsip_nat", "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration", "res_pjsip_path", "res_pjsip_pubsub", "res_pjsip_refer",
    "res_pjsip_registrar", "res_pjsip_rfc3326", "res_pjsip_sdp_rtp", "res_pjsip_session", "res_pjsip_t38",
    "res_pjsip_transport_websocket", "res_rtp_asterisk", "res_rtp_multicast", "res_sorcery_astdb",
    "res_sorcery_config", "res_sorcery_memory", "res_srtp", "res_stasis", "res_stasis_answer",
    "res_stasis_device_state", "res_stasis_playback", "res_stasis_recording", "res_stasis_snoop",
    "res_timing_timerfd", "res_security_log", "res_websocket_client",
)
"""What a site needs and no more: autoload starts five times as much. Some of them look useless
and are not: without res_pjsip_pubsub and res_rtp_multicast others do not load, without
chan_bridge_media music on a bridge answers 500."""


_UNHEARD = (
    "ast_channel_varset_type", "ast_channel_dial_type", "ast_channel_entered_bridge_type",
    "ast_channel_left_bridge_type", "ast_channel_dtmf_begin_type", "ast_channel_moh_start_type",
    "ast_channel_moh_stop_type", "ast_channel_hangup_handler_type", "ast_rtp_rtcp_sent_type",
    "ast_rtp_rtcp_received_type",
)
# fmt: on
"""Messages within Asterisk that nobody under a branch listens to: some 40 a call. An application's event
filter spares only their way to it: each was made into JSON with all that is known of its channel."""


def asterisk(plan: PbxPlan) -> str:
    places = plan.places
    return f"""\
[directories]
astetcdir => {places.config}
astmoddir => {places.modules}
astvarlibdir => {places.state}/lib
astdbdir => {places.state}/lib
astkeydir => {places.state}/lib
astdatadir => {places.config}/data
astagidir => {places.state}/lib
astspooldir => {places.state}/spool
astrundir => {places.state}/run
astlogdir => {places.state}/log

[options]
systemname = trunkline-{plan.site_id}
entityid = {_entity_id(plan)}
documentation_language = en_US
hideconnect = yes
lightbackground = no
; the dialplan writes files, and nobody else may
live_dangerously = no
"""


def _entity_id(plan: PbxPlan) -> str:
    """Instances on one host would all take its MAC address: their device states would mix."""
    digest = hashlib.blake2b(plan.site_id.encode(), digest_size=6).digest()
    return digest.hex(":")


def modules(plan: PbxPlan) -> str:
    present = [name for name in _MODULES if (plan.places.modules / f"{name}.so").exists()]
    lines = "\n".join(f"load = {name}.so" for name in present or _MODULES)
    return f"[modules]\nautoload = no\n{lines}\n"


def http(plan: PbxPlan) -> str:
    return f"""\
[general]
enabled = yes
bindaddr = {plan.ari_host}
bindport = {plan.ari_port}
sessionlimit = 1000
session_inactivity = 30000
session_keep_alive = 15000
"""


def ari(plan: PbxPlan) -> str:
    names = ",".join([*DIALPLAN_VARIABLES, *Variable])
    return f"""\
[general]
enabled = yes
pretty = no
websocket_write_timeout = {WEBSOCKET_WRITE_LIMIT_MS}
channelvars = {names}

[{plan.ari_user}]
type = user
read_only = no
password_format = plain
password = {plan.ari_password}
"""


def rtp(plan: PbxPlan) -> str:
    return f"[general]\nrtpstart = {plan.rtp_first}\nrtpend = {plan.rtp_last}\nstrictrtp = yes\n"


def logger(_plan: PbxPlan) -> str:
    """No caller's number on the disk: what is below a warning names channels and numbers."""
    return """\
[general]
dateformat = %F %T.%3q
[logfiles]
messages.log => warning,error
security.log => security
"""


def musiconhold(_plan: PbxPlan) -> str:
    return "[default]\nmode = files\ndirectory = moh\nsort = random\n"


def stasis(_plan: PbxPlan) -> str:
    declined = "".join(f"decline = {name}\n" for name in _UNHEARD)
    return (
        "[threadpool]\ninitial_size = 4\nidle_timeout_sec = 20\nmax_size = 50\n"
        f"[declined_message_types]\n{declined}"
    )


def manager(_plan: PbxPlan) -> str:
    """AMI is off: nobody uses it, and it costs at every event."""
    return "[general]\nenabled = no\nwebenabled = no\n"


def cdr(_plan: PbxPlan) -> str:
    """The ledger is the one account of calls."""
    return "[general]\nenable = no\n"


def features(_plan: PbxPlan) -> str:
    return "[general]\n[featuremap]\n[applicationmap]\n"


def empty(_plan: PbxPlan) -> str:
    """A file that Asterisk misses loudly and that has nothing to say."""
    return "[general]\n"


def nothing(_plan: PbxPlan) -> str:
    """The same for a file that knows no [general]."""
    return "; nothing is set here\n"


def indications(_plan: PbxPlan) -> str:
    """The tones of China's network (YD/T 5007); a PBX without any complains at every call."""
    return """\
[general]
country = cn
[cn]
description = China
ringcadence = 1000,4000
dial = 450
busy = 450/350,0/350
ring = 450/1000,0/4000
congestion = 450/700,0/700
"""
