from datetime import UTC, datetime
from pathlib import Path

import pytest

from node import pki
from sync.link.identity import Peer
from sync.link.refusals import TlsFilesError
from sync.link.tls import Tls

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "密钥 pki"
    pki.init_ca(folder, "demo", now=NOW)
    pki.issue(folder, "site", "beijing", [], now=NOW, days=30)
    pki.issue(folder, "site", "shanghai", [], now=NOW, days=30)
    return folder


def read(
    folder: Path, *, ca: str = "ca.pem", certificate: str = "site-beijing.pem", key: str = "site-beijing.key"
) -> Tls:
    return Tls.read(folder / ca, folder / certificate, folder / key)


def test_a_node_knows_who_it_is_by_its_own_certificate(folder: Path) -> None:
    tls = read(folder)

    assert tls.owner == Peer(cluster="demo", kind="site", name="beijing")
    assert tls.not_after == datetime(2026, 12, 22, tzinfo=UTC)


def test_the_name_that_is_verified_is_the_one_that_is_issued(folder: Path) -> None:
    assert read(folder).owner.server_name in pki.show(folder / "site-beijing.pem").names


def test_a_key_stands_in_no_repr(folder: Path) -> None:
    assert "PRIVATE" not in repr(read(folder))


def test_a_key_of_another_certificate_is_noticed_before_anything_listens(folder: Path) -> None:
    with pytest.raises(TlsFilesError, match=r"site-shanghai\.key is not the key"):
        read(folder, key="site-shanghai.key")


def test_a_certificate_of_another_ca_is_noticed(folder: Path, tmp_path: Path) -> None:
    pki.init_ca(tmp_path / "other", "demo", now=NOW)

    with pytest.raises(TlsFilesError, match="was not signed by"):
        Tls.read(tmp_path / "other" / "ca.pem", folder / "site-beijing.pem", folder / "site-beijing.key")


@pytest.mark.parametrize("swapped", ["ca", "certificate", "key"])
def test_files_of_another_kind_are_named(folder: Path, swapped: str) -> None:
    (folder / "note.txt").write_text("not what you think")

    with pytest.raises(TlsFilesError, match=r"note\.txt holds no"):
        read(folder, **{swapped: "note.txt"})


def test_the_ca_itself_is_nobodys_certificate(folder: Path) -> None:
    with pytest.raises(TlsFilesError, match="carries no names"):
        read(folder, certificate="ca.pem", key="ca.key")


def test_a_file_that_is_not_there_is_an_error_of_the_system(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.pem"):
        read(folder, certificate="none.pem")
