"""What people at desks do in tests over and over: log in, look until something is so."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import grpc

from branch.terminal.client import DeskClient
from branch.terminal.seen import Position, SiteSeen, Update
from router.agent import AgentState
from router.ids import LegId
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.tls import Plaintext
from tests.fakes.desk_site import KIM, PASSWORD, SITE, DeskSite

LIMIT_S = 10.0


async def logged_in(site: DeskSite, name: str = "1001") -> DeskClient:
    client = site.client()
    await client.log_in(name, PASSWORD)
    return client


async def until(
    client: DeskClient, is_so: Callable[[SiteSeen], bool], *, after: Position | None = None
) -> SiteSeen:
    """What the desk shows once `is_so`."""
    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(client.watch_desk(after)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if is_so(seen):
                return seen
    raise AssertionError("the watch ended")


def in_state(state: AgentState) -> Callable[[SiteSeen], bool]:
    return lambda seen: KIM in seen.agents and seen.agents[KIM].state is state


async def ringing_leg(client: DeskClient) -> LegId:
    leg_id = (await until(client, in_state(AgentState.RINGING))).agents[KIM].leg_id
    assert leg_id is not None
    return leg_id


def plain_channel(site: DeskSite) -> grpc.aio.Channel:
    return open_channel(
        "127.0.0.1", site.port, Plaintext(), expected=Peer(cluster="acme", kind="site", name=SITE)
    )


async def first_update(client: DeskClient, after: Position | None) -> Update:
    async with aclosing(client.watch_desk(after)) as updates:
        return await anext(updates)
