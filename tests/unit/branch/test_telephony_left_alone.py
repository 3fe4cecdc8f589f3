"""Callers in Asterisk's folder whom no branch has heard of: told until the ledger has them."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from branch.telephony.asterisk.alone_name import read_name
from branch.telephony.asterisk.left_alone import WAITING, LeftAlone
from branch.telephony.port import AloneEnding, CallLeftAlone
from router.errors import NotAcceptingError, RouterError
from router.ids import CallId
from sync.clock import ManualClock

NOW_S = 1_764_403_200
CALLER = f"{NOW_S - 60}.95588.+8613800138000.trunkline-beijing-{NOW_S - 60}.7"
NAME = f"alone.{CALLER}"
SOUND = b"\0" * 1_000


class Books:
    """The branch behind the folder: what it was told, what its ledger has, whether it takes anything."""

    def __init__(self, folder: Path) -> None:
        self.told: list[CallLeftAlone] = []
        self.known: set[CallId] = set()
        self.refusal: RouterError | None = None
        self.process = LeftAlone(
            folder,
            clock=ManualClock(utc_us=NOW_S * 1_000_000),
            heard=self.hear,
            is_known=self.known.__contains__,
        )

    def hear(self, message: CallLeftAlone, if_refused: Callable[[RouterError], None]) -> None:
        self.told.append(message)
        if self.refusal is not None:
            if_refused(self.refusal)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def leave(folder: Path, name: str = NAME, *, content: bytes = SOUND, grown_ago_s: float = 30) -> Path:
    file = folder / f"{name}.wav"
    file.write_bytes(content)
    os.utime(file, (NOW_S - grown_ago_s, NOW_S - grown_ago_s))
    return file


def hang_up(folder: Path, *, gone_ago_s: float = 30, dialled: str = "") -> Path:
    """The same for a caller without a message; `dialled` is what Dial() said of the number."""
    file = folder / f"{NAME}.call"
    file.write_text(dialled, encoding="utf-8")
    os.utime(file, (NOW_S - gone_ago_s, NOW_S - gone_ago_s))
    return file


def names(folder: Path) -> set[str]:
    return {file.stem for file in folder.iterdir()}


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_message_is_told_once_and_has_one_name_when_the_ledger_has_it(
    books: Books, tmp_path: Path
) -> None:
    leave(tmp_path)
    await books.process.look()
    await books.process.look()

    [message] = books.told
    assert message.ending is AloneEnding.MESSAGE
    assert (message.dialled, message.caller_number) == ("95588", "+8613800138000")
    assert names(tmp_path) == {NAME, message.call_id}

    books.known.add(message.call_id)
    await books.process.look()

    assert names(tmp_path) == {message.call_id}
    assert (tmp_path / f"{message.call_id}.wav").read_bytes() == SOUND
    assert len(books.told) == 1


async def test_a_process_that_died_before_the_commit_tells_the_same_call_again(
    books: Books, tmp_path: Path
) -> None:
    leave(tmp_path)
    await books.process.look()
    again = Books(tmp_path)
    await again.process.look()

    assert again.told == books.told
    assert names(tmp_path) == {NAME, books.told[0].call_id}


async def test_a_message_that_was_refused_is_told_again(books: Books, tmp_path: Path) -> None:
    leave(tmp_path)
    books.refusal = NotAcceptingError("it drains")
    await books.process.look()
    books.refusal = None
    await books.process.look()
    await books.process.look()

    assert len(books.told) == 2


async def test_a_recording_that_still_grows_is_waited_for(books: Books, tmp_path: Path) -> None:
    leave(tmp_path, grown_ago_s=2)
    await books.process.look()

    assert books.told == []
    assert names(tmp_path) == {NAME}


async def test_whoever_hung_up_before_the_tone_has_left_no_message(books: Books, tmp_path: Path) -> None:
    leave(tmp_path, content=b"\0" * 44)
    await books.process.look()

    assert books.told == []
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("dialled", "ending"),
    [
        ("", AloneEnding.HUNG_UP),
        ("ANSWER", AloneEnding.PUT_THROUGH),
        ("NOANSWER", AloneEnding.HUNG_UP),
        ("CHANUNAVAIL", AloneEnding.HUNG_UP),
    ],
)
async def test_whoever_hung_up_is_told_once_and_forgotten_when_the_ledger_has_it(
    books: Books, tmp_path: Path, dialled: str, ending: AloneEnding
) -> None:
    hang_up(tmp_path, dialled=dialled)
    await books.process.look()
    await books.process.look()

    [call] = books.told
    assert (call.ending, call.dialled, call.caller_number) == (ending, "95588", "+8613800138000")
    assert names(tmp_path) == {NAME}

    books.known.add(call.call_id)
    await books.process.look()

    assert names(tmp_path) == set()
    assert len(books.told) == 1


async def test_a_caller_who_may_still_be_there_is_waited_for(books: Books, tmp_path: Path) -> None:
    hang_up(tmp_path, dialled=WAITING)
    await books.process.look()

    assert books.told == []
    assert files(tmp_path) == {f"{NAME}.call"}


async def test_a_caller_with_whom_asterisk_died_has_hung_up(books: Books, tmp_path: Path) -> None:
    hang_up(tmp_path, dialled=WAITING, gone_ago_s=2 * 3_600)
    await books.process.look()

    assert [call.ending for call in books.told] == [AloneEnding.HUNG_UP]


async def test_a_caller_whom_the_branch_has_taken_is_forgotten(books: Books, tmp_path: Path) -> None:
    name = read_name(CALLER)
    assert name is not None
    books.known.add(name.call_id)
    hang_up(tmp_path, dialled=WAITING)
    await books.process.look()

    assert (books.told, files(tmp_path)) == ([], set())


async def test_a_caller_whom_the_branch_had_met_when_it_came_back_is_no_second_call(
    books: Books, tmp_path: Path
) -> None:
    name = read_name(CALLER)
    assert name is not None
    books.known.add(name.call_id)
    hang_up(tmp_path)
    await books.process.look()

    assert books.told == []
    assert names(tmp_path) == set()


async def test_a_branch_that_is_back_is_given_time_to_write_of_a_caller_it_has_just_met(
    books: Books, tmp_path: Path
) -> None:
    hang_up(tmp_path, gone_ago_s=2)
    await books.process.look()

    assert books.told == []
    assert names(tmp_path) == {NAME}


async def test_whoever_has_left_a_message_is_told_of_by_it_alone(books: Books, tmp_path: Path) -> None:
    leave(tmp_path)
    hang_up(tmp_path)
    await books.process.look()

    [call] = books.told
    assert call.ending is AloneEnding.MESSAGE

    books.known.add(call.call_id)
    await books.process.look()

    assert files(tmp_path) == {f"{call.call_id}.wav"}
    assert len(books.told) == 1


async def test_whoever_said_nothing_into_the_tone_has_hung_up(books: Books, tmp_path: Path) -> None:
    leave(tmp_path, content=b"\0" * 44)
    hang_up(tmp_path)
    await books.process.look()

    assert [call.ending for call in books.told] == [AloneEnding.HUNG_UP]
    assert files(tmp_path) == {f"{NAME}.call"}


async def test_other_recordings_are_left_as_they_are(books: Books, tmp_path: Path) -> None:
    others = {"01a227ab-4700-7000-8000-000000000000", "alone.yesterday.95588.1.2", "alone.1.2"}
    for name in others:
        leave(tmp_path, name)
    await books.process.look()

    assert books.told == []
    assert names(tmp_path) == others


async def test_a_folder_that_is_away_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere is not there"):
        await Books(tmp_path / "nowhere").process.look()


def test_a_withheld_number_is_none() -> None:
    name = read_name(f"{NOW_S}.95588..x.7")

    assert name is not None
    assert name.caller_number is None


def test_what_was_dialled_may_hold_dots() -> None:
    name = read_name(f"{NOW_S}.sip.trunk-7.4001.trunkline-beijing-1.7")

    assert name is not None
    assert (name.dialled, name.caller_number) == ("sip.trunk-7", "4001")


def test_the_call_is_of_the_callers_own_moment_and_of_no_other_caller() -> None:
    first, second = (read_name(f"{NOW_S}.95588..x.{number}") for number in (7, 8))

    assert first is not None
    assert second is not None
    ids = [UUID(each.call_id) for each in (first, second)]
    assert [each.version for each in ids] == [7, 7]
    assert [each.int >> 80 for each in ids] == [NOW_S * 1_000] * 2
    assert ids[0] != ids[1]
