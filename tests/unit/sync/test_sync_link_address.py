"""Where somebody calls from, out of what gRPC says of them."""

import pytest

from sync.link.address import source


@pytest.mark.parametrize(
    ("grpc_peer", "expected"),
    [
        ("ipv4:10.0.0.1:40112", "10.0.0.1"),
        ("ipv6:%5B::ffff:10.0.0.1%5D:40112", "10.0.0.1"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:40112", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::1]:9", "2001:db8:1:2::/64"),
        ("unix:", "unix:"),
    ],
)
def test_the_port_and_what_a_subscriber_chooses_himself_are_left_out(grpc_peer: str, expected: str) -> None:
    assert source(grpc_peer) == expected
