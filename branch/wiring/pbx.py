"""The driver of the PBX that the file names."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from branch.settings import BranchSettings
from branch.telephony.driver.driver import PbxDriver
from branch.telephony.simulated.link import Link
from node.lifecycle import Tasks
from router.ids import SiteId


def pbx_driver(
    settings: BranchSettings, tasks: Tasks, trunks: Mapping[SiteId, str], new_id: Callable[[], str]
) -> PbxDriver:
    """Raises:
    OSError: the password's file cannot be read.
    """

    def start_task(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return tasks.start(coroutine, name="pbx")

    telephony = settings.telephony
    return PbxDriver(
        address=telephony.address,
        open_link=partial(Link.open, telephony.address, telephony.password(), settings.site.id),
        trunks=trunks,
        new_id=new_id,
        start_task=start_task,
    )
