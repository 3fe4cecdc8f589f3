"""extensions.conf: what comes in is handed to the branch, and what happens while there is none.

The dialplan decides nothing that the branch could: it says what a channel is and hands it over.
Without the branch, Stasis() comes back at once, and callers must not be met by silence.
"""

from collections.abc import Iterator

from branch.telephony.asterisk.alone_name import ALONE_NAME
from branch.telephony.asterisk.config.plan import Line, PbxPlan
from branch.telephony.asterisk.left_alone import CALL_FILE, MESSAGE_FILE, WAITING
from branch.telephony.asterisk.names import (
    ALONE,
    CALLER,
    CODE,
    DIALLED,
    KIND,
    LINE_PREFIX,
    REDIRECT_EXTENSION,
    TOKEN,
    TOKEN_HEADER,
    TRUNK_EXTENSION,
    applications,
)
from branch.telephony.driver.vocabulary import Kind, Variable
from branch.telephony.port import PhoneRequest

_UNLESS_ALONE = ' same => n,GotoIf($["${STASISSTATUS}" != "FAILED"]?over)'
"""After Stasis(): FAILED alone says that nobody took the channel; a caller who hung up leaves it empty."""
_ANY_NUMBER = "_[+0-9A-Za-z][0-9A-Za-z]!"
"""Two characters at the least: single letters are Asterisk's own, and it would dial `h` at every hang-up."""
_TOKEN_MIN_CHARS = 40
"""Shorter than any token that a site signs: not worth waking the branch for."""
_MOVED_USER = (
    f"^sips?:({TRUNK_EXTENSION}|{REDIRECT_EXTENSION})"
    f"[.][a-z0-9-]{{1,40}}[.][A-Za-z0-9_-]{{{_TOKEN_MIN_CHARS},200}}@"
)
"""Which site the caller was with, and the token."""
_MOVED_PER_S = 10
"""1,000 agents who talk for two minutes each are sent no more; whoever comes above that stays where they
are. Counted without a lock, so some more may slip through; what matters is that a flood does not."""
_REDIRECTED_WAIT_S = 5
"""Whoever was redirected is nowhere else, and so comes in some seconds later at the worst."""
_CALL_FILE = f"FILE(${{ASTSPOOLDIR}}/recording/{CALL_FILE})"
_VOICEMAIL_LIMIT_S = 120
_EMERGENCY_RING_S = 120
_NO_WAY = "CHANUNAVAIL CONGESTION"
"""What Dial() says of a line that is down, or full: whoever was called knows nothing of it."""


