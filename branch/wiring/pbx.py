"""The driver of the PBX that the file names."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from branch.settings import BranchSettings
from branch.telephony.asterisk.link import AsteriskLink
from branch.telephony.driver.driver import PbxDriver
from branch.telephony.driver.link import PbxLink
from branch.telephony.settings import AsteriskTelephonySection
from branch.telephony.simulated.link import Link
from node.lifecycle import Tasks
from router.call import Language
from router.ids import SiteId


def pbx_driver(
    settings: BranchSettings,
    tasks: Tasks,
    trunks: Mapping[SiteId, str],
    new_id: Callable[[], str],
    language: Language,
) -> PbxDriver:
    """Raises:
    OSError: the password's file cannot be read.
    """

    def start_task(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return tasks.start(coroutine, name="pbx")

    telephony, site = settings.telephony, settings.site
    password = telephony.password()
    open_link: Callable[[], Awaitable[PbxLink]]
    if isinstance(telephony, AsteriskTelephonySection):
        open_link = partial(
            AsteriskLink.open,
            telephony.address,
            telephony.user,
            password,
            site.id,
            telephony.shard_count,
            {each.name: each.shown_number for each in telephony.line if each.shown_number is not None},
            is_encrypted=telephony.sip.is_media_encrypted,
        )
    else:
        open_link = partial(Link.open, telephony.address, password, site.id)
    publics = {SiteId(each.site): each.public for each in settings.overflow.peer if each.public is not None}
    return PbxDriver(
        address=telephony.address,
        open_link=open_link,
        trunks=trunks,
        publics=publics,
        new_id=new_id,
        start_task=start_task,
        language=language,
    )
