"""What is wrong with a file that a person wrote: every fault at once, each with its place.

The domain words a fault in English and marks it for the message catalog; a shell that
speaks another language looks `wording` up there and fills in `values`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from router.errors import RouterError


def marked(wording: str) -> str:
    """The same text; imported as `_`, so that the catalog's extraction finds it."""
    return wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    line: int | None = None
    place: str = ""
    """Where in the line to look: `[[site]] 2 (beijing), agents`."""
    wording: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"line {self.line}"] if self.line else []
        parts += [self.place] if self.place else []
        return f"{', '.join(parts)}: {self.wording.format(**self.values)}"


class BadInputError(RouterError):
    """A scenario, calls, data or flow file that can't be used; nothing was started."""

    reason = "INPUT_INVALID"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(str(problem) for problem in self.problems))
