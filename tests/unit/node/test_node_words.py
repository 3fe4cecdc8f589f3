import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import Field

from hq.consolidate.taking import FREEZING
from node import words
from node.settings import Section, SettingsError, load


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    words.use("en")


@pytest.mark.parametrize("lang", ["zh-CN", "zh_CN", "zh-Hans", "ZH"])
def test_chinese_is_spoken_when_asked_for(lang: str) -> None:
    words.use(lang)

    assert words.text("is missing") == "缺失"
    assert words.plural("{count} day", "{count} days", 3) == "3 天"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LC_MESSAGES": "en_US", "LC_ALL": "zh_CN.gb18030@pinyin"}, "zh_CN"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh_CN"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_decides_when_nobody_asks(environ: dict[str, str], language: str) -> None:
    words.use(None, environ)

    assert words.language() == language


def test_a_language_without_a_catalog_is_refused_and_changes_nothing() -> None:
    words.use("zh-CN")

    with pytest.raises(words.UnknownLanguageError, match="zh-CN"):
        words.use("fr")

    assert words.language() == "zh_CN"


def test_english_counts() -> None:
    assert words.plural("{count} day", "{count} days", 1) == "1 day"
    assert words.plural("{count} day", "{count} days", 2) == "2 days"


def test_a_message_nobody_has_translated_stays_english() -> None:
    words.use("zh-CN")

    assert words.text("never extracted: {value}", value=3) == "never extracted: 3"


def test_a_value_with_braces_is_shown_as_it_is() -> None:
    assert words.text("must match {pattern}", pattern="[a-z]{1,40}") == "must match [a-z]{1,40}"


def test_a_refusal_is_told_with_its_ids() -> None:
    words.use("zh-CN")

    assert words.refusal("QUEUE_UNKNOWN", queue_id="support", peer="x") == (
        "本站点没有配置队列 support；请检查站点文件中的 [[queue]]"
    )


def test_what_a_servers_port_failed_for_is_told_in_the_readers_language() -> None:
    words.use("zh-CN")

    taken = OSError(errno.EADDRNOTAVAIL, "cannot listen there; is the port taken?", "127.0.0.1:7100")

    assert words.told_os_error(taken) == "无法在此监听；端口是否已被占用？"


def test_who_may_not_ask_hq_is_told_in_the_readers_language() -> None:
    words.use("zh-CN")

    assert (words.refusal("PEER_IS_NO_OPERATOR", sender="site/beijing") or "").startswith("site/beijing 无权")


@pytest.mark.parametrize("reason", sorted(FREEZING))
def test_why_a_site_is_frozen_is_told_in_the_readers_language(reason: str) -> None:
    words.use("zh-CN")

    told = words.refusal(reason, said="ledger: epoch 2", problem="ledger: epoch 2")

    assert told is not None
    assert "ledger: epoch 2" in told
    assert "trunkline hq readmit" in told
    assert "总部" in told or "站点" in told


def test_a_refusal_nobody_has_worded_is_left_to_the_domain() -> None:
    assert words.refusal("NEVER_HEARD_OF") is None
    assert words.refusal("QUEUE_UNKNOWN") is None


class Desk(Section):
    count: int = Field(ge=1)


def test_a_bad_file_is_explained_in_chinese(tmp_path: Path) -> None:
    words.use("zh-CN")
    (tmp_path / "desk.toml").write_text("count = 0\ncuont = 1\n")

    with pytest.raises(SettingsError) as refused:
        load(Desk, tmp_path / "desk.toml", {})

    assert str(refused.value).splitlines()[1:] == [
        "  第 1 行：count: 不得小于 1，实际为 0",
        "  第 2 行：cuont: 不是已知的键；是否想写 'count'？",
    ]
