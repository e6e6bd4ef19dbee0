"""Phases of a scenario: its own, or its interventions by the year in which they start."""

from __future__ import annotations

from dataclasses import dataclass

from twinpipe.intervention import Intervention, is_natural
from twinpipe.spec import RunSpec
from twinpipe.undertaking import Undertaking

DAYS = 365.25  # of a Julian year


@dataclass(frozen=True)
class PlanPhase:
    """A part of a run's time, with what starts in it, and its place in the scenario."""

    id: str
    title: str
    start_year: float
    end_year: float
    interventions: tuple[tuple[int, Intervention], ...]
    undertakings: tuple[tuple[int, Undertaking], ...]

    @property
    def duration_days(self) -> float:
        return (self.end_year - self.start_year) * DAYS

    def holds(self, year: float) -> bool:
        """Whether a year lies in it; its end does, so that the run's last year is in the last phase."""
        return self.start_year <= year <= self.end_year


def plan_phases(spec: RunSpec) -> list[PlanPhase]:
    """Phases in order, without what nature does or starts after the run; a run without interventions has one phase."""
    years = float(spec.years)
    named = [(p.id, p.title, p.start_year, p.end_year) for p in spec.scenario.phases]
    acting = [
        (k, item)
        for k, item in enumerate(spec.scenario.interventions)
        if item.schedule.start_year < years and not is_natural(item)
    ]
    spans = [span for span in sorted(named, key=lambda p: p[2]) if span[2] < years] or _by_start(acting, years)
    made = []
    for i, (name, title, start, end) in enumerate(spans):
        until = spans[i + 1][2] if i + 1 < len(spans) else years
        since = start if i else 0.0  # what starts before the first phase belongs to it
        within = tuple((k, item) for k, item in acting if since <= item.schedule.start_year < until)
        works = tuple((k, u) for k, u in enumerate(spec.scenario.undertakings) if since <= u.start_year < until)
        made.append(PlanPhase(name, title or name.replace("_", " "), start, min(end, years), within, works))
    return made


def _by_start(acting: list[tuple[int, Intervention]], years: float) -> list[tuple[str, str, float, float]]:
    starts = sorted({item.schedule.start_year for _, item in acting}) or [0.0]
    ends = [*starts[1:], years]
    titles = [_title([item for _, item in acting if item.schedule.start_year == start]) for start in starts]
    return [(f"phase_{i}", title, a, b) for i, (title, a, b) in enumerate(zip(titles, starts, ends, strict=True), 1)]


def _title(items: list[Intervention]) -> str:
    kinds = list(dict.fromkeys(item.kind.replace("_", " ") for item in items))
    return ", ".join(kinds) if kinds else "observation"
