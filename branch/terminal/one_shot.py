"""A desk for scripts: one act and out, or a line of JSON for each change."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from branch.admin.asking import password_of
from branch.terminal.acts import TransferToAgent, TransferToQueue
from branch.terminal.client import DeskClient
from branch.terminal.connecting import Way
from branch.terminal.desk import Desk
from branch.terminal.keeping import forget, keep, kept
from branch.terminal.menu import Act
from branch.terminal.running import RunningDesk, Secret
from branch.terminal.seen import CallInHand, Update
from branch.terminal.talk_acts import PickUp, PickUpAt, PickUpFrom
from node.terminal import output, print_json
from node.troubles import TroubleError
from node.words import text as _
from router.acd.place import Place
from router.agent import AgentState
from router.ids import AgentId, QueueId
from sync.link.refusals import RefusedError

LOOK_LIMIT_S = 5.0
_LOGGED_OUT = ("NOT_LOGGED_IN", "SESSION_STALE")


class NoCallError(TroubleError):
    """There is no call to act on."""

    reason = "NO_CALL"


class NotAnAgentError(TroubleError):
    """The person takes no calls."""

    reason = "NOT_AN_AGENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoAndWhere:
    """The options that every desk command shares."""

    way: Way
    name: str
    password_file: Path | None
    token_file: Path | None
    """Keeps the log-in for the next command; made when it is not there."""


ActFor = Callable[[Desk], Act]
"""Says what to do, given the desk as it is now.

Raises NoCallError where there is nothing to do it to.
"""


def run_terminal(who: WhoAndWhere) -> None:
    """The desk on this terminal, until the person quits."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TroubleError(_("a desk needs a terminal; for scripts there are --json and the commands"))
    password = password_of(who.name, who.password_file)

    async def work() -> None:
        client = DeskClient(who.way.open())
        try:
            desk = Desk(person=await client.log_in(who.name, password))
            secret = Secret(name=who.name, password=password)
            await RunningDesk(desk, client, secret, output()).run()
        finally:
            await client.close()

    asyncio.run(work())


def stream_json(who: WhoAndWhere) -> None:
    """A line of JSON for each change, until interrupted or nobody reads."""

    async def work(client: DeskClient, desk: Desk) -> None:
        async with aclosing(_updates(client, desk, is_glance=False)) as updates:
            async for update in updates:
                desk.seen.apply(update, 0)
                if update.is_news:
                    sys.stdout.write(json.dumps(state_tree(desk), ensure_ascii=False) + "\n")
                    sys.stdout.flush()

    with_client(who, work)


def show_status(who: WhoAndWhere) -> None:
    """The desk as it is now, as JSON."""

    async def work(client: DeskClient, desk: Desk) -> None:
        await _look(client, desk)
        print_json(state_tree(desk))

    with_client(who, work)


def act_once(who: WhoAndWhere, act_for: ActFor, *, wait_s: float = 0.0) -> None:
    """Do one thing; `wait_s` is how long a call may take to come.

    Raises:
        NoCallError: there is none.
        RefusedError: the branch refused.
    """

    async def work(client: DeskClient, desk: Desk) -> None:
        if desk.person.agent_id is None:
            raise NotAnAgentError(_("{name} takes no calls", name=desk.person.name))
        await _look(client, desk, wait_s=wait_s)
        await act_for(desk).ask(client)

    with_client(who, work)


def supervise_once(who: WhoAndWhere, act_for: ActFor) -> None:
    """Do one thing that supervisors may.

    Raises:
        RefusedError: the branch refused.
    """

    async def work(client: DeskClient, desk: Desk) -> None:
        await act_for(desk).ask(client)

    with_client(who, work)


def log_out(who: WhoAndWhere) -> None:
    """Leave, and forget the kept log-in."""

    async def work(client: DeskClient, _desk: Desk) -> None:
        await client.log_out()

    with_client(who, work)
    if who.token_file is not None:
        forget(who.token_file)


def with_client(who: WhoAndWhere, work: Callable[[DeskClient, Desk], Awaitable[None]]) -> None:
    """Do `work` as this person.

    Raises:
        RefusedError: the branch refused.
    """
    asyncio.run(_logged_in(who, work))


