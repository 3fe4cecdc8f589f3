"""Ports for servers: nobody else is given one, be it that nothing listens there yet."""

import socket
import subprocess
import sys

from deploy.ports import SERVER_PORTS, free_ports

_TAKE = "from deploy.ports import free_ports; print(*free_ports(400)); input()"


def test_a_port_is_not_given_again_while_its_server_is_not_up_yet() -> None:
    ports = [port for _ in range(100) for port in free_ports(3)]

    assert len(set(ports)) == len(ports)
    assert set(ports) <= set(SERVER_PORTS)


def test_two_processes_never_give_the_same_port() -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", _TAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as one,
        subprocess.Popen(
            [sys.executable, "-c", _TAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
    ):
        given = [set(process.stdout.readline().split()) for process in (one, other) if process.stdout]
        one.communicate("go\n")
        other.communicate("go\n")

    assert len(given[0]) == len(given[1]) == 400
    assert not given[0] & given[1]


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    (first,) = free_ports(1)
    with socket.create_server(("127.0.0.1", first + 1)):
        assert first + 1 not in free_ports(60)
