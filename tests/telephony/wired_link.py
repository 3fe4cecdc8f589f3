"""The link to a site's Asterisk in a test's own hands: what is asked of it, and what it tells."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import SecretStr

from branch.telephony.asterisk.link import AsteriskLink
from branch.telephony.driver.vocabulary import Do, Event, Frame
from tests.fakes.asterisk_site import PASSWORD, SHARD_COUNT, AsteriskSite

LIMIT_S = 20.0


class WiredLink:
    """One connection to the site's Asterisk, in the driver's place."""

    def __init__(self, link: AsteriskLink) -> None:
        self.link = link
        self.events: list[Frame] = []
        self._replies: dict[int, Frame] = {}
        self._count = 0
        self._told = asyncio.Event()
        self._task = asyncio.create_task(self._hear())

    @classmethod
    async def open(cls, site: AsteriskSite) -> Self:
        address = f"127.0.0.1:{site.ari_port}"
        link = await AsteriskLink.open(
            address,
            "trunkline",
            SecretStr(PASSWORD),
            site.site,
            SHARD_COUNT,
            site.numbers,
            is_encrypted=site.tls is not None,
        )
        return cls(link)

    async def close(self) -> None:
        await self.link.close()
        self._task.cancel()

    def send(self, do: Do, **what: Any) -> int:
        """Ask for it; returns what `reply` takes."""
        self._count += 1
        self.link.send({"id": self._count, "do": do, **what})
        return self._count

    def is_answered(self, number: int) -> bool:
        return number in self._replies

    async def reply(self, number: int) -> Frame:
        await self._until(lambda: number in self._replies)
        return self._replies[number]

    async def done(self, do: Do, **what: Any) -> None:
        """Ask for it and see that it was done."""
        reply = await self.reply(self.send(do, **what))
        assert "code" not in reply, reply

    def all_of(self, event: Event, **what: Any) -> list[Frame]:
        return [each for each in self.events if _is(each, {"event": event, **what})]

    async def event(self, event: Event, *, number: int = 0, **what: Any) -> Frame:
        """The `number`th of this kind, which may have come already."""
        await self._until(lambda: len(self.all_of(event, **what)) > number)
        return self.all_of(event, **what)[number]

    async def _until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                while not holds():
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(f"never heard; heard {self.events}") from None

    async def _hear(self) -> None:
        while (frame := await self.link.next()) is not None:
            if "re" in frame:
                self._replies[frame["re"]] = frame
            else:
                self.events.append(frame)
            self._told.set()


def _is(frame: Frame, wanted: Mapping[str, Any]) -> bool:
    return all(frame.get(key) == value for key, value in wanted.items())
