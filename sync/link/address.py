"""Host and port as gRPC writes them."""


def address(host: str, port: int) -> str:
    """`10.0.0.1:7443`, and `[::1]:7443` for an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
