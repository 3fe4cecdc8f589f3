"""Moments as people at a terminal read them."""

from datetime import UTC, datetime


def moment(utc_us: int) -> str:
    """In the zone of the person's machine: it sits where the person does."""
    return datetime.fromtimestamp(utc_us / 1_000_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
