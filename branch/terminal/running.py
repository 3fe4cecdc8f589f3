"""A desk at a terminal, from its first screen to log-out: keys in, updates in, screens out."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live

from branch.terminal.acts import Quit
from branch.terminal.client import DeskClient, is_trouble
from branch.terminal.desk import Desk
from branch.terminal.keys import raw_keys
from branch.terminal.menu import Act
from branch.terminal.note_entry import WriteNote
from branch.terminal.screen import screen
from branch.terminal.seen import Update
from node.words import refusal as worded
from router.agent import AgentState
from router.errors import RouterError
from sync.clock import Clock, SystemClock
from sync.link.refusals import RefusedError

REDRAW_INTERVAL_S = 0.5
"""Durations on the screen go on when nothing else happens."""
RETRY_DELAY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Kept while the desk is open, for a branch that was restarted and has forgotten everybody."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Secret(name={self.name!r})"


class RunningDesk:
    """One desk on one terminal."""

    def __init__(
        self, desk: Desk, client: DeskClient, secret: Secret, console: Console, *, clock: Clock | None = None
    ) -> None:
        self._desk = desk
        self._client = client
        self._secret = secret
        self._console = console
        self._clock = clock or SystemClock()
        self._keys: asyncio.Queue[str | None] = asyncio.Queue()
        self._is_dirty = asyncio.Event()
        self._was_ringing = False
        self._is_leaving = False
        """Logging out ends the watch, which is then no fault. A stream that ends in the moment in which
        its task is cancelled tells of its end only, so the watch asks here too."""

    async def run(self) -> None:
        """Until the person quits.

        Raises:
            RefusedError: the branch does not let the person in any more.
        """
        with (
            raw_keys(sys.stdin.fileno(), self._keys),
            _ended_by(signal.SIGTERM, signal.SIGHUP),
            Live(console=self._console, screen=True, auto_refresh=False) as live,
        ):
            watching = asyncio.create_task(self._watch(), name="desk-watch")
            drawing = asyncio.create_task(self._draw(live), name="desk-draw")
            working = asyncio.create_task(self._work(), name="desk-keys")
            tasks = (watching, drawing, working)
            try:
                done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._is_leaving = True
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    # --- in ------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Hear of the site, and come back whenever it is lost."""
        while True:
            try:
                async with aclosing(self._updates()) as updates:
                    async for update in updates:
                        await self._take(update)
            except RefusedError as refusal:
                self._desk.is_connected = False
                self._is_dirty.set()
                if self._is_leaving:
                    return
                if refusal.reason == "SESSION_STALE":
                    await self._log_in_again()
                elif not is_trouble(refusal):
                    raise
            await asyncio.sleep(RETRY_DELAY_S)

    def _updates(self) -> AsyncGenerator[Update, None]:
        after = self._desk.seen.position
        if self._desk.person.agent_id is None:
            return self._client.monitor(after)
        return self._client.watch_desk(after)

    async def _take(self, update: Update) -> None:
        desk = self._desk
        desk.see(update, self._clock.mono_ms())
        is_news = update.is_news or not desk.is_connected
        desk.is_connected = True
        if not is_news:
            return
        me = desk.me
        is_ringing = me is not None and me.state is AgentState.RINGING
        if is_ringing and not self._was_ringing:
            self._console.bell()
        self._was_ringing = is_ringing
        self._is_dirty.set()
        await self._look_up()

    async def _look_up(self) -> None:
        """Who calls; another site's customers are known there and not here."""
        call = self._desk.call
        wanted = call.customer_id if call is not None else None
        if wanted is None:
            self._desk.customer = None
        elif self._desk.customer is None or self._desk.customer.customer_id != wanted:
            self._desk.customer = None
            with suppress(RefusedError):
                self._desk.customer = await self._client.customer(wanted)
            self._is_dirty.set()

    async def _log_in_again(self) -> None:
        try:
            self._desk.person = await self._client.log_in(self._secret.name, self._secret.password)
        except RefusedError as refusal:
            if not is_trouble(refusal):
                raise

    async def _work(self) -> None:
        """Carry keys out, one after the other, until one of them is to quit."""
        while True:
            key = await self._keys.get()
            act = Quit() if key is None else self._desk.press(key)
            self._is_dirty.set()
            if act is not None and await self._done(act) and isinstance(act, Quit):
                return
            if key is None:
                return

    async def _done(self, act: Act) -> bool:
        self._is_leaving = isinstance(act, Quit)
        try:
            self._desk.menu = await act.ask(self._client)
            self._is_dirty.set()
        except RefusedError as refusal:
            self._is_leaving = False
            self._desk.message = said(refusal)
            if isinstance(act, WriteNote):
                self._desk.entry = act.entry()
            self._is_dirty.set()
            return False
        return True

    # --- out -----------------------------------------------------------------------------

    async def _draw(self, live: Live) -> None:
        while True:
            live.update(screen(self._desk, self._clock.mono_ms()), refresh=True)
            self._is_dirty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(REDRAW_INTERVAL_S):
                    await self._is_dirty.wait()


def said(refusal: RouterError) -> str:
    """A refusal for people."""
    values = refusal.values if isinstance(refusal, RefusedError) else vars(refusal)
    return worded(refusal.reason, **values) or str(refusal)


@contextmanager
def _ended_by(*signals: signal.Signals) -> Iterator[None]:
    """SIGTERM restores no terminal by itself: it ends the desk's task, and the terminal with it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for each in signals:
        loop.add_signal_handler(each, end, each)
    try:
        yield
    except asyncio.CancelledError:
        if not received:
            raise
        raise SystemExit(128 + received[0]) from None
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
