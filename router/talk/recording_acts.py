"""What is done with a recording, and why it ends."""

from enum import StrEnum


class RecordingAct(StrEnum):
    """What an agent may ask for where the queue records on demand."""

    START = "START"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    STOP = "STOP"


class RecordingEnd(StrEnum):
    STOPPED = "STOPPED"
    """By the agent."""
    TALK_OVER = "TALK_OVER"
    PBX_ENDED = "PBX_ENDED"
    """By the PBX itself, while the talk went on."""
