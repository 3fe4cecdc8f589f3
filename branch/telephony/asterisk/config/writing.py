"""Writes a site's Asterisk configuration into a folder: whole, and readable by its owner alone."""

import csv
import io
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from branch.telephony.asterisk.config import dialplan, pjsip, system
from branch.telephony.asterisk.config.plan import PbxPlan, Phone, Places
from branch.telephony.asterisk.names import PROMPTS, RECORDINGS, endpoint_of
from node.troubles import TroubleError
from node.words import text as _
from router.ids import AgentId

PHONES_FILE = "phones.csv"
"""Who logs which phone in with what password; keeps them from one generation to the next."""
_PASSWORD_BYTES = 18

_FILES: Mapping[str, Callable[[PbxPlan], str]] = {
    "asterisk.conf": system.asterisk,
    "modules.conf": system.modules,
    "http.conf": system.http,
    "ari.conf": system.ari,
    "rtp.conf": system.rtp,
    "logger.conf": system.logger,
    "musiconhold.conf": system.musiconhold,
    "stasis.conf": system.stasis,
    "manager.conf": system.manager,
    "cdr.conf": system.cdr,
    "features.conf": system.features,
    "indications.conf": system.indications,
    **dict.fromkeys(("ccss.conf", "cel.conf", "udptl.conf"), system.empty),
    **dict.fromkeys(("acl.conf", "pjproject.conf", "websocket_client.conf"), system.nothing),
    "pjsip.conf": pjsip.pjsip,
    "extensions.conf": dialplan.extensions,
}
_SOUNDS = {"en": ("en", "en_US_f_Allison", "en_US"), "zh_CN": ("zh_CN", "zh", "cn")}
"""A language's sounds may lie under any of these names; the first that is there is taken."""


class NoAsteriskFilesError(TroubleError):
    """Asterisk's own files are not where they were said to be."""

    reason = "NO_ASTERISK_FILES"

    def __init__(self, folder: Path, option: str) -> None:
        super().__init__(
            _(
                "there is no Asterisk in {folder}; install it, or say with {option} where its files are",
                folder=folder,
                option=option,
            )
        )


def write_configuration(plan: PbxPlan) -> None:
    """Write every file, and the folders that Asterisk writes to.

    Raises:
        OSError: a folder cannot be written.
        NoAsteriskFilesError: `plan.places` names folders that are not Asterisk's.
    """
    _refuse_missing(plan.places)
    for folder in _folders(plan.places):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    for name, text_of in _FILES.items():
        _write(plan.places.config / name, text_of(plan))
    _write(plan.places.config / PHONES_FILE, _phones(plan.phones))
    _link_data(plan)


def phones_of(config: Path, agents: Iterable[AgentId]) -> list[Phone]:
    """One phone an agent, with the password that `config` has of an earlier time, or a new one.

    Raises:
        OSError: the earlier file cannot be read.
    """
    known: dict[str, str] = {}
    file = config / PHONES_FILE
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            known = {row["agent"]: row["password"] for row in csv.DictReader(lines)}
    return [
        Phone(
            endpoint=endpoint_of(agent),
            agent_id=agent,
            password=known.get(agent) or secrets.token_urlsafe(_PASSWORD_BYTES),
        )
        for agent in agents
    ]


def _refuse_missing(places: Places) -> None:
    if not (places.modules / "res_pjsip.so").exists():
        raise NoAsteriskFilesError(places.modules, "--modules")
    if not (places.data / "documentation").is_dir():
        raise NoAsteriskFilesError(places.data, "--data")


def _folders(places: Places) -> Iterable[Path]:
    yield places.config / "data" / "sounds"
    for name in ("lib/keys", "run", "log", RECORDINGS):
        yield places.state / name


def _phones(phones: Iterable[Phone]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("agent", "endpoint", "password"))
    rows.writerows((phone.agent_id, phone.endpoint, phone.password) for phone in phones)
    return text.getvalue()


def _link_data(plan: PbxPlan) -> None:
    """Asterisk's own data, and its sounds beside a folder for the prompts of the site's flow.

    Distributions name the folders of languages differently.
    """
    ours = plan.places.config / "data"
    for theirs in plan.places.data.iterdir():
        if theirs.name != "sounds":
            _link(ours / theirs.name, theirs)
    for language in plan.languages:
        names = _SOUNDS.get(language, (language,))
        found = (plan.places.data / "sounds" / name for name in names)
        folder = next((each for each in found if each.is_dir()), None)
        sounds = ours / "sounds" / language
        (sounds / PROMPTS).mkdir(parents=True, exist_ok=True)
        for sound in folder.iterdir() if folder is not None else ():
            _link(sounds / sound.name, sound)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(target)


def _write(file: Path, text: str) -> None:
    """Never half: Asterisk may be told to reload at any moment."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def installed() -> tuple[Path, Path]:
    """Folders of modules and data where distributions put them; the usual ones when there is none."""
    modules = [*sorted(Path("/usr/lib").glob("*/asterisk/modules")), Path("/usr/lib/asterisk/modules")]
    data = [Path("/usr/share/asterisk"), Path("/var/lib/asterisk")]
    return (
        next((each for each in modules if (each / "res_pjsip.so").exists()), modules[-1]),
        next((each for each in data if (each / "documentation").is_dir()), data[0]),
    )
