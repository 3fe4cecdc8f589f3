"""What a branch's file may say of its PBX."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from node.settings import ExistingFile, PasswordFile, Section, password_in
from node.settings.sections import Port
from node.settings.values import HostPort, refuse_twins
from node.words import text as _


class _PbxSection(Section):
    """What a PBX of any kind is reached with."""

    address: HostPort
    """Of its control port: the simulated PBX's own, Asterisk's HTTP server."""
    password_file: PasswordFile

    def password(self) -> SecretStr:
        """Raises:
        OSError: its file cannot be read any more.
        """
        return password_in(self.password_file)


class SimulatedTelephonySection(_PbxSection):
    """The simulated PBX, a process of its own."""

    driver: Literal["simulated"]


class SipTlsSection(Section):
    """TLS of the SIP transport; phones may come by it, and other sites too."""

    cert: ExistingFile
    key: ExistingFile
    ca: ExistingFile | None = None
    """Whose certificate another site's PBX must show when it is called; absent: any will do."""
    port: Port = 5061


class SipSection(Section):
    """Where the site's Asterisk takes calls."""

    host: str = "127.0.0.1"
    """What phones and trunks reach has to be opened on purpose."""
    port: Port = 5060
    rtp_first: Port = 10_000
    rtp_last: Port = 20_000
    is_media_encrypted: bool = False
    """SRTP with phones and other sites, whose keys are in the SDP: other sites are called by TLS then, and
    their `trunk` names the port of it, and phones that do not come by TLS are refused. Lines are not
    encrypted."""
    tls: SipTlsSection | None = None

    @model_validator(mode="after")
    def _has_ports_and_keys(self) -> Self:
        if self.rtp_last - self.rtp_first < 3:
            raise ValueError(_("rtp_first to rtp_last must hold a call's ports: at least 4"))
        if self.is_media_encrypted and self.tls is None:
            raise ValueError(_("is_media_encrypted needs [telephony.sip.tls]: its keys go over SIP"))
        return self


class LineSection(Section):
    """A trunk to the public network."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    address: HostPort
    number: str | None = Field(default=None, pattern=r"^\+?[0-9]{2,20}$")
    """What those who are called over it see, as its carrier wants it written; absent: `user`, else nothing.
    A line with `user` is registered as it: its callers have dialled it."""
    user: str | None = None
    password_file: PasswordFile | None = None
    dtmf: Literal["rfc4733", "info", "inband", "auto"] = "rfc4733"
    """How its carrier brings the keys that callers press, and takes them: as RTP events, in SIP INFO, or as
    tones in the sound, which Asterisk then listens for; auto: events where they are offered, else tones."""

    @property
    def shown_number(self) -> str | None:
        """None: who is called is not told who calls."""
        return self.number or self.user

    def password(self) -> str | None:
        """Raises:
        OSError: its file cannot be read any more.
        """
        return None if self.password_file is None else password_in(self.password_file).get_secret_value()

    @model_validator(mode="after")
    def _has_user_and_password(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError(_("user and password_file come together"))
        return self


class AloneSection(Section):
    """What callers get while the branch process is down."""

    action: Literal["message", "voicemail", "number"] = "message"
    number: str | None = Field(default=None, pattern=r"^\+?[0-9]{2,20}$")
    """Dialled out of the site's first line, for action = "number"."""
    retry_s: int = Field(default=10, ge=1, le=600)
    """The branch is tried again so often while they hear music."""
    limit_s: int = Field(default=120, ge=0, le=3_600)
    """They are told goodbye, or what `action` says happens, after so long."""

    @model_validator(mode="after")
    def _has_its_number(self) -> Self:
        if (self.action == "number") != (self.number is not None):
            raise ValueError(_('number and action = "number" come together'))
        return self


_Code = Annotated[str, Field(pattern=r"^[*#0-9]{2,8}$")]


class CodesSection(Section):
    """What agents dial at their phones."""

    login: _Code = "*11"
    logout: _Code = "*12"
    ready: _Code = "*13"
    not_ready: _Code = "*14"
    forward: _Code = "*72"
    """With a number behind it, as it would be dialled."""
    forward_off: _Code = "*73"
    messages: _Code = "*16"
    """Callers' messages that nobody has heard, one after the other."""
    pickup: _Code = "*15"
    """With a colleague's extension behind it, or nothing: whatever rings."""

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        refuse_twins(_("code"), [getattr(self, name) for name in type(self).model_fields])
        return self


class AsteriskTelephonySection(_PbxSection):
    """An Asterisk beside the branch, configured by `trunkline asterisk config`."""

    driver: Literal["asterisk"]
    user: str = Field(default="trunkline", pattern=r"^[a-z0-9-]{1,32}$")
    """In ari.conf."""
    shard_count: int = Field(default=4, ge=1, le=32)
    """Stasis applications that calls are spread over: Asterisk works each off by one thread."""
    sip: SipSection = SipSection()
    line: tuple[LineSection, ...] = ()
    emergency_numbers: tuple[str, ...] = ("110", "119", "120", "122", "112", "911")
    """Always dialled out of the site's own lines, the first that gets through, whatever else is going on."""
    codes: CodesSection = CodesSection()
    alone: AloneSection = AloneSection()

    @model_validator(mode="after")
    def _can_dial_out(self) -> Self:
        if self.alone.number is not None and not self.line:
            raise ValueError(_('[telephony.alone] action = "number" needs a [[telephony.line]]'))
        refuse_twins(_("line"), [each.name for each in self.line])
        return self


TelephonySection = Annotated[
    SimulatedTelephonySection | AsteriskTelephonySection, Field(discriminator="driver")
]
