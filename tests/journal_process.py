"""A branch's journal as a process of its own, so that a test can kill it."""

import asyncio
import sys
from pathlib import Path

from node import logs
from sync.clock import ManualClock
from sync.link.tls import Tls
from tests.consolidations import NEXT_NOON_UTC_US, BranchNode
from tests.journals import open_branch


async def main(url: str, port: str, ca: str, certificate: str, key: str) -> None:
    """Serve until killed; says `ready` when it does."""
    logs.configure(level="info", style="console")
    branch = open_branch(url)
    tls = Tls.read(Path(ca), Path(certificate), Path(key))
    node = BranchNode(branch=branch, tls=tls, clock=ManualClock(utc_us=NEXT_NOON_UTC_US), port=int(port))
    await node.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
