"""A completed run as what leaves for the game is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinpipe.documents import Provenance
from twinpipe.spec import RunSpec

PLAYER_SHARE = 0.25  # of a plan's cost that players earn by contracts; domain 3.7
METRICS = ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency")


@dataclass(frozen=True)
class Completed:
    """A run with its spec and the six payloads of its result."""

    run_id: int
    run_key: str
    twin_id: int
    twin_key: str
    spec: RunSpec
    result: dict[str, Any]
    payload_sha256: str
    created_at: str
    code_version: str

    @property
    def name(self) -> str:
        return f"run_{self.run_id}"

    @property
    def end(self) -> dict[str, Any]:
        """The planet at the end of the run, by sphere."""
        found: dict[str, Any] = self.result["end_state"]
        return found

    @property
    def score(self) -> float:
        """Mean of the four metrics, by which the ledger ranks."""
        metrics = self.result["success_metrics"]
        return float(sum(metrics[name] for name in METRICS) / len(METRICS))

    @property
    def cost_gcc(self) -> float:
        """What the plan costs; with contingency where its costs are itemised."""
        consumed = self.result["resource_consumption"]
        itemised = consumed.get("costs") or {}
        return float(itemised.get("total_gcc", consumed["total"]["cost_gcc"]))

    @property
    def cost_range(self) -> dict[str, float] | None:
        """log10 of the least and the most that the plan costs (GCC)."""
        ranges = self.result["resource_consumption"].get("log10") or {}
        found: dict[str, float] | None = ranges.get("cost_gcc")
        return found

    @property
    def product_revenue_gcc(self) -> float:
        """What the plan's products sell for."""
        return float((self.result["resource_consumption"].get("costs") or {}).get("revenue_gcc", 0.0))

    @property
    def contracts_gcc(self) -> float:
        """What players earn by contracts."""
        return PLAYER_SHARE * self.cost_gcc

    @property
    def unmet_goals(self) -> list[str]:
        goals = self.result["success_metrics"]["goals"]
        return [str(goal["id"]) for goal in goals if goal["achieved_year"] is None]

    @property
    def provenance(self) -> Provenance:
        return Provenance(
            run_id=self.run_id,
            run_key=self.run_key,
            twin_id=self.twin_id,
            twin_key=self.twin_key,
            seed=self.spec.seed,
            spec_digest=self.spec.digest,
            body_digest=self.spec.body.digest,
            code_version=self.code_version,
            code_fingerprint=self.spec.code_fingerprint,
            metrics_version=self.result["success_metrics"]["metrics_version"],
            result_sha256=self.payload_sha256,
        )
