"""The sections that every kind of process has in its file."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, model_validator

from node.settings.values import HostPort
from node.words import text as _
from node.words import told_os_error


class Section(BaseModel):
    """A table of the file: frozen, and a key nobody reads is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder: Path | None = (info.context or {}).get("folder")
    path = path.expanduser()
    return path if folder is None else folder / path


def _that_exists(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(_("there is no file {path}", path=path))
    return path


NodePath = Annotated[Path, AfterValidator(_from_folder)]
"""A path that counts from the settings file's folder, so that a node's folder can be moved."""

ExistingFile = Annotated[NodePath, AfterValidator(_that_exists)]


def _that_holds_a_password(path: Path) -> Path:
    try:
        is_empty = not password_in(path).get_secret_value()
    except UnicodeDecodeError as error:
        fault = _("is not UTF-8 text (byte {position})", position=error.start)
        raise ValueError(_("{place}: {what}", place=path, what=fault)) from None
    except OSError as error:
        raise ValueError(_("cannot be read: {reason}", reason=told_os_error(error))) from None
    if is_empty:
        raise ValueError(_("{path} is empty; write a password into it", path=path))
    return path


def password_in(file: Path) -> SecretStr:
    """A `PasswordFile`'s text, without the newline an editor leaves behind.

    Raises:
        OSError: the file cannot be read any more.
    """
    return SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))


PasswordFile = Annotated[ExistingFile, AfterValidator(_that_holds_a_password)]
"""Read with `password_in`."""

Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose; the node logs which one it got."""


class ListenSettings(Section):
    """Where this node can be reached."""

    host: str = "127.0.0.1"
    """What peers reach has to be opened on purpose: loopback unless the file says more."""
    port: Port
    metrics_port: Port
    """/metrics, /healthz and /readyz; same host, no TLS, no secrets."""


class TlsSettings(Section):
    """The node's certificate, or plaintext where somebody has asked for it in so many words."""

    ca: ExistingFile | None = None
    cert: ExistingFile | None = None
    key: ExistingFile | None = None
    plaintext: bool = False

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        given = [name for name in ("ca", "cert", "key") if getattr(self, name) is not None]
        if self.plaintext and given:
            raise ValueError(_("plaintext = true leaves no use for {keys}", keys=", ".join(given)))
        if not self.plaintext and len(given) < 3:
            raise ValueError(_("needs ca, cert and key (from `trunkline pki issue`), or plaintext = true"))
        return self


class EtcdTlsSettings(Section):
    """TLS towards etcd; its CA is often another one than the cluster's own."""

    ca: ExistingFile
    cert: ExistingFile | None = None
    key: ExistingFile | None = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError(_("cert and key come together"))
        return self


class EtcdSection(Section):
    """The coordination store that carries the load board."""

    endpoints: tuple[HostPort, ...] = Field(min_length=1)
    """`host:port` of every member: the session moves on to the next when one fails."""
    prefix: str = Field(default="/trunkline/", pattern=r"^/[^\s]*/$")
    lease_ttl_s: int = Field(default=10, ge=5, le=60)
    """Short leases in floods have stopped etcd clusters; a long one keeps a dead site on the board."""
    digest_above: int = Field(default=300, ge=1)
    """With more sites one of them writes a digest that all read: a core of etcd carries 280 to 390 that
    read each other's records. The same at every site."""
    user: str | None = None
    password_file: PasswordFile | None = None
    tls: EtcdTlsSettings | None = None

    @model_validator(mode="after")
    def _has_user_and_password(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError(_("user and password_file come together"))
        return self

    def password(self) -> SecretStr | None:
        """Raises:
        OSError: its file cannot be read any more.
        """
        return None if self.password_file is None else password_in(self.password_file)


class DatabaseSection(Section):
    """SQLAlchemy's URL; secret because PostgreSQL's holds a password."""

    url: SecretStr


class ClockSection(Section):
    """A clock that runs faster, for the lab only.

    At the real time `started_at_utc_us` such a clock shows `epoch_utc_us`, and from then on
    `speed` seconds pass on it for each real one. All nodes of a lab get the same three.
    """

    speed: float = Field(default=1.0, ge=1.0, le=1000.0)
    started_at_utc_us: int | None = Field(default=None, ge=0)
    epoch_utc_us: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _has_an_origin(self) -> Self:
        given = [self.started_at_utc_us is not None, self.epoch_utc_us is not None]
        if any(given) != all(given) or (self.speed != 1.0 and not all(given)):
            raise ValueError(_("a lab's clock needs started_at_utc_us and epoch_utc_us"))
        return self


class LogSection(Section):
    """How much is logged, and for whom: `json` for machines, `console` for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"
