"""The terminal desk: a person logs in, is an agent or watches the site. Talks to a branch by gRPC only."""