def call_of(desk: Desk, *states: AgentState) -> CallInHand:
    """The call in hand, where the agent is in one of these states.

    Raises:
        NoCallError: there is none.
    """
    call, me = desk.call, desk.me
    if call is None or me is None or me.state not in states:
        raise NoCallError(_("there is no call for that now"))
    return call


def transfer_act(desk: Desk, queue: str | None, agent: str | None) -> Act:
    """To the one of both that is given.

    Raises:
        NoCallError: there is no call, or not exactly one to hand it to.
    """
    call = call_of(desk, AgentState.TALKING, AgentState.ON_HOLD)
    if queue is not None and agent is None:
        return TransferToQueue(leg_id=call.leg_id, queue_id=QueueId(queue))
    if agent is not None and queue is None:
        return TransferToAgent(leg_id=call.leg_id, agent_id=agent_of_site(desk, agent))
    raise NoCallError(_("give --queue or --agent"))


def pick_up_act(desk: Desk, queue: str | None, agent: str | None) -> Act:
    """From the one of both that is given; from wherever it rings, when none is.

    Raises:
        NoCallError: both are.
    """
    if queue is not None and agent is not None:
        raise NoCallError(_("give --queue or --agent"))
    if queue is not None:
        return PickUpFrom(queue_id=QueueId(queue))
    return PickUp() if agent is None else PickUpAt(agent_id=agent_of_site(desk, agent))


def forward_places(number: str | None, after_s: int | None) -> tuple[Place, ...]:
    """Where one is reached: at the number, perhaps after one's own phone; without a number, at that alone.

    Raises:
        TroubleError: no number for the time after one's own phone.
    """
    if number is None:
        if after_s is not None:
            raise TroubleError(_("give the number to ring after your own phone"))
        return ()
    before = () if after_s is None else (Place(ring_limit_ms=after_s * 1000),)
    return (*before, Place(number=number))


def agent_of_site(desk: Desk, agent: str) -> AgentId:
    """An agent's id, given with or without its site."""
    site_id = desk.person.site_id
    return AgentId(f"{site_id}/{agent.removeprefix(f'{site_id}/')}")


def state_tree(desk: Desk) -> dict[str, Any]:
    """What a script is shown."""
    seen, call = desk.seen, desk.call
    tree: dict[str, Any] = {
        "site": desk.person.site_id,
        "mono_ms": seen.mono_ms,
        "queues": [asdict(each) for each in seen.queues.values()],
        "agents": [asdict(each) for each in seen.agents.values()],
        "calls": [asdict(each) for each in seen.calls.values()],
        "handoffs": [asdict(each) for each in seen.handoffs.values()],
    }
    if desk.person.agent_id is not None:
        tree["me"] = asdict(desk.me) if desk.me is not None else None
        tree["call"] = asdict(call) if call is not None else None
    return tree


# --- inside ---------------------------------------------------------------------------------


async def _logged_in(who: WhoAndWhere, work: Callable[[DeskClient, Desk], Awaitable[None]]) -> None:
    """Work with the kept log-in; where there is none, or it is over, log in."""
    client = DeskClient(who.way.open())
    try:
        person = kept(who.token_file) if who.token_file is not None else None
        if person is not None:
            client.token = person.token
            try:
                await work(client, Desk(person=person))
                return
            except RefusedError as refusal:
                if refusal.reason not in _LOGGED_OUT:
                    raise
        person = await client.log_in(who.name, password_of(who.name, who.password_file))
        if who.token_file is not None:
            keep(who.token_file, person)
        await work(client, Desk(person=person))
    finally:
        await client.close()


async def _look(client: DeskClient, desk: Desk, *, wait_s: float = 0.0) -> None:
    """See the desk once; with `wait_s`, go on looking until a call is in hand."""
    try:
        async with (
            asyncio.timeout(LOOK_LIMIT_S + wait_s),
            aclosing(_updates(client, desk, is_glance=True)) as updates,
        ):
            async for update in updates:
                desk.seen.apply(update, 0)
                if not wait_s or desk.call is not None:
                    return
    except TimeoutError:
        raise NoCallError(_("no call came")) from None


def _updates(client: DeskClient, desk: Desk, *, is_glance: bool) -> AsyncGenerator[Update, None]:
    if desk.person.agent_id is None:
        return client.monitor(None)
    return client.watch_desk(None, is_glance=is_glance)
