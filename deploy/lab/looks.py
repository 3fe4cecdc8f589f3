"""What the lab sees of its nodes while they run: their /metrics, as Prometheus would."""

import asyncio
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_LOOK_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One node's figures, each with the values of its labels."""

    samples: tuple[tuple[str, frozenset[str], float], ...]

    def of(self, name: str, *labels: str) -> int:
        """The sum of a metric's samples that carry all of `labels`: a count."""
        return int(self.figure(name, *labels))

    def figure(self, name: str, *labels: str) -> float:
        """The same, unrounded; not a number where the node has none yet."""
        wanted = frozenset(labels)
        return sum(value for metric, has, value in self.samples if metric == name and wanted <= has)


async def look(port: int) -> Look | None:
    """The figures behind `port`; None while nobody answers there."""
    text = await _get(port, "/metrics")
    if text is None:
        return None
    return Look(
        samples=tuple(
            (sample.name, frozenset(sample.labels.values()), sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        )
    )


async def is_ready(port: int) -> bool:
    return await _get(port, "/readyz") is not None


async def _get(port: int, path: str) -> str | None:
    """The body of a 200; None for anything else."""
    try:
        async with asyncio.timeout(_LOOK_LIMIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: lab\r\n\r\n".encode())
                answer = (await reader.read()).decode("utf-8", errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition("\r\n\r\n")
    return body if " 200 " in head.partition("\r\n")[0] else None
