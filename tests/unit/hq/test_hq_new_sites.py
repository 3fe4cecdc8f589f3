"""Branches added to HQ's file while HQ runs."""

import asyncio
import os
from pathlib import Path

import pytest

from hq.app import start_hq
from hq.new_sites import NewSites
from hq.serving.client import connect
from hq.settings import BranchSection, HqSettings
from node.lifecycle import Tasks
from node.settings import load
from node.troubles import TroubleError
from sync.link.tls import Plaintext
from tests.fakes.hq_file import FILE

ENTRY = '\n[[site]]\nid = "{site}"\naddress = "10.0.0.9:7443"\ntime_zone = "Asia/Shanghai"\n'
LIMIT_S = 20.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "hq.toml"
    file.write_text(FILE.replace("sqlite:///hq.db", f"sqlite:///{tmp_path}/hq.db"), encoding="utf-8")
    return file


def add_lhasa(file: Path) -> None:
    with file.open("a", encoding="utf-8") as text:
        text.write(ENTRY.format(site="lhasa"))


class Followed:
    """A file that is followed, and who was admitted."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.admitted: list[str] = []
        self.trouble: TroubleError | None = None
        self.sites = NewSites(file, {}, ["beijing"], self._admit)
        self._now_ns = 1

    async def write(self, text: str) -> None:
        """Write the file as of a later moment, and look."""
        self.file.write_text(text, encoding="utf-8")
        self._now_ns += 1
        os.utime(self.file, ns=(self._now_ns, self._now_ns))
        await self.sites.look()

    async def _admit(self, section: BranchSection) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.admitted.append(section.id)


async def test_a_new_branch_is_taken_in_once(file: Path) -> None:
    followed, text = Followed(file), FILE

    await followed.write(text + ENTRY.format(site="lhasa"))
    await followed.write(text + ENTRY.format(site="lhasa") + ENTRY.format(site="harbin"))
    await followed.sites.look()

    assert followed.admitted == ["lhasa", "harbin"]


async def test_a_file_that_is_bad_for_a_while_changes_nothing(file: Path) -> None:
    followed, text = Followed(file), FILE

    await followed.write("[hq\n")
    await followed.write(text + ENTRY.format(site="lhasa"))

    assert followed.admitted == ["lhasa"]


async def test_what_could_not_be_taken_in_is_tried_again(file: Path) -> None:
    followed, text = Followed(file), FILE
    followed.trouble = TroubleError("the database is away")
    await followed.write(text + ENTRY.format(site="lhasa"))
    followed.trouble = None

    await followed.sites.look()

    assert followed.admitted == ["lhasa"]


async def test_a_running_hq_shows_a_branch_that_was_added(file: Path) -> None:
    tasks = Tasks()
    hq = await start_hq(load(HqSettings, file, {}), tasks, file)
    try:
        add_lhasa(file)
        async with asyncio.timeout(LIMIT_S), connect("127.0.0.1", hq.port, Plaintext()) as client:
            while [each["site_id"] for each in await client.sites()] != ["beijing", "lhasa"]:  # noqa: ASYNC110 - it looks now and then
                await asyncio.sleep(0.05)
    finally:
        await hq.close()
        await tasks.cancel()