def extensions(plan: PbxPlan) -> str:
    parts = (
        _general(),
        _from_line(plan),
        _moved(plan),
        _alone(plan),
        _from_site(plan),
        _from_phone(plan),
        _nowhere(),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _general() -> Iterator[str]:
    yield "[general]\nstatic = yes\nwriteprotect = yes\nclearglobalvars = no"


def _to_branch(plan: PbxPlan) -> str:
    """The line that hands a channel over, spread over the branch's applications."""
    name = applications(plan.site_id, 1)[0].removesuffix("1")
    return f"Stasis({name}${{RAND(1,{plan.shard_count})}})"


def _from_line(plan: PbxPlan) -> Iterator[str]:
    yield "[from-line]"
    yield f"exten => {_ANY_NUMBER},1,Set({KIND}={Kind.CALLER})"
    yield f" same => n,Set({DIALLED}=${{EXTEN}})"
    yield f" same => n,Set({CALLER}=${{CALLERID(num)}})"
    yield " same => n(branch)," + _to_branch(plan)
    yield _UNLESS_ALONE
    yield " same => n,Set(TRUNKLINE_ALONE_SINCE=${EPOCH})"
    yield f" same => n,Set({ALONE}={ALONE_NAME})"
    if plan.notes_callers:
        yield f" same => n,Set({_CALL_FILE}={WAITING})"
    yield " same => n,Goto(alone,${EXTEN},1)"
    yield " same => n(over),Hangup()"
    for user in (TRUNK_EXTENSION, REDIRECT_EXTENSION):
        yield f"exten => _{user}[.]!,1,Goto(moved,s,1)"


def _moved(plan: PbxPlan) -> Iterator[str]:
    """A caller whom another site has had its carrier send here: by REFER, and refused as on a trunk; or by
    302, and taken care of as one of our own, who waits for the branch too.

    Site and token are in the request's own line: together they are longer than an extension may be.
    """
    uri, count, since = "TRUNKLINE_URI", "TRUNKLINE_MOVED_COUNT", "TRUNKLINE_MOVED_SINCE"
    patience, is_redirected = "TRUNKLINE_PATIENCE", f'$["${{{DIALLED}}}" = "{REDIRECT_EXTENSION}"]'
    yield "[moved]"
    yield f"exten => s,1,Set({uri}=${{CHANNEL(pjsip,request_uri)}})"
    yield f' same => n,GotoIf(${{REGEX("{_MOVED_USER}" ${{{uri}}})}}?:refused)'
    yield f" same => n,Set({DIALLED}=${{SHIFT({uri},:)}})"
    yield f" same => n,Set({DIALLED}=${{SHIFT({uri},.)}})"
    yield f" same => n,Set({Variable.PEER}=${{SHIFT({uri},.)}})"
    yield f" same => n,Set({TOKEN}=${{SHIFT({uri},@)}})"
    yield f" same => n,Set({CALLER}=${{CALLERID(num)}})"
    yield f" same => n,Set({KIND}={Kind.TRUNK_IN})"
    yield f" same => n,Set({patience}=${{IF({is_redirected}?{_REDIRECTED_WAIT_S}:0)}})"
    yield (
        f" same => n(count),Set(GLOBAL({count})="
        f'${{IF($["${{{since}}}" = "${{EPOCH}}"]?$[${{{count}}} + 1]:1)}})'
    )
    yield f" same => n,Set(GLOBAL({since})=${{EPOCH}})"
    yield f" same => n,GotoIf($[${{{count}}} > {_MOVED_PER_S}]?full)"
    yield " same => n," + _to_branch(plan)
    yield _UNLESS_ALONE
    yield " same => n,Set(TRUNKLINE_ALONE_SINCE=${EPOCH})"
    yield f" same => n,Set({ALONE}={ALONE_NAME})"
    yield f" same => n,GotoIf({is_redirected}?alone,{REDIRECT_EXTENSION},1:unavailable)"
    yield f" same => n(full),GotoIf($[${{{patience}}} = 0]?unavailable)"
    yield f" same => n,Set({patience}=$[${{{patience}}} - 1])"
    yield " same => n,Wait(1)"
    yield " same => n,Goto(count)"
    yield " same => n(unavailable),Hangup(42)"
    yield " same => n(refused),Hangup(21)"
    yield " same => n(over),Hangup()"


def _alone(plan: PbxPlan) -> Iterator[str]:
    """The branch is down: say so, try again, and at last do what the site has chosen.

    Whoever is gone by then, or after a call that the branch has not taken, leaves a file for it. A redirected
    caller leaves a message at most: the other site's ledger has ended the call, and our promise expires.
    """
    fallback = plan.fallback
    yield "[alone]"
    yield f"exten => {_ANY_NUMBER},1,Answer()"
    yield " same => n,Playback(tt-allbusy)"
    yield f" same => n(again),MusicOnHold(default,{fallback.retry_s})"
    yield " same => n," + _to_branch(plan)
    yield _UNLESS_ALONE
    yield (f" same => n,GotoIf($[${{EPOCH}} - ${{TRUNKLINE_ALONE_SINCE}} < {fallback.limit_s}]?again)")
    if fallback.action == "voicemail":
        yield " same => n,Playback(vm-intro)"
        yield f" same => n,Record(${{ASTSPOOLDIR}}/recording/{MESSAGE_FILE},5,{_VOICEMAIL_LIMIT_S},k)"
    elif fallback.action == "number":
        yield f" same => n,Dial({_over(plan.lines[0], str(fallback.number))})"
    yield " same => n,Playback(vm-goodbye)"
    yield " same => n(over),Hangup()"
    if plan.notes_callers:
        yield (
            f'exten => h,1,ExecIf($["${{{KIND}}}" = "{Kind.CALLER}" & "${{{Variable.TAKEN}}}" = ""]'
            f"?Set({_CALL_FILE}=${{DIALSTATUS}}))"
        )


def _from_site(plan: PbxPlan) -> Iterator[str]:
    """Another site's INVITE: 403 without a token, 503 without a branch or above the trunk's limit."""
    limit = sum(peer.leg_limit for peer in plan.peers)
    yield "[from-site]"
    yield f"exten => {TRUNK_EXTENSION},1,Set({TOKEN}=${{PJSIP_HEADER(read,{TOKEN_HEADER})}})"
    yield f" same => n,GotoIf($[${{LEN(${{{TOKEN}}})}} < {_TOKEN_MIN_CHARS}]?refused)"
    yield " same => n,Set(GROUP(trunk)=in)"
    yield f" same => n,GotoIf($[${{GROUP_COUNT(in@trunk)}} > {max(1, limit)}]?full)"
    yield f" same => n,Set({KIND}={Kind.TRUNK_IN})"
    yield " same => n," + _to_branch(plan)
    yield _UNLESS_ALONE
    yield " same => n(full),Congestion(1)"
    yield " same => n(refused),Hangup(21)"
    yield " same => n(over),Hangup()"
    yield f"exten => {_ANY_NUMBER},1,Hangup(21)"


def _from_phone(plan: PbxPlan) -> Iterator[str]:
    """Agents' phones: feature codes, colleagues' extensions, emergency numbers, and nothing that costs."""
    yield "[from-phone]"
    for number in plan.emergency_numbers:
        yield from _emergency(plan, number)
    for code, act in plan.codes.items():
        for extension in _extensions_of(code, act):
            yield f"exten => {extension},1,Answer()"
            yield f" same => n,Set({KIND}={Kind.CODE})"
            yield f" same => n,Set({CODE}={act})"
            yield f" same => n,Set({DIALLED}=${{EXTEN:{len(code)}}})"
            yield " same => n,Playback(beep)"
            yield " same => n," + _to_branch(plan)
            yield ' same => n,ExecIf($["${STASISSTATUS}" = "FAILED"]?Playback(beeperr))'
            yield " same => n,Hangup()"
    for phone in plan.phones:
        yield f"exten => {phone.endpoint},1,Dial(PJSIP/{phone.endpoint},30)"


def _emergency(plan: PbxPlan, number: str) -> Iterator[str]:
    """By the site's own lines, one after the other as long as they do not get through."""
    yield f"exten => {number},1,NoOp(emergency)"
    for line in plan.lines:
        if line.number is not None:
            yield f" same => n,Set(CALLERID(num)={line.number})"
        yield f" same => n,Dial({_over(line, number)},{_EMERGENCY_RING_S})"
        yield f' same => n,GotoIf($["{_NO_WAY}" =~ "${{DIALSTATUS}}"]?:over)'
    yield " same => n,Congestion(5)"
    yield " same => n(over),Hangup()"


def _extensions_of(code: str, act: str) -> tuple[str, ...]:
    """A code, or what begins with it: the digits behind it are an argument."""
    if act == PhoneRequest.FORWARD:
        return (f"_{code}[+0-9]XX!",)
    return (code, f"_{code}X!") if act == PhoneRequest.PICKUP else (code,)


def _nowhere() -> Iterator[str]:
    yield f"[nowhere]\nexten => {_ANY_NUMBER},1,Hangup(21)"


def _over(line: Line, number: str) -> str:
    return f"PJSIP/{number}@{LINE_PREFIX}{line.name}"
