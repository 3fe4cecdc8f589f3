"""`trunkline customer` on a site's database, one customer at a time and a file at once."""

from pathlib import Path

import pytest

from branch.admin import customer_commands
from tests.fakes.command_line import CommandLine, write_site_file

HEADER = "customer_id,name,class,region,numbers\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([customer_commands.register], monkeypatch, capsys)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site_file(tmp_path)


def write(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    file = tmp_path / "customers.csv"
    file.write_text(text, encoding=encoding)
    return file


def test_numbers_are_kept_as_the_world_writes_them(run: CommandLine, site: Path) -> None:
    run(
        "customer", "add", "c1", "--site", site, "--name", "王小明", "--class", "vip", "--region", "海淀",
        "--number", "138 0013 8000", "--number", "+86 10 6552 9988", "--country", "CN",
    )  # fmt: skip

    assert run("customer", "list", "--site", site, "--json").json == [
        {
            "customer_id": "c1",
            "name": "王小明",
            "class": "vip",
            "region": "海淀",
            "numbers": ["+861065529988", "+8613800138000"],
        }
    ]


def test_an_id_that_is_none_is_refused_with_what_to_write(
    run: CommandLine, site: Path, tmp_path: Path
) -> None:
    alone = run("customer", "add", "c 1", "--name", "x", "--site", site)
    told = run("customer", "import", write(tmp_path, HEADER + "c 1,x,,,\n客户-7,y,,,\n"), "--site", site)

    assert (alone.code, told.code) == (2, 2)
    assert "'c 1' is no id" in alone.err
    assert "line 2: 'c 1' is no id" in told.err
    assert "line 3" not in told.err, "Chinese characters are letters"


def test_the_sites_own_country_counts_where_no_other_is_named(
    run: CommandLine, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE__SITE__COUNTRY", "CN")
    run("customer", "add", "c1", "--site", site, "--name", "Wang", "--number", "13800138000")
    run("customer", "import", write(tmp_path, HEADER + "c2,Li,,,13800138001\n"), "--site", site)

    customers = run("customer", "list", "--site", site, "--json").json

    assert [each["numbers"] for each in customers] == [["+8613800138000"], ["+8613800138001"]]


def test_a_customer_is_changed_searched_for_and_removed(run: CommandLine, site: Path) -> None:
    run("customer", "add", "c1", "--site", site, "--name", "Wang", "--number", "+8613800138000")
    run("customer", "add", "c2", "--site", site, "--name", "Li")

    run("customer", "set", "c1", "--site", site, "--class", "vip")
    (found,) = run("customer", "list", "--site", site, "--search", "wang", "--json").json
    removed = run("customer", "remove", "c1", "--site", site)

    assert (found["class"], found["numbers"]) == ("vip", ["+8613800138000"])
    assert removed.code == 0
    assert [each["customer_id"] for each in run("customer", "list", "--site", site, "--json").json] == ["c2"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "c1", "--name", "x"), "there already"),
        (("add", "c2", "--name", "x", "--number", "+8613800138000"), "the number of customer c1"),
        (("add", "c2", "--name", "x", "--number", "13800138000"), "country code"),
        (("set", "c9", "--name", "x"), "not known"),
        (("remove", "c9"), "not known"),
    ],
)
def test_what_cannot_be_is_refused(
    run: CommandLine, site: Path, arguments: tuple[str, ...], problem: str
) -> None:
    run("customer", "add", "c1", "--site", site, "--name", "Wang", "--number", "+8613800138000")

    refused = run("customer", *arguments, "--site", site)

    assert refused.code == 2
    assert problem in refused.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_exported_file_is_taken_in_again_as_it_was(
    run: CommandLine, site: Path, tmp_path: Path, encoding: str
) -> None:
    rows = 'c1,"Wang, 小明",vip,海淀,+8613800138000;+861065529988\nc2,Li,,,\n\n'
    taken = run("customer", "import", write(tmp_path, HEADER + rows, encoding=encoding), "--site", site)
    before = run("customer", "list", "--site", site, "--json").json

    run("customer", "export", tmp_path / "out.csv", "--site", site)
    run("customer", "remove", "c1", "--site", site)
    run("customer", "import", tmp_path / "out.csv", "--site", site)

    assert taken.code == 0
    assert "2 customers taken in" in taken.out
    assert len(before) == 2
    assert run("customer", "list", "--site", site, "--json").json == before


def test_a_file_larger_than_a_batch_is_taken_in_whole(run: CommandLine, site: Path, tmp_path: Path) -> None:
    rows = "".join(f"c{number},Customer {number},,,+86138{number:08d}\n" for number in range(1001))

    taken = run("customer", "import", write(tmp_path, HEADER + rows), "--site", site)

    assert taken.code == 0
    assert len(run("customer", "list", "--site", site, "--json").json) == 1001


def test_every_fault_is_told_with_its_line_and_nothing_is_taken_in(
    run: CommandLine, site: Path, tmp_path: Path
) -> None:
    rows = (
        "c1,Wang,vip,,+8613800138000\n"
        ",Nobody,,,\n"
        "c3,Li,gold,,\n"
        "c4,Zhao,,,12\n"
        "c1,Again,,,\n"
        "c6,Sun,,,+8613800138000\n"
        "c7,short\n"
    )

    refused = run("customer", "import", write(tmp_path, HEADER + rows), "--site", site)

    assert refused.code == 2
    for line, problem in {
        3: "an id is missing",
        4: "neither standard nor vip",
        5: "'12' is no number",
        6: "stands on line 2 already",
        7: "number +8613800138000 stands on line 2 already",
        8: "has 2 columns, not 5",
    }.items():
        assert any(f"line {line}:" in each and problem in each for each in refused.err.splitlines()), line
    assert run("customer", "list", "--site", site, "--json").json == []


def test_a_number_of_somebody_else_is_found_before_anything_is_written(
    run: CommandLine, site: Path, tmp_path: Path
) -> None:
    run("customer", "add", "old", "--site", site, "--name", "Old", "--number", "+8613800138000")
    rows = "c1,New,,,\nc2,Wang,,,+8613800138000\n"

    refused = run("customer", "import", write(tmp_path, HEADER + rows), "--site", site)

    assert refused.code == 2
    assert "number of customer old" in refused.err
    assert [each["customer_id"] for each in run("customer", "list", "--site", site, "--json").json] == ["old"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("id,name\n", "line 1: the header has to be"), ("", "line 1"), (HEADER + 'c1,"open\n', "line 2")],
)
def test_a_file_that_is_no_list_of_customers_is_refused(
    run: CommandLine, site: Path, tmp_path: Path, content: str, problem: str
) -> None:
    refused = run("customer", "import", write(tmp_path, content), "--site", site)

    assert refused.code == 2
    assert problem in refused.err


def test_a_file_in_another_encoding_is_refused(run: CommandLine, site: Path, tmp_path: Path) -> None:
    refused = run(
        "customer", "import", write(tmp_path, HEADER + "c1,王,,,\n", encoding="gb18030"), "--site", site
    )

    assert refused.code == 2
    assert "UTF-8" in refused.err


def test_an_export_writes_over_nothing(run: CommandLine, site: Path, tmp_path: Path) -> None:
    file = write(tmp_path, "mine\n")

    refused = run("customer", "export", file, "--site", site)

    assert refused.code == 2
    assert file.read_text(encoding="utf-8") == "mine\n"
