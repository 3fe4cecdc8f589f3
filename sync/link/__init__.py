"""gRPC between nodes: mutual TLS, deadlines, keepalive, and one table of refusals and statuses."""
