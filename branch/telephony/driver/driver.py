"""A PBX behind the telephony port: connects, comes back, and loses nothing on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from branch.telephony.driver.carrying import Carrying
from branch.telephony.driver.hearing import Hearing
from branch.telephony.driver.holdings import Holdings
from branch.telephony.driver.link import LinkLostError, PbxLink
from branch.telephony.driver.prompts import Prompts
from branch.telephony.driver.resync import resync
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Asked, Unanswered
from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame
from branch.telephony.port import PbxRefusedError, TelephonyListener
from router.call import Language
from router.ids import AgentId, CallId, HandoffId, LegId, SiteId
from router.orders import Order
from router.recovery import Inventory

RETRY_MIN_S = 0.05
RETRY_MAX_S = 2.0
"""Real seconds: the PBX stands beside us, so a try costs little."""

SILENT_AFTER_S = 1.0
"""A connection that was cut is back long before. Real seconds."""

_GONE, _EXISTS, _NOT_YET = 404, 409, 422

log = structlog.get_logger()


class PbxDriver:
    """A TelephonyDriver and a Softphone."""

    def __init__(
        self,
        *,
        address: str,
        open_link: Callable[[], Awaitable[PbxLink]],
        trunks: Mapping[SiteId, str],
        new_id: Callable[[], str],
        start_task: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        publics: Mapping[SiteId, str] | None = None,
        language: Language = Language.CHINESE,
    ) -> None:
        """`trunks` are this PBX's names of the ways to other sites; `new_id` makes a UUIDv7. `publics` are
        those that a caller's carrier reaches, where they are not the same.

        `language` is what the site's agents are spoken to in.

        `open_link` connects: it raises OSError (ConnectionRefusedError where nobody listens) or
        TimeoutError for a PBX that is away, PbxRefusedError for one that does not let us in.

        `start_task` supervises what runs until `close`: a driver that has stopped hearing
        must not look alive.
        """
        self._start_task = start_task
        self._address = address
        self._language = language
        self._open = open_link
        self._holdings = Holdings()
        self._unanswered = Unanswered()
        talks = Talks(self._unanswered)
        prompts = Prompts(self._holdings, self._unanswered)
        self._hearing = Hearing(self._holdings, self._unanswered, talks, prompts, new_id)
        self._carrying = Carrying(
            self._holdings, self._unanswered, talks, self._hearing.note, trunks, publics or {}, prompts
        )
        self._listener: TelephonyListener | None = None
        self._task: asyncio.Task[None] | None = None
        self._run: str | None = None
        """The PBX's run that we last held calls of."""
        self._is_same_run = True
        self._is_dead = False
        self._was_replaced = False

    async def start(self, listener: TelephonyListener) -> Inventory:
        """Connect and return what lives; see the port.

        Raises:
            PbxRefusedError: the password is wrong.
        """
        self._listener = listener
        self._hearing.tell_to(listener)
        try:
            link = await self._open()
        except (OSError, TimeoutError) as error:
            log.warning("pbx_absent", address=self._address, error=repr(error))
            self._task = self._start_task(self._keep(None))
            return Inventory()
        try:
            inventory = await self._resync(link)
        except LinkLostError:
            await link.close()
            self._task = self._start_task(self._keep(None))
            return Inventory()
        self._task = self._start_task(self._keep(link))
        return inventory

    def carry_out(self, order: Order) -> None:
        """See the port."""
        self._carrying.carry_out(order)
        self._tell_soon()

    def confirm(self, agent_id: AgentId, *, is_done: bool) -> None:
        """See the port."""
        self._carrying.confirm(agent_id, is_done=is_done)

    def refuse_transfer(self, agent_id: AgentId) -> None:
        """See the port."""
        self._carrying.refuse_transfer(agent_id)

    def play_messages(self, agent_id: AgentId, call_ids: Sequence[CallId]) -> None:
        """See the port."""
        self._carrying.play_messages(agent_id, call_ids, self._language)

    def accept_trunk(self, trunk_id: str, handoff_id: HandoffId) -> bool:
        """See the port."""
        is_accepted = self._carrying.accept_trunk(trunk_id, handoff_id)
        self._tell_soon()
        return is_accepted

    def accept_redirected(self, trunk_id: str, call_id: CallId) -> bool:
        """See the port."""
        is_accepted = self._carrying.accept_redirected(trunk_id, call_id)
        self._tell_soon()
        return is_accepted

    def reject_trunk(self, trunk_id: str) -> None:
        """See the port."""
        self._carrying.reject_trunk(trunk_id)

    def answer_leg(self, leg_id: LegId) -> None:
        """See the port's Softphone."""
        self._unanswered.ask(Do.LIFT, leg_id)

    def hang_up_leg(self, leg_id: LegId) -> None:
        """See the port's Softphone."""
        self._unanswered.ask(Do.PUT_DOWN, leg_id)

    async def close(self) -> None:
        """See the port."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- the connection ----------------------------------------------------------------

    async def _keep(self, link: PbxLink | None) -> None:
        """Hear the PBX, and come back whenever it is lost; runs until cancelled."""
        assert self._listener is not None
        while True:
            if link is None:
                silent = asyncio.get_running_loop().call_later(SILENT_AFTER_S, self._listener.pbx_silent)
                try:
                    link = await self._come_back()
                finally:
                    silent.cancel()
            self._hearing.flush()
            self._listener.pbx_back(self._holdings.inventory(is_same_run=self._is_same_run))
            try:
                await self._hear(link)
            finally:
                self._unanswered.disconnect()
                await link.close()
            link = None
            log.warning("pbx_lost", address=self._address)
            self._listener.pbx_lost()

    async def _hear(self, link: PbxLink) -> None:
        while (frame := await link.next()) is not None:
            if "re" in frame:
                self._replied(frame)
            else:
                self._was_replaced = frame["event"] == Event.REPLACED
                self._hearing.heard(frame)
            self._hearing.flush()

    async def _come_back(self) -> PbxLink:
        """Try until the PBX is there and its lists are read."""
        delay_s = RETRY_MIN_S
        if self._was_replaced:
            # Another branch process has taken over: two that snatch the PBX from each other serve nobody.
            await asyncio.sleep(RETRY_MAX_S)
        while True:
            try:
                link = await self._open()
                try:
                    await self._resync(link)
                except BaseException:
                    await link.close()
                    raise
                return link
            except ConnectionRefusedError:
                # Nobody listens at its address: it is no more, and its channels with it.
                self._lose_everything("PBX_DOWN")
            except (OSError, TimeoutError) as error:
                log.debug("pbx_absent", address=self._address, error=repr(error))
            except PbxRefusedError as error:
                log.warning("pbx_refused_us", why=error.why)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_MAX_S)

    async def _resync(self, link: PbxLink) -> Inventory:
        """Take over what the PBX holds.

        Raises:
            LinkLostError: the connection ended meanwhile; nothing was taken over.
        """
        channels = await link.ask(Do.LIST_CHANNELS)
        bridges = await link.ask(Do.LIST_BRIDGES)
        phones = await link.ask(Do.LIST_PHONES)
        self._is_same_run = self._run in (None, link.run)
        if not self._is_same_run:
            self._lose_everything("PBX_RESTARTED")
        self._run, self._is_dead = link.run, False
        resync(
            self._holdings,
            self._hearing,
            self._unanswered,
            channels=channels,
            bridges=bridges,
            phones=phones,
        )
        self._unanswered.connect(link.send)
        log.info("pbx_connected", address=self._address, run=link.run, channel_count=len(channels))
        return self._holdings.inventory(is_same_run=self._is_same_run)

    def _lose_everything(self, reason: str) -> None:
        """A PBX dies once, however often it is found dead; what was asked of it since is lost too."""
        lose = self._hearing.all_gone if self._is_dead else self._hearing.died
        self._is_dead = True
        lose(reason)
        self._hearing.flush()

    def _replied(self, reply: Frame) -> None:
        asked = self._unanswered.answered(reply)
        code = reply.get("code")
        if asked is None:
            return
        if asked.then is not None:
            asked.then(code is None)
        if code is not None:
            self._refused(asked, code, reply.get("text"))

    def _refused(self, asked: Asked, code: int, text: str | None) -> None:
        do, channel_id = asked.frame["do"], asked.channel_id
        if do == Do.ORIGINATE and channel_id is not None and code != _EXISTS:
            self._hearing.gone(channel_id, Cause.ABSENT if code == _GONE else Cause.UNAVAILABLE)
        elif do == Do.PLAY and code != _EXISTS:
            if code != _GONE:
                log.error("prompts_refused", media=asked.frame["media"], code=code, text=text)
            self._hearing.played({**asked.frame, "is_failed": True})
        elif do == Do.REFER and code != _GONE and channel_id is not None:
            log.error("refer_refused", channel=channel_id, code=code, text=text)
            self._hearing.referred({"channel": channel_id})
        elif code not in (_GONE, _EXISTS) and (do, code) != (Do.REMOVE, _NOT_YET):
            log.error("pbx_request_refused", request=do, channel=channel_id, code=code, text=text)
            if do == Do.ADD:
                # Whoever cannot be joined must not sit there in silence for ever.
                self._unanswered.ask(Do.HANG_UP, channel_id, cause=int(Cause.LINK_LOST))

    def _tell_soon(self) -> None:
        """News that an order made itself come after the order, not inside of it."""
        if self._is_dead:
            self._hearing.all_gone("PBX_DOWN")
        if self._hearing.has_news:
            asyncio.get_running_loop().call_soon(self._hearing.flush)
