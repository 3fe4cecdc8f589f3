from pathlib import Path

import pytest

from branch.settings import BranchSettings
from node.settings import SettingsError, load
from router.ids import QueueId, SiteId, Skill
from router.overflow.policy import Media

FILE = """\
[site]
id = "beijing"
name = "北京"
time_zone = "Asia/Shanghai"

[listen]
port = 0
metrics_port = 0

[tls]
plaintext = true

[database]
url = "sqlite:///branch.db"

[telephony]
driver = "simulated"
address = "127.0.0.1:7000"
password_file = "pbx.password"

[overflow]
home_reserve = 1
max_own_loss = 2

[[overflow.peer]]
site = "urumqi"
address = "10.0.0.2:7443"
trunk = "10.0.0.2:7001"
cost_s = 5.0

[[queue]]
id = "sales"
skills = ["french"]
wrap_up_limit_ms = 5000
"""


def read(tmp_path: Path, text: str) -> BranchSettings:
    path = tmp_path / "branch.toml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "pbx.password").write_text("secret\n", encoding="utf-8")
    return load(BranchSettings, path, {})


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    return str(refused.value)


def test_a_file_becomes_the_policies_of_the_machine(tmp_path: Path) -> None:
    settings = read(tmp_path, FILE)

    [queue] = [each.policy() for each in settings.queue]
    overflow = settings.overflow.policy(speed=1.0)
    assert queue.queue_id == QueueId("sales")
    assert queue.skills == frozenset({Skill("french")})
    assert queue.wrap_up_limit_ms == 5_000
    assert (overflow.home_reserve, overflow.max_own_loss) == (1, 2.0)
    assert overflow.links[SiteId("urumqi")].cost_s == 5.0
    assert overflow.links[SiteId("urumqi")].media is Media.BRIDGE


def test_a_link_says_which_way_the_media_of_its_calls_goes(tmp_path: Path) -> None:
    for media in Media:
        settings = read(tmp_path, FILE.replace("cost_s = 5.0", f'media = "{media}"'))

        assert settings.overflow.policy(speed=1.0).links[SiteId("urumqi")].media is media


def test_a_way_of_media_that_there_is_not_is_a_fault_with_its_line(tmp_path: Path) -> None:
    message = faults(tmp_path, FILE.replace("cost_s = 5.0", 'media = "reefer"'))

    assert "line 29: overflow.peer[0].media" in message
    assert "bridge" in message
    assert "redirect" in message


def test_in_a_lab_waits_for_machines_stay_real_and_waits_for_people_do_not(tmp_path: Path) -> None:
    overflow = read(tmp_path, FILE).overflow.policy(speed=60.0)

    assert overflow.rpc_limit_ms == 30_000
    assert overflow.reservation_ms == 180_000
    assert overflow.ring_limit_ms == 15_000


def test_three_faults_are_all_reported_each_with_its_line(tmp_path: Path) -> None:
    text = FILE.replace("Asia/Shanghai", "Asia/Peking").replace("home_reserve = 1", "home_reserve = -1")

    message = faults(tmp_path, text.replace('trunk = "10.0.0.2:7001"', 'trunc = "x"\ntrunk = "t"'))

    assert "line 4: site.time_zone" in message
    assert "line 22: overflow.home_reserve" in message
    assert "did you mean" in message


def test_a_site_that_sets_no_limit_helps_whatever_it_costs(tmp_path: Path) -> None:
    settings = read(tmp_path, FILE.replace("max_own_loss = 2\n", ""))

    assert settings.overflow.policy(speed=1.0).max_own_loss is None


@pytest.mark.parametrize("value", ["-1", "101", '"two"', "nan"])
def test_a_limit_that_is_no_number_of_points_is_a_fault_with_its_line(tmp_path: Path, value: str) -> None:
    message = faults(tmp_path, FILE.replace("max_own_loss = 2", f"max_own_loss = {value}"))

    assert "line 23: overflow.max_own_loss" in message


def test_a_site_is_not_its_own_peer_even_when_something_else_is_wrong_too(tmp_path: Path) -> None:
    text = FILE.replace('site = "urumqi"', 'site = "beijing"').replace("port = 0", "port = -1", 1)

    message = faults(tmp_path, text)

    assert "'beijing', the site itself" in message
    assert "listen.port" in message


def test_a_faulty_queue_is_not_told_as_a_missing_one_too(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, FILE + 'colour = "red"\n').splitlines()[1:]

    assert "queue[0].colour: is not a known key" in told


def test_a_queue_named_twice_is_a_fault(tmp_path: Path) -> None:
    assert "queue sales is named twice" in faults(tmp_path, FILE + '[[queue]]\nid = "sales"\n')


def test_a_peer_named_twice_is_a_fault(tmp_path: Path) -> None:
    twin = '[[overflow.peer]]\nsite = "urumqi"\naddress = "h:1"\ntrunk = "t"\n'

    assert "peer urumqi is named twice" in faults(tmp_path, FILE + twin)


@pytest.mark.parametrize("address", ["10.0.0.2", "https://h:1", "h:0", "h:99999", ":1"])
def test_an_address_without_host_or_port_is_a_fault(tmp_path: Path, address: str) -> None:
    text = FILE.replace("10.0.0.2:7443", address)

    assert "write host:port" in faults(tmp_path, text)
