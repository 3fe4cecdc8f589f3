"""Keys of a terminal, one at a time, and the terminal as it was afterwards."""

import asyncio
import codecs
import os
import re
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

ESCAPE = "\x1b"
ENTER = "\r"
BACKSPACE = "\x7f"

# ECMA-48: CSI or SS3 sequences, as cursor keys send them. They mean nothing here.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)")
_SAME = {"\n": ENTER, "\b": BACKSPACE}


class KeyReader:
    """Bytes of a terminal as keys."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def keys(self, data: bytes) -> list[str]:
        """The keys in what was read; a character cut in the middle comes with its rest."""
        text = _SEQUENCE.sub("", self._decoder.decode(data))
        return [_SAME.get(each, each) for each in text]


@contextmanager
def raw_keys(descriptor: int, queue: "asyncio.Queue[str | None]") -> Iterator[None]:
    """Put each key into `queue` as it is pressed, without echo; None when the terminal is gone.

    Ctrl-C stays a signal. However this is left, the terminal is as it was before.
    """
    loop, reader = asyncio.get_running_loop(), KeyReader()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        try:
            data = os.read(descriptor, 1024)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(descriptor)
            queue.put_nowait(None)
        for key in reader.keys(data):
            queue.put_nowait(key)

    tty.setcbreak(descriptor, termios.TCSANOW)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
