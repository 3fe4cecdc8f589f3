"""People's time: seconds of the lab, which pass faster than the machine's."""

import asyncio
from collections.abc import Callable


class LabTimers:
    """Calls back after lab milliseconds on the running loop."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._is_stopped = False

    def after(self, delay_ms: float, act: Callable[[], object]) -> asyncio.TimerHandle:
        return self._loop.call_later(max(0.0, delay_ms) / 1000 / self._speed, self._run, act)

    def after_real(self, delay_s: float, act: Callable[[], object]) -> asyncio.TimerHandle:
        """Where people wait for a machine: seconds of the machine's own."""
        return self._loop.call_later(delay_s, self._run, act)

    def stop(self) -> None:
        """Nothing is called back any more."""
        self._is_stopped = True

    def _run(self, act: Callable[[], object]) -> None:
        if not self._is_stopped:
            act()
