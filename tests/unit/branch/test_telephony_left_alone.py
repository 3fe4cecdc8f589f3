"""Messages in Asterisk's folder that no branch has heard of: told until the ledger has them."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from branch.telephony.asterisk.left_alone import LeftAlone, read_name
from branch.telephony.port import LeftMessage
from router.errors import NotAcceptingError, RouterError
from router.ids import CallId
from sync.clock import ManualClock

NOW_S = 1_764_403_200
NAME = f"alone.{NOW_S - 60}.95588.+8613800138000.beijing-{NOW_S - 60}.7"
SOUND = b"\0" * 1_000


class Books:
    """The branch behind the folder: what it was told, what its ledger has, whether it takes anything."""

    def __init__(self, folder: Path) -> None:
        self.told: list[LeftMessage] = []
        self.known: set[CallId] = set()
        self.refusal: RouterError | None = None
        self.process = LeftAlone(
            folder,
            clock=ManualClock(utc_us=NOW_S * 1_000_000),
            heard=self.hear,
            is_known=self.known.__contains__,
        )

    def hear(self, message: LeftMessage, if_refused: Callable[[RouterError], None]) -> None:
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


def names(folder: Path) -> set[str]:
    return {file.stem for file in folder.iterdir()}


async def test_a_message_is_told_once_and_has_one_name_when_the_ledger_has_it(
    books: Books, tmp_path: Path
) -> None:
    leave(tmp_path)
    await books.process.look()
    await books.process.look()

    [message] = books.told
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
    message = read_name(f"alone.{NOW_S}.95588..x.7")

    assert message is not None
    assert message.caller_number is None


def test_the_call_is_of_the_messages_own_moment_and_of_no_other_message() -> None:
    first, second = (read_name(f"alone.{NOW_S}.95588..x.{number}") for number in (7, 8))

    assert first is not None
    assert second is not None
    ids = [UUID(each.call_id) for each in (first, second)]
    assert [each.version for each in ids] == [7, 7]
    assert [each.int >> 80 for each in ids] == [NOW_S * 1_000] * 2
    assert ids[0] != ids[1]
