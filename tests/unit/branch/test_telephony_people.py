"""The simulated PBX's people on a switch without a network, with a clock moved by hand."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from branch.telephony.driver.vocabulary import BridgeKind, Cause, Event, Frame, Kind
from branch.telephony.simulated.pbx.callers import Caller
from branch.telephony.simulated.pbx.phones import Phone, Phones
from branch.telephony.simulated.pbx.playing import Playing
from branch.telephony.simulated.pbx.settings import AgentSection, PeopleSection
from branch.telephony.simulated.pbx.switch import RefusedError, Switch
from branch.telephony.simulated.pbx.timers import LabTimers
from branch.telephony.simulated.pbx.witness import Witness
from router.ids import QueueId, SiteId
from router.world.day.calls import PlannedCall


class ManualTimers(LabTimers):
    """Lab time that stands still until a test moves it; real time passes with it."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._due: list[tuple[float, int, Callable[[], object], list[bool]]] = []
        self._serial = itertools.count()

    def after(self, delay_ms: float, act: Callable[[], object]) -> asyncio.TimerHandle:
        is_cancelled: list[bool] = []
        heapq.heappush(self._due, (self.now_ms + max(0.0, delay_ms), next(self._serial), act, is_cancelled))
        return cast(asyncio.TimerHandle, _Cancellable(is_cancelled))

    def after_real(self, delay_s: float, act: Callable[[], object]) -> asyncio.TimerHandle:
        return self.after(delay_s * 1000, act)

    def pass_s(self, seconds: float) -> None:
        until_ms = self.now_ms + round(seconds * 1000)
        while self._due and self._due[0][0] <= until_ms:
            at_ms, _serial, act, is_cancelled = heapq.heappop(self._due)
            self.now_ms = round(at_ms)
            if not is_cancelled:
                act()
        self.now_ms = until_ms


class _Cancellable:
    def __init__(self, is_cancelled: list[bool]) -> None:
        self._is_cancelled = is_cancelled

    def cancel(self) -> None:
        self._is_cancelled.append(True)


class Room:
    """One switch, one caller's line and some phones."""

    def __init__(self, folder: Path, people: PeopleSection | None = None) -> None:
        self.timers = ManualTimers()
        self.told: list[Frame] = []
        self.switch = Switch(tell=self.told.append, now_ms=lambda: self.timers.now_ms)
        self.witness = Witness(folder / "witness", run="r1", now_utc_us=lambda: 1)
        people = people or PeopleSection(ring_s=2)
        agents = [AgentSection(id=f"a/{number}") for number in (1, 2)]
        phones = [Phone(agent, people, self.switch, self.timers, self.told.append) for agent in agents]
        self.phones = Phones(phones, self.switch)

        self.playing = Playing(
            switch=self.switch, timers=self.timers, tell=self.told.append, medium_s=people.prompt_s
        )

    def call(self, *, handle_s: float, patience_s: float | None, keys: Iterable[str] = ()) -> None:
        planned = PlannedCall(
            arrive_ms=0,
            site_id=SiteId("a"),
            queue_id=QueueId("sales"),
            handle_ms=round(handle_s * 1000),
            patience_ms=None if patience_s is None else round(patience_s * 1000),
        )
        timers = self.timers
        Caller(planned, "caller", self.switch, timers, self.witness, lambda: timers.now_ms, keys).arrive()
        self.switch.answer("caller")

    def ring(self, agent: str = "a/1", leg: str = "leg") -> None:
        self.switch.originate(leg, Kind.PHONE, self.phones.ring(agent), {})

    def join(self, *channels: str, bridge: str = "talk") -> None:
        self.switch.create_bridge(bridge, BridgeKind.MIXING)
        for channel in channels:
            self.switch.add(bridge, channel)

    def ends(self) -> dict[str, Any]:
        """The causes of ended channels."""
        return {f["channel"]: Cause(f["cause"]) for f in self.told if f["event"] == Event.CHANNEL_GONE}

    def heard(self) -> list[str]:
        """Keys pressed, and ends of what was played, in the order in which they were told."""
        return [str(f.get("digit") or f["playback"]) for f in self.told if f["event"] in ("digit", "played")]

    def codes(self) -> list[str]:
        """The codes dialled so far."""
        return [frame["facts"]["code"] for frame in self.started_codes()]

    def started_codes(self) -> list[Frame]:
        return [f for f in self.told if f["event"] == Event.CHANNEL_STARTED and f["kind"] == Kind.CODE]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    with ExitStack() as stack:

        def made(people: PeopleSection | None = None) -> Room:
            room = Room(tmp_path, people)
            stack.callback(room.witness.close)
            return room

        yield made


