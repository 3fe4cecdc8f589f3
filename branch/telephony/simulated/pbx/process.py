"""The simulated PBX's life: wiring, the day's people, and the account at the end."""

import itertools
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from branch.telephony.simulated.pbx.callers import Caller, CallerStream
from branch.telephony.simulated.pbx.carriers import Carrier
from branch.telephony.simulated.pbx.control import Control
from branch.telephony.simulated.pbx.lines import Lines
from branch.telephony.simulated.pbx.phones import Phone, Phones
from branch.telephony.simulated.pbx.playing import Playing
from branch.telephony.simulated.pbx.recordings import Recordings
from branch.telephony.simulated.pbx.requests import Requests
from branch.telephony.simulated.pbx.settings import AgentSection, PbxSettings
from branch.telephony.simulated.pbx.switch import RefusedError, Switch
from branch.telephony.simulated.pbx.timers import LabTimers
from branch.telephony.simulated.pbx.trunks import Trunks
from branch.telephony.simulated.pbx.witness import Witness
from node.plays import read_calls, read_scenario
from node.settings import ClockSection
from router.world.day.calls import PlannedCall
from sync.clock import Clock, ScaledClock, SystemClock

log = structlog.get_logger()


def calls_of(settings: PbxSettings) -> list[PlannedCall]:
    """The calls of the site's own lines, earliest first; none without a calls file.

    Raises:
        BadFileError: the scenario or the calls file has faults: all of them, each with its place.
    """
    if settings.calls is None:
        return []
    calls = read_calls(settings.calls.file, read_scenario(settings.calls.scenario))
    return [call for call in calls if call.site_id == settings.site.id]


class SimulatedPbx:
    """One PBX process, from binding its ports to writing its account."""

    def __init__(self, settings: PbxSettings, calls: list[PlannedCall]) -> None:
        self._run = run = secrets.token_hex(4)
        self._settings = settings
        self._clock = _clock(settings.clock)
        self._timers = LabTimers(settings.clock.speed)
        self._has_begun = False
        self._channel_numbers = itertools.count(1)
        self._witness = Witness(settings.witness.journal, run=run, now_utc_us=self._clock.utc_us)
        self._control = Control(run=run, password=settings.control.password(), awkward=settings.awkward)
        self._switch = Switch(tell=self._control.tell, now_ms=self._clock.mono_ms)
        self._phones = Phones(map(self._phone, settings.people.agent), self._switch)
        self._trunks = Trunks(settings.site.id, self._switch, lambda: self._control.is_application_there)
        self._lines = Lines(settings.line, self._switch, self._timers)
        self._callers = CallerStream(
            calls, lambda call: self.let_arrive(call, settings.people.keys), self._timers
        )

    async def start(self) -> None:
        """Take calls.

        Raises:
            OSError: a port cannot be bound.
        """
        settings = self._settings
        requests = Requests(
            switch=self._switch,
            phones=self._phones,
            trunks=self._trunks,
            lines=self._lines,
            carrier=Carrier(
                settings.carrier,
                switch=self._switch,
                trunks=self._trunks,
                timers=self._timers,
                tell=self._control.tell,
            ),
            timers=self._timers,
            recordings=Recordings(self._switch, self._control.tell, self._clock.mono_ms),
            begin_day=self._begin_day_once,
            count=self.write_counts,
            call=self.let_arrive,
            playing=Playing(
                switch=self._switch,
                timers=self._timers,
                tell=self._control.tell,
                medium_s=settings.people.prompt_s,
            ),
            voicemail_s=settings.people.voicemail_s,
        )
        trunk, control = settings.trunk, settings.control
        with _naming(trunk.host, trunk.port):
            await self._trunks.start(trunk.host, trunk.port)
        with _naming(control.host, control.port):
            await self._control.start(
                control.host,
                control.port,
                carry_out=requests.carry_out,
                came=self._phones.application_came,
            )
        if settings.calls is None or not settings.calls.waits:
            self._begin_day()
        log.info(
            "pbx_started", run=self._run, control_port=settings.control.port, trunk_port=settings.trunk.port
        )

    async def drain(self) -> None:
        """People do not stop calling because somebody wants to switch the PBX off."""

    async def close(self) -> None:
        """Everybody is cut off; the account is written."""
        self._timers.stop()
        await self._control.close()
        await self._trunks.close()
        self.write_counts()
        self._witness.close()

    def write_counts(self) -> dict[str, object]:
        """Write the account, and return it."""
        counts = self._witness.counts()
        _replace(self._settings.witness.counts, json.dumps(counts, ensure_ascii=False, indent=1) + "\n")
        return counts

    def _begin_day_once(self) -> None:
        """An operator says that the day begins.

        Raises:
            RefusedError: it has begun.
        """
        if self._has_begun:
            raise RefusedError(409, "the day has begun")
        self._begin_day()

    def _begin_day(self) -> None:
        self._has_begun = True
        day_ms = self._day_ms()
        late_count = self._callers.begin(day_ms)
        if late_count:
            log.warning("callers_met_no_pbx", count=late_count)
        for agent in self._settings.people.agent:
            phone = self._phones.phone(agent.id)
            if agent.person or (agent.until_s is not None and agent.until_s * 1000 <= day_ms):
                continue
            self._timers.after(agent.from_s * 1000 - day_ms, phone.begin_shift)
            if agent.until_s is not None:
                self._timers.after(agent.until_s * 1000 - day_ms, phone.end_shift)

    def _day_ms(self) -> int:
        calls = self._settings.calls
        if calls is None or calls.waits or calls.start_utc_us is None:
            return 0
        return (self._clock.utc_us() - calls.start_utc_us) // 1000

    def let_arrive(self, call: PlannedCall, keys: Iterable[str] = ()) -> str:
        """Somebody calls now, and will press these keys; returns the caller's channel."""
        channel_id = f"caller-{self._run}-{next(self._channel_numbers)}"
        now_ms = self._clock.mono_ms
        Caller(call, channel_id, self._switch, self._timers, self._witness, now_ms, keys).arrive()
        return channel_id

    def _phone(self, agent: AgentSection) -> Phone:
        return Phone(agent, self._settings.people, self._switch, self._timers, self._control.tell)


def _clock(section: ClockSection) -> Clock:
    if section.started_at_utc_us is None or section.epoch_utc_us is None:
        return SystemClock()
    return ScaledClock(section.speed, section.started_at_utc_us, section.epoch_utc_us)


@contextmanager
def _naming(host: str, port: int) -> Iterator[None]:
    """Puts the address into the error of a port that cannot be bound."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), f"{host}:{port}") from None


def _replace(path: Path, text: str) -> None:
    """Readers see the old account or the new one, never half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
