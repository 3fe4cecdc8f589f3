from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr

from node.settings import (
    ClockSection,
    DatabaseSection,
    EtcdSection,
    Fault,
    ListenSettings,
    Section,
    SettingsError,
    TlsSettings,
    load,
)


class Simulated(Section):
    driver: Literal["simulated"]
    port: int


class Asterisk(Section):
    driver: Literal["asterisk"]
    host: str


class Queue(Section):
    name: str
    wrap_up_limit_ms: int = Field(default=0, ge=0)


class Site(Section):
    """As a branch would put its file together."""

    listen: ListenSettings
    tls: TlsSettings
    database: DatabaseSection
    clock: ClockSection = ClockSection()
    etcd: EtcdSection | None = None
    telephony: Annotated[Simulated | Asterisk, Field(discriminator="driver")]
    queue: tuple[Queue, ...] = ()


GOOD = """
[listen]
port = 7443
metrics_port = 9443

[tls]
plaintext = true

[database]
url = "sqlite:///site.db"

[telephony]
driver = "simulated"
port = 5060
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def loaded(file: Path, text: str, environ: dict[str, str] | None = None) -> Site:
    file.write_text(text, encoding="utf-8")
    return load(Site, file, environ or {})


def faults(file: Path, text: str, environ: dict[str, str] | None = None) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as refused:
        loaded(file, text, environ)
    return refused.value.faults


def test_a_good_file_becomes_frozen_settings(file: Path) -> None:
    site = loaded(file, GOOD)

    assert (site.listen.host, site.listen.port) == ("127.0.0.1", 7443)
    assert isinstance(site.telephony, Simulated)
    with pytest.raises(ValueError, match="frozen"):
        site.listen.port = 1  # type: ignore[misc]  # what this test is about


def test_three_faults_are_reported_together_each_with_its_line(file: Path) -> None:
    text = GOOD.replace("port = 7443", "port = 70000").replace("url =", "uri =")

    with pytest.raises(SettingsError) as refused:
        loaded(file, text)

    assert str(refused.value).splitlines() == [
        f"{file}: 3 faults",
        "  line 3: listen.port: must be at most 65535, got 70000",
        "  line 9: database.url: is missing",
        "  line 10: database.uri: is not a known key; did you mean 'url'?",
    ]


def test_a_fault_in_the_second_of_two_queues_names_its_line(file: Path) -> None:
    text = GOOD + '[[queue]]\nname = "sales"\n[[queue]]\nname = "service"\nwrap_up_limit_ms = -1\n'

    [fault] = faults(file, text)

    assert (fault.place, fault.line) == (
        "queue[1].wrap_up_limit_ms",
        text.splitlines().index("wrap_up_limit_ms = -1") + 1,
    )


def test_a_value_over_many_lines_does_not_shift_the_lines_below(file: Path) -> None:
    text = (
        '[[queue]]\nname = """\nline [x]\ny = 1\n"""\nwrap_up_limit_ms = [\n  1, # two\n]\nnane = 1\n' + GOOD
    )

    found = {fault.place: fault.line for fault in faults(file, text)}

    assert found == {"queue[0].wrap_up_limit_ms": 6, "queue[0].nane": 9}


def test_places_are_what_the_author_wrote_without_the_driver_between(file: Path) -> None:
    [missing, unknown] = faults(file, GOOD.replace("port = 5060", "prot = 5060"))

    assert (missing.place, missing.line) == ("telephony.port", 12)
    assert (unknown.place, unknown.line) == ("telephony.prot", 14)
    assert "did you mean 'port'?" in unknown.problem


def test_an_unknown_driver_names_those_there_are(file: Path) -> None:
    [fault] = faults(file, GOOD.replace('"simulated"', '"cisco"'))

    assert fault.place == "telephony"
    assert "'simulated'" in fault.problem
    assert "'asterisk'" in fault.problem


def test_a_key_like_no_other_gets_no_suggestion(file: Path) -> None:
    [fault] = faults(file, "colour = 1\n" + GOOD)

    assert fault.problem == "is not a known key"
    assert fault.line == 1


def test_the_environment_overrides_the_file(file: Path) -> None:
    site = loaded(
        file,
        GOOD,
        {
            "TRUNKLINE__LISTEN__PORT": "8443",
            "TRUNKLINE__ETCD__ENDPOINTS": '["10.0.0.1:2379", "10.0.0.2:2379"]',
            "TRUNKLINE__DATABASE__URL": "[not JSON, and no array is wanted]",
            "TRUNKLINE_LANG": "de",
        },
    )

    assert site.listen.port == 8443
    assert site.etcd is not None
    assert site.etcd.endpoints == ("10.0.0.1:2379", "10.0.0.2:2379")
    assert site.database.url.get_secret_value() == "[not JSON, and no array is wanted]"


def test_the_environment_reaches_into_an_array_of_tables(file: Path) -> None:
    site = loaded(
        file, GOOD + '[[queue]]\nname = "sales"\n', {"TRUNKLINE__QUEUE__0__WRAP_UP_LIMIT_MS": "5000"}
    )

    assert site.queue == (Queue(name="sales", wrap_up_limit_ms=5000),)


def test_a_fault_of_the_environment_names_its_variable(file: Path) -> None:
    environ = {
        "TRUNKLINE__LISTEN__PORT": "many",
        "TRUNKLINE__LOGS__LEVEL": "info",
        "TRUNKLINE__QUEUE__3__NAME": "sales",
        "TRUNKLINE__ETCD__ENDPOINTS": '["a:1"',
    }

    assert [str(fault) for fault in faults(file, GOOD, environ)] == [
        "TRUNKLINE__ETCD__ENDPOINTS: must be an array, got '[\"a:1\"'",
        "TRUNKLINE__LISTEN__PORT: must be a whole number, got 'many'",
        "TRUNKLINE__LOGS__LEVEL: is not a known key",
        "TRUNKLINE__QUEUE__3__NAME: fits nowhere in this file",
    ]


def test_a_variable_that_fits_nowhere_is_a_fault_by_itself(file: Path) -> None:
    [fault] = faults(file, GOOD, {"TRUNKLINE__LISTEN__PORT__MORE": "1"})

    assert (fault.variable, fault.problem) == ("TRUNKLINE__LISTEN__PORT__MORE", "fits nowhere in this file")


def test_a_secret_is_in_no_message_and_no_repr(file: Path) -> None:
    [fault] = faults(file, GOOD.replace('"sqlite:///site.db"', "4711"))

    assert fault.problem == "must be text in quotes"
    assert "site.db" not in repr(loaded(file, GOOD))


def test_broken_toml_names_its_line(file: Path) -> None:
    [fault] = faults(file, "[listen]\nport = = 3\n")

    assert fault.line == 2
    assert fault.problem.startswith("not TOML")


def test_a_file_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file") as refused:
        load(Site, tmp_path / "none.toml", {})

    assert len(refused.value.faults) == 1


def test_a_file_in_another_encoding_is_one_fault(file: Path) -> None:
    file.write_bytes("name = '北京'".encode("gb18030"))

    with pytest.raises(SettingsError, match="not UTF-8"):
        load(Site, file, {})


def test_files_are_looked_for_beside_the_settings_file(tmp_path: Path) -> None:
    folder = tmp_path / "北京 site"
    folder.mkdir()
    for name in ("ca.pem", "site.pem", "site.key"):
        (folder / name).touch()
    tls = '[tls]\nca = "ca.pem"\ncert = "site.pem"\nkey = "site.key"'

    site = loaded(folder / "site.toml", GOOD.replace("[tls]\nplaintext = true", tls))

    assert site.tls.key == folder / "site.key"


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        ("[tls]", "needs ca, cert and key"),
        ('[tls]\nplaintext = true\nca = "site.toml"', "leaves no use for ca"),
        ('[tls]\nca = "site.toml"\ncert = "site.toml"\nkey = "none.key"', "there is no file"),
    ],
)
def test_tls_is_three_files_or_plaintext_that_was_asked_for(file: Path, tls: str, problem: str) -> None:
    [fault] = faults(file, GOOD.replace("[tls]\nplaintext = true", tls))

    assert problem in fault.problem
    assert fault.place.startswith("tls")


def test_the_etcd_password_comes_from_its_file(tmp_path: Path, file: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")

    site = loaded(file, GOOD + '[etcd]\nendpoints = ["a:1"]\nuser = "root"\npassword_file = "password"\n')

    assert site.etcd is not None
    assert site.etcd.password() == SecretStr("open sesame")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "password: is not UTF-8 text (byte 0)"),
        (b"\n", "password is empty; write a password into it"),
    ],
)
def test_a_file_that_holds_no_password_is_a_fault_and_not_shown(
    tmp_path: Path, file: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "password").write_bytes(content)

    [fault] = faults(file, GOOD + '[etcd]\nendpoints = ["a:1"]\nuser = "root"\npassword_file = "password"\n')

    assert fault.place == "etcd.password_file"
    assert problem in fault.problem


@pytest.mark.parametrize("endpoint", ["localhost", "http://10.0.0.1:2379", "10.0.0.1:etcd"])
def test_an_etcd_endpoint_is_a_host_and_a_port(file: Path, endpoint: str) -> None:
    [fault] = faults(file, GOOD + f'[etcd]\nendpoints = ["a:1", "{endpoint}"]\n')

    assert fault.place == "etcd.endpoints[1]"
    assert "write host:port" in fault.problem


def test_a_user_without_a_password_is_a_fault(file: Path) -> None:
    [fault] = faults(file, GOOD + '[etcd]\nendpoints = ["a:1"]\nuser = "root"\n')

    assert fault.place == "etcd"


def test_a_fast_clock_needs_its_origin(file: Path) -> None:
    [fault] = faults(file, GOOD + "[clock]\nspeed = 60.0\n")

    assert "started_at_utc_us" in fault.problem