@pytest.fixture
def room(make: Callable[..., Room]) -> Room:
    return make()


def test_handling_counts_from_the_answer_and_not_from_a_late_bridge(room: Room) -> None:
    room.call(handle_s=30, patience_s=60)
    room.ring()
    room.timers.pass_s(2)  # the agent answers
    room.timers.pass_s(5)  # and the branch takes its time
    room.join("caller", "leg")

    room.timers.pass_s(24.9)
    assert "caller" not in room.ends()
    room.timers.pass_s(0.2)

    assert room.ends()["caller"] is Cause.NORMAL


def test_a_talk_that_was_interrupted_goes_on_where_it_stopped(room: Room) -> None:
    room.call(handle_s=30, patience_s=60)
    room.ring()
    room.timers.pass_s(2)
    room.join("caller", "leg")
    room.timers.pass_s(10)

    room.switch.create_bridge("music", BridgeKind.HOLDING)
    room.switch.add("music", "caller")
    room.timers.pass_s(15)
    room.switch.add("talk", "caller")
    room.timers.pass_s(19)
    assert "caller" not in room.ends()
    room.timers.pass_s(2)

    assert room.ends()["caller"] is Cause.NORMAL


def test_patience_ends_while_the_phone_rings_and_the_phone_is_free_at_once(room: Room) -> None:
    room.call(handle_s=30, patience_s=10)
    room.timers.pass_s(9)
    room.ring()

    room.timers.pass_s(1.5)
    room.switch.end(room.switch.channel("leg"), Cause.NORMAL)  # as the branch orders then
    room.ring(leg="next")
    room.timers.pass_s(2)

    assert room.ends()["caller"] is Cause.NORMAL
    assert "next" not in room.ends()


def test_a_caller_without_a_limit_to_its_patience_waits(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)

    room.timers.pass_s(100_000)

    assert room.ends() == {}


def test_a_phone_has_one_line(room: Room) -> None:
    room.ring(leg="first")
    room.ring(leg="second")

    room.timers.pass_s(2)

    assert room.ends() == {"second": Cause.BUSY}


def test_what_an_agent_does_depends_on_its_own_rings_only(make: Callable[..., Room]) -> None:
    def fate_of_first_agent(other_rings: int) -> list[bool]:
        room = make(PeopleSection(seed=4, ring_s=1, reject_share=0.5, again_ready_s=1))
        fates = []
        for number in range(20):
            for other in range(other_rings):
                room.ring("a/2", f"other-{number}-{other}")
            room.ring("a/1", f"leg-{number}")
            room.timers.pass_s(1.5)
            fates.append(f"leg-{number}" in room.ends())
            for channel in list(room.switch.channels()):
                room.switch.end(channel, Cause.NORMAL)
        return fates

    alone, among_others = fate_of_first_agent(0), fate_of_first_agent(3)

    assert alone == among_others
    assert 2 < sum(alone) < 18


def test_who_missed_a_call_makes_itself_ready_again_and_nobody_else_does(make: Callable[..., Room]) -> None:
    room = make(PeopleSection(miss_share=1, again_ready_s=10))
    for phone in room.phones:
        phone.is_on_duty = True
    room.ring("a/1")
    room.timers.pass_s(15)  # the branch's ring limit
    room.switch.end(room.switch.channel("leg"), Cause.NORMAL)

    room.timers.pass_s(9.9)
    assert room.codes() == []
    room.timers.pass_s(0.2)

    assert room.codes() == ["ready"]
    assert room.told[-1]["facts"]["agent"] == "a/1"


