"""What a process has used of the processor."""

import os
from pathlib import Path


def processor_s(pid: int) -> float:
    """Seconds of one core since its start, all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
