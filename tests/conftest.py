"""What every test shares: a quiet gRPC core, before anything imports it."""

import os

# Its C core prints INFO lines to stderr, where a test's own output belongs.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
