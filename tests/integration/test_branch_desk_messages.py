"""Messages of callers over real gRPC: listed, counted, heard."""

import asyncio
import uuid

import pytest

from branch.people import message_box
from branch.store.voicemails import Voicemail
from router.ids import CallId, QueueId
from sync.link.refusals import RefusedError
from tests.fakes.desk_site import KIM, QUEUE, DeskSite
from tests.fakes.desk_steps import (
    logged_in,
    until,
)


def left(queue_id: QueueId = QUEUE) -> Voicemail:
    return Voicemail(
        call_id=CallId(str(uuid.uuid4())),
        queue_id=queue_id,
        left_utc_us=1_700_000_000_000_000,
        number="+8613800138000",
        heard_utc_us=None,
        heard_by=None,
    )


async def test_messages_are_listed_counted_and_marked_as_heard(
    site: DeskSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_box, "_LOOK_INTERVAL_S", 0.01)
    following = asyncio.create_task(site.messages.follow())
    client = await logged_in(site)
    message = left()
    site.kept_messages.kept.append(message)
    await until(client, lambda seen: QUEUE in seen.queues and seen.queues[QUEUE].messages_unheard == 1)

    [listed] = await client.messages(with_heard=False)
    await client.mark_heard(message.call_id)
    await until(client, lambda seen: QUEUE in seen.queues and seen.queues[QUEUE].messages_unheard == 0)
    following.cancel()

    assert (listed.call_id, listed.number, listed.heard_by) == (message.call_id, "+8613800138000", None)
    assert await client.messages(with_heard=False) == []
    assert [each.heard_by for each in await client.messages(with_heard=True)] == [KIM]


async def test_a_message_that_nobody_left_is_unknown(site: DeskSite) -> None:
    client = await logged_in(site, "lee")

    with pytest.raises(RefusedError) as refusal:
        await client.mark_heard(CallId(str(uuid.uuid4())))

    assert refusal.value.reason == "MESSAGE_UNKNOWN"
