"""What a process has used of the processor."""

import os
from pathlib import Path


def processor_s(pid: int) -> float:
    """Seconds of one core since its start, all its threads, user and system."""
    return _used_s(Path(f"/proc/{pid}/stat"))


def main_thread_s(pid: int) -> float:
    """The same of the process's first thread alone."""
    return _used_s(Path(f"/proc/{pid}/task/{pid}/stat"))


def _used_s(stat: Path) -> float:
    fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
