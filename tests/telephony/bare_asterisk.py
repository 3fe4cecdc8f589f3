"""An Asterisk without Trunkline: a few lines of configuration for the tests of the rig itself."""

from pathlib import Path

from deploy.asterisk.bundle import AsteriskBinaries
from deploy.asterisk.process import AsteriskProcess
from deploy.phones.sip_wire import Address
from deploy.ports import free_ports
from tests.fakes.loopback import loopback

HOST = loopback(21)
CALLERS_HOST = loopback(22)
"""Who calls from here is let in without a password."""
PASSWORD = "open, sesame"

_EXTENSIONS = """\
[calls]
exten => echo,1,Answer()
 same => n,Echo()
exten => ring,1,Ringing()
 same => n,Wait(30)
exten => short,1,Answer()
 same => n,Wait(0.5)
exten => read,1,Answer()
 same => n,Read(DIALLED,,4,,1,5)
 same => n,Set(GLOBAL(READ)=${GLOBAL(READ)}/${DIALLED})
exten => dial,1,Answer()
 same => n,SendDTMF(42#,100,100)
 same => n,Wait(5)
exten => token,1,Set(TOKEN=${PJSIP_HEADER(read,X-Trunkline-Token)})
 same => n,GotoIf($["${TOKEN}" = "good"]?echo,1)
 same => n,Hangup(21)
exten => _age[n]t.,1,Set(__NUMBER=${CALLERID(num)})
 same => n,Dial(PJSIP/${EXTEN},20,b(mark^s^1))
exten => own,1,Goto(agent${CALLERID(num):4},1)
[mark]
exten => s,1,Set(PJSIP_HEADER(add,X-Rig-Call)=${NUMBER})
 same => n,Return()
"""


class BareAsterisk(AsteriskProcess):
    """Extensions `echo`, `ring`, `short`, `read`, `dial`, `token`, one for every phone, and `own` for
    the phone whose number is that of the caller after 1380.
    """

    def __init__(self, binaries: AsteriskBinaries, folder: Path, phones: int) -> None:
        super().__init__(binaries, folder, folder / "output")
        (self.port,) = free_ports(1)
        files = {
            "asterisk.conf": _asterisk(binaries, folder),
            "modules.conf": "[modules]\nautoload=yes\n",
            "pjsip.conf": _pjsip(self.port, [f"agent{number}" for number in range(1, phones + 1)]),
            "extensions.conf": _EXTENSIONS,
            "rtp.conf": "[general]\nrtpstart=20000\nrtpend=20999\nstrictrtp=yes\n",
        }
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")

    @property
    def address(self) -> Address:
        return HOST, self.port


def _asterisk(binaries: AsteriskBinaries, folder: Path) -> str:
    return f"""\
[directories]
astetcdir => {folder}
astmoddir => {binaries.modules}
astdatadir => {binaries.data}
astvarlibdir => {folder}/lib
astdbdir => {folder}/lib
astkeydir => {folder}/lib
astagidir => {folder}/lib
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log
"""


def _pjsip(port: int, phones: list[str]) -> str:
    return f"""\
[udp]
type=transport
protocol=udp
bind={HOST}:{port}
[callers]
type=endpoint
context=calls
disallow=all
allow=ulaw,alaw
direct_media=no
[callers-id]
type=identify
endpoint=callers
match={CALLERS_HOST}
""" + "".join(map(_phone, phones))


def _phone(name: str) -> str:
    return f"""\
[{name}]
type=endpoint
context=calls
disallow=all
allow=alaw,ulaw
direct_media=no
auth={name}
aors={name}
device_state_busy_at=1
[{name}]
type=auth
auth_type=userpass
username={name}
password={PASSWORD}
[{name}]
type=aor
max_contacts=1
remove_existing=yes
"""
