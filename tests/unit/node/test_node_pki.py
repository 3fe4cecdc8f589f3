import asyncio
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog
from cryptography import x509

from node import pki
from node.pki import PkiError, ending
from node.settings import TlsSettings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.init_ca(tmp_path / "pki", "demo", now=NOW)
    return tmp_path / "pki"


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_certificate_says_which_site_of_which_cluster_it_is_for(folder: Path) -> None:
    issued = pki.issue(folder, "site", "beijing", ["10.0.0.1", "::1", "pbx.example.cn"], now=NOW)

    names = read(issued.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["trunkline://demo/site/beijing"]
    assert names.get_values_for_type(x509.DNSName) == [
        "beijing.site.demo.trunkline.internal",
        "pbx.example.cn",
    ]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.0.0.1"), ip_address("::1")]


def test_the_hq_has_no_name_of_its_own(folder: Path) -> None:
    issued = pki.issue(folder, "hq", "hq", [], now=NOW)

    assert issued.certificate.name == "hq.pem"
    assert pki.show(issued.certificate).names == ("trunkline://demo/hq", "hq.demo.trunkline.internal")


def test_a_certificate_is_signed_by_the_clusters_ca(folder: Path) -> None:
    issued = pki.issue(folder, "site", "beijing", [], now=NOW)

    read(issued.certificate).verify_directly_issued_by(read(folder / "ca.pem"))


def test_keys_are_for_their_owner_alone(folder: Path) -> None:
    issued = pki.issue(folder, "operator", "li", [], now=NOW)

    assert stat.S_IMODE(issued.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_ca_does_not_replace_the_first(folder: Path) -> None:
    before = (folder / "ca.pem").read_bytes()

    with pytest.raises(PkiError, match="not written over"):
        pki.init_ca(folder, "demo", now=NOW)

    assert (folder / "ca.pem").read_bytes() == before


@pytest.mark.parametrize("suffix", [".pem", ".key"])
def test_a_file_that_is_there_is_not_written_over(folder: Path, suffix: str) -> None:
    (folder / "site-beijing").with_suffix(suffix).write_text("mine")

    with pytest.raises(PkiError, match="site-beijing"):
        pki.issue(folder, "site", "beijing", [], now=NOW)

    assert len(list(folder.glob("site-beijing.*"))) == 1


def test_a_certificate_does_not_outlive_its_ca(tmp_path: Path) -> None:
    ca = pki.init_ca(tmp_path, "demo", now=NOW, days=30)

    assert pki.issue(tmp_path, "site", "beijing", [], now=NOW, days=397).not_after == ca.not_after


def test_an_ended_ca_signs_nothing(tmp_path: Path) -> None:
    pki.init_ca(tmp_path, "demo", now=NOW, days=30)

    with pytest.raises(PkiError, match="ended on 2026-12-22"):
        pki.issue(tmp_path, "site", "beijing", [], now=NOW + timedelta(days=31))


def test_a_node_whose_clock_is_behind_can_use_its_certificate_at_once(folder: Path) -> None:
    facts = pki.show(pki.issue(folder, "site", "beijing", [], now=NOW).certificate)

    assert facts.not_before == NOW - timedelta(hours=1)


@pytest.mark.parametrize("name", ["Beijing", "", "bei jing", "-beijing", "a" * 41, "../ca", "北京"])
def test_a_name_that_fits_no_certificate_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(PkiError, match="not usable"):
        pki.issue(folder, "site", name, [], now=NOW)


@pytest.mark.parametrize("host", ["", "a b", "https://pbx", "-x.cn", "10.0.0.1/8"])
def test_a_host_that_is_none_is_named(folder: Path, host: str) -> None:
    with pytest.raises(PkiError, match="neither an IP address nor a host name"):
        pki.issue(folder, "site", "beijing", [host], now=NOW)

    assert not (folder / "site-beijing.key").exists()


def test_without_a_ca_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(PkiError, match="trunkline pki init"):
        pki.issue(tmp_path, "site", "beijing", [], now=NOW)


def test_a_key_of_another_ca_is_noticed(folder: Path, tmp_path: Path) -> None:
    pki.init_ca(tmp_path / "other", "demo", now=NOW)
    (folder / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())

    with pytest.raises(PkiError, match="do not belong together"):
        pki.issue(folder, "site", "beijing", [], now=NOW)


def test_a_broken_ca_file_is_named(folder: Path) -> None:
    (folder / "ca.key").write_text("-----BEGIN NONSENSE-----")

    with pytest.raises(PkiError, match="cannot be read"):
        pki.issue(folder, "site", "beijing", [], now=NOW)


def test_expiry_is_shown_in_days(folder: Path) -> None:
    facts = pki.show(pki.issue(folder, "site", "beijing", [], now=NOW, days=30).certificate)

    assert facts.days_left(NOW) == 30
    assert facts.days_left(NOW + timedelta(days=31)) < 0


def test_what_is_no_certificate_is_said_to_be_none(folder: Path) -> None:
    with pytest.raises(PkiError, match="holds no certificate"):
        pki.show(folder / "ca.key")


# --- the end of a certificate -----------------------------------------------------------------


def tls_files(folder: Path, *, days: int) -> TlsSettings:
    issued = pki.issue(folder, "site", "beijing", [], now=NOW, days=days)
    return TlsSettings(ca=folder / "ca.pem", cert=issued.certificate, key=issued.key)


def micros(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def test_a_certificate_that_has_time_is_not_spoken_of(folder: Path) -> None:
    assert pki.certificate_warnings(tls_files(folder, days=60), micros(NOW)) == []


def test_a_certificate_that_ends_within_a_month_is_told_of(folder: Path) -> None:
    files = tls_files(folder, days=60)

    (warning,) = pki.certificate_warnings(files, micros(NOW + timedelta(days=50)))

    assert "site-beijing.pem" in warning
    assert "ends in 10 days" in warning


def test_a_certificate_that_has_ended_is_a_fault(folder: Path) -> None:
    files = tls_files(folder, days=60)

    with pytest.raises(
        pki.CertificateEndedError, match=r"site-beijing\.pem: the certificate ended on 2027-01-21"
    ):
        pki.certificate_warnings(files, micros(NOW + timedelta(days=60, seconds=1)))


async def test_the_log_says_daily_that_a_certificate_ends_and_has_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tls_files(folder, days=60)
    monkeypatch.setattr(ending, "_LOOK_INTERVAL_S", 0)
    days = iter([10, 40, 61])

    def utc_us() -> int:
        day = next(days, None)
        if day is None:
            raise asyncio.CancelledError
        return micros(NOW + timedelta(days=day))

    with structlog.testing.capture_logs() as said, pytest.raises(asyncio.CancelledError):
        await pki.watch_certificates(files, utc_us)

    assert [(each["event"], each["log_level"]) for each in said] == [
        ("certificate_ends_soon", "warning"),
        ("certificate_ended", "error"),
    ]


def test_plaintext_has_nothing_that_ends() -> None:
    assert pki.certificate_warnings(TlsSettings(plaintext=True), micros(NOW)) == []
