"""The pull of one site: rows first, then the proof of each due day, then its certificate.

Stops between batches when asked to: every batch is a transaction, so nothing is half done.
"""

from collections.abc import Awaitable, Callable, Sequence

from hq.consolidate.progress import Phase
from hq.consolidate.proving import Proving
from hq.consolidate.taking import meet
from hq.consolidate.work import PullWork


async def pull_site(work: PullWork, due_days: Callable[[], Awaitable[Sequence[str]]]) -> None:
    """Take all rows, then certify what `due_days` then says, the oldest day first.

    Raises:
        RouterError: what stood in the way; everything taken so far stays.
    """
    taking = await meet(work)
    await taking.take_all()
    days = await due_days()
    work.board.show(work.site_id, phase=Phase.VERIFYING, due_count=len(days))
    proving = Proving(work, taking)
    for day in days:
        work.check_stop()
        await proving.certify(day)
    await work.pull.finish()
