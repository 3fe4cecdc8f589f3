"""Recordings that Asterisk has been asked for and has not begun: what is wanted of them waits.

It begins a recording some time after it has taken the request, and refuses to pause or to
stop one before.
"""

from branch.telephony.driver.vocabulary import Do, Frame

_LATER = (Do.STOP_RECORDING, Do.PAUSE_RECORDING, Do.UNPAUSE_RECORDING)


class Taping:
    """Requests by the recording that they wait for; one that we know nothing of has begun long ago."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Frame]] = {}

    def is_early(self, frame: Frame) -> bool:
        """Whether the request has to wait, and is kept here; a request to record is what others wait for."""
        if frame["do"] == Do.RECORD:
            self._waiting[frame["recording"]] = []
        elif frame["do"] in _LATER and frame["recording"] in self._waiting:
            self._waiting[frame["recording"]].append(frame)
            return True
        return False

    def begun(self, recording: str) -> list[Frame]:
        """It runs, has ended or was refused: these can be sent."""
        return self._waiting.pop(recording, [])
