"""What a waiting caller is told, as the names of sounds that every Asterisk has in its languages."""

_MINUTE_S = 60


def announcement(position: int | None, expected_wait_s: int | None) -> list[str]:
    """The sounds, in the order in which they are played.

    Args:
        position: 1 for the head of the queue; None when it is not told.
        expected_wait_s: None when nobody can tell.
    """
    return _place(position) + _wait(expected_wait_s)


def _place(position: int | None) -> list[str]:
    if position is None:
        return []
    if position == 1:
        return ["sound:queue-youarenext"]
    return ["sound:queue-thereare", f"number:{position - 1}", "sound:queue-callswaiting"]


def _wait(expected_wait_s: int | None) -> list[str]:
    """In whole minutes: nobody believes seconds."""
    if expected_wait_s is None:
        return []
    minutes = round(expected_wait_s / _MINUTE_S)
    if minutes <= 1:
        return ["sound:queue-holdtime", "sound:queue-less-than", "number:2", "sound:queue-minutes"]
    return ["sound:queue-holdtime", f"number:{minutes}", "sound:queue-minutes"]