def test_free_agents_sign_in_again_when_the_branch_comes_back(make: Callable[..., Room]) -> None:
    room = make()
    for phone in room.phones:
        phone.is_on_duty = True
    room.ring("a/1")

    room.phones.application_came()

    assert [(f["facts"]["agent"], f["facts"]["code"]) for f in room.started_codes()] == [("a/2", "login")]


def test_a_code_that_nobody_confirms_is_dialled_again(room: Room) -> None:
    next(iter(room.phones)).begin_shift()

    room.timers.pass_s(7)
    assert room.codes() == ["login", "login"]
    for channel in list(room.switch.channels()):
        room.switch.end(channel, Cause.NORMAL)

    assert room.codes() == ["login", "login", "ready"]


def test_a_channel_moves_from_bridge_to_bridge_and_leaves_the_others_alone(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)
    room.ring()
    room.timers.pass_s(2)
    room.join("caller", "leg")

    room.switch.create_bridge("music", BridgeKind.HOLDING)
    room.switch.add("music", "caller")

    members = {
        bridge.bridge_id: [each.channel_id for each in bridge.members] for bridge in room.switch.bridges()
    }
    assert members == {"talk": ["leg"], "music": ["caller"]}


def test_a_destroyed_bridge_leaves_its_members_alive(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)
    room.ring()
    room.timers.pass_s(2)
    room.join("caller", "leg")

    room.switch.destroy_bridge("talk")

    assert room.ends() == {}
    with pytest.raises(RefusedError, match="no bridge talk"):
        room.switch.add("talk", "caller")


# --- what callers are played -------------------------------------------------------------------


def test_what_is_played_comes_one_after_the_other_and_is_answered_with_the_next_keys(room: Room) -> None:
    room.call(handle_s=30, patience_s=None, keys=["1", "4711#"])

    room.playing.play("caller", "first", ["prompt:welcome", "number:3"], "zh-CN")
    room.playing.play("caller", "second", ["prompt:menu"], "en")
    room.timers.pass_s(3.9)
    assert room.heard() == ["1"]
    room.timers.pass_s(0.2)
    assert room.heard() == ["1", "first"]
    room.timers.pass_s(2)

    assert room.heard() == ["1", "first", "4", "7", "1", "1", "#", "second"]


def test_what_is_stopped_ends_at_once_and_the_next_begins(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)
    for name in ("first", "second", "third"):
        room.playing.play("caller", name, ["prompt:welcome"], "zh-CN")

    room.playing.stop("second")
    room.playing.stop("first")
    room.timers.pass_s(1.9)
    assert room.heard() == ["second", "first"]
    room.timers.pass_s(0.2)

    assert room.heard() == ["second", "first", "third"]
    with pytest.raises(RefusedError, match="no playback first"):
        room.playing.stop("first")


def test_what_nobody_would_hear_or_could_play_is_refused(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)
    room.playing.play("caller", "taken", ["prompt:welcome"], "zh-CN")

    for channel, name, media, language in (
        ("nobody", "a", ["prompt:x"], "en"),
        ("caller", "taken", ["prompt:x"], "en"),
        ("caller", "b", ["song:x"], "en"),
        ("caller", "c", [], "en"),
        ("caller", "d", ["prompt:x"], "fr"),
    ):
        with pytest.raises(RefusedError):
            room.playing.play(channel, name, media, language)


def test_a_key_of_a_caller_whom_nobody_has_answered_is_heard_by_nobody(room: Room) -> None:
    room.call(handle_s=30, patience_s=None)
    room.switch.originate("leg", Kind.PHONE, room.phones.ring("a/1"), {})

    room.switch.pressed(room.switch.channel("leg"), "1")
    room.switch.pressed(room.switch.channel("caller"), "2")

    assert room.heard() == ["2"]
