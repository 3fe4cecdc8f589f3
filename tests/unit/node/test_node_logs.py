import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from node import logs
from node.logs import REDACTED


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(level: logs.Level = "info", /, **fields: object) -> dict[str, Any]:
    stream = io.StringIO()
    logs.configure(level=level, style="json", site_id="beijing", stream=stream)
    log = structlog.get_logger()
    (log.debug if level == "debug" else log.info)("call_arrived", **fields)
    parsed: dict[str, Any] = json.loads(stream.getvalue())
    return parsed


def test_a_line_is_json_with_its_site_and_a_utc_time() -> None:
    line = written(queue="销售", waited_ms=20)

    assert (line["event"], line["site_id"], line["queue"], line["waited_ms"]) == (
        "call_arrived",
        "beijing",
        "销售",
        20,
    )
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("key", ["caller", "caller_number", "ani", "Number", "dialled_number"])
def test_a_caller_number_stands_on_no_line_above_debug(key: str) -> None:
    assert written("info", **{key: "+8613800138000"})[key] == REDACTED
    assert written("debug", **{key: "+8613800138000"})[key] == "+8613800138000"


@pytest.mark.parametrize("key", ["password", "token", "handoff_token", "client_secret"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_secret_stands_on_no_line_at_all(key: str, level: logs.Level) -> None:
    assert written(level, **{key: "open sesame"})[key] == REDACTED


def test_what_is_nested_is_redacted_too() -> None:
    line = written(call={"caller": "+8613800138000", "legs": [{"ani": "123", "queue": "sales"}]})

    assert line["call"] == {"caller": REDACTED, "legs": [{"ani": REDACTED, "queue": "sales"}]}


def test_counts_say_nothing_about_anybody() -> None:
    assert written(token_count=3, caller=None)["token_count"] == 3


def test_lines_of_libraries_take_the_same_way() -> None:
    stream = io.StringIO()
    logs.configure(level="info", style="json", site_id="beijing", stream=stream)

    logging.getLogger("sqlalchemy").warning("pool is full", extra={"password": "open sesame"})

    line = json.loads(stream.getvalue())
    assert (line["event"], line["site_id"], line["logger"]) == ("pool is full", "beijing", "sqlalchemy")
    assert line["password"] == REDACTED


def test_a_failure_is_logged_with_its_kind_and_place() -> None:
    stream = io.StringIO()
    logs.configure(level="info", style="json", stream=stream)

    try:
        raise ConnectionError("PBX gone")
    except ConnectionError as error:
        structlog.get_logger().error("task_crashed", exc_info=error)

    line = json.loads(stream.getvalue())
    assert line["exception"][0]["exc_type"] == "ConnectionError"
    assert "site_id" not in line


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    logs.configure(level="warning", style="console", stream=stream)

    structlog.get_logger().info("call_arrived")

    assert stream.getvalue() == ""


def test_people_get_plain_lines_when_nobody_looks_at_a_terminal() -> None:
    stream = io.StringIO()
    logs.configure(level="info", style="console", stream=stream)

    structlog.get_logger().info("call_arrived", queue="sales", token="x")

    assert "call_arrived" in stream.getvalue()
    assert "queue=sales" in stream.getvalue()
    assert f"token={REDACTED}" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
