"""One line an event, JSON for machines or coloured for people, with secrets and caller numbers taken out.

Goes to standard error: standard output belongs to a command's result. Records of
libraries that use `logging` take the same way.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_WORDS = frozenset(
    {"password", "secret", "token", "authorization", "cookie", "credential", "credentials"}
)
_NUMBER_WORDS = frozenset(
    {"caller", "callee", "number", "ani", "dialed", "dialled", "msisdn", "phone", "note", "notes"}
)
"""Redacted above DEBUG: who called, and what was noted of it, is not for a log that many read and nobody
erases."""

Level = Literal["debug", "info", "warning", "error"]
Style = Literal["json", "console"]


def configure(
    *, level: Level, style: Style, site_id: str | None = None, stream: TextIO | None = None
) -> None:
    """Send every log line of the process to `stream` (standard error unless given).

    `site_id` stands on each line, so that lines of several nodes can be read together.
    """
    target = sys.stderr if stream is None else stream
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    if site_id is not None:
        before.append(_Bound({"site_id": site_id}))
    before.append(redact)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _send_to(
        target,
        level,
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=_last(style, target)),
    )


def redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Take secrets out of every event, and caller numbers out of all above DEBUG."""
    words = _SECRET_WORDS if event.get("level") == "debug" else _SECRET_WORDS | _NUMBER_WORDS
    return {key: value if key == "event" else _clean(key, value, words) for key, value in event.items()}


def _clean(key: str, value: Any, words: frozenset[str]) -> Any:
    if not words.isdisjoint(key.lower().split("_")):
        return _hidden(value)
    if isinstance(value, Mapping):
        return {inner: _clean(str(inner), each, words) for inner, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean("", each, words) for each in value]
    return value


def _hidden(value: Any) -> Any:
    """Counts, flags and None say nothing about anybody: `token_count=3` stays readable."""
    return value if value is None or isinstance(value, (bool, int, float)) else REDACTED


class _Bound:
    """Puts fixed fields on every event that does not bring its own."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __call__(self, _logger: WrappedLogger, _name: str, event: MutableMapping[str, Any]) -> EventDict:
        return {**self._fields, **event}


def _last(style: Style, stream: TextIO) -> list[Processor]:
    first: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if style == "console":
        return [*first, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    return [
        *first,
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _send_to(stream: TextIO, level: Level, formatter: logging.Formatter) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    lines = logging.StreamHandler(stream)
    lines.setFormatter(formatter)
    root.addHandler(lines)
    root.setLevel(level.upper())
