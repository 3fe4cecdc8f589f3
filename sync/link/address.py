"""Host and port as gRPC writes them."""

import ipaddress
from urllib.parse import unquote

_IPV6_SUBSCRIBER_BITS = 64
"""Whoever has one address of such a network has all of them (RFC 6177)."""


def address(host: str, port: int) -> str:
    """`10.0.0.1:7443`, and `[::1]:7443` for an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def source(grpc_peer: str) -> str:
    """Where a context's `peer()` comes from, without the port: `10.0.0.1`, `2001:db8::/64`; else as it is."""
    _scheme, _colon, rest = grpc_peer.partition(":")
    try:
        found = ipaddress.ip_address(unquote(rest.rpartition(":")[0]).strip("[]"))
    except ValueError:
        return grpc_peer
    if found.version == 4:
        return str(found)
    if mapped := found.ipv4_mapped:
        return str(mapped)
    return str(ipaddress.IPv6Network((int(found), _IPV6_SUBSCRIBER_BITS), strict=False))
