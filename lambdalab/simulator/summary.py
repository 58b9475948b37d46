"""A run in a few lines: shares, percentiles, peaks, cost."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lambdalab.simulator.result import Result

__all__ = ["PERCENTS", "Summary", "summary_of"]

PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True)
class Summary:
    """The figures of a run; latencies in seconds, cost in US dollars.

    Attributes:
        requests: how many came; batches, where a queue or a stream was drained.
        records: how many messages or records were in them; as many, where each is one.
        invocations: how many ran.
        cold_share: share of the invocations that waited for INIT.
        throttle_share: share of the requests that were refused in the end.
        throttles: how many 429s were answered.
        p50: latency from arrival to end that half of the invocations did not exceed.
        p90: ... and 90 %.
        p95: ... and 95 %.
        p99: ... and 99 %.
        p999: ... and 99.9 %.
        mean_latency: mean of the latency.
        peak_concurrency: how many ran together at most.
        mean_concurrency: how many ran together on average.
        environments: how many were made on demand.
        spilled: share of the invocations that ran outside of provisioned environments, where there
            are some.
        duration: seconds from the start until all was over.
        cost: without the free tier.

    Without invocations latencies are not numbers (nan).

    """

    requests: int
    records: int
    invocations: int
    cold_share: float
    throttle_share: float
    throttles: int
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    mean_latency: float
    peak_concurrency: int
    mean_concurrency: float
    environments: int
    spilled: float
    duration: float
    cost: float

    def table(self) -> dict[str, list[Any]]:
        """Names and values as columns."""
        values = asdict(self)
        return {"figure": list(values), "value": list(values.values())}

    def rows(self) -> list[tuple[str, str]]:
        """What to read: names and values in words."""
        latencies = (self.p50, self.p90, self.p95, self.p99, self.p999)
        names = [f"p{percent:g}" for percent in PERCENTS]
        return [
            ("requests", self._requests()),
            ("cold starts", f"{self.cold_share:.3%} of {self.invocations:,} invocations"),
            (
                "throttled",
                f"{self.throttle_share:.3%} of the requests ({self.throttles:,} answers 429)",
            ),
            *((name, _milliseconds(each)) for name, each in zip(names, latencies, strict=True)),
            (
                "concurrency",
                f"{self.mean_concurrency:.1f} on average, {self.peak_concurrency:,} at most",
            ),
            ("environments", f"{self.environments:,} made"),
            ("cost", f"${self.cost:,.6f}"),
        ]

    def _requests(self) -> str:
        batches = f" batches with {self.records:,} records" if self.records != self.requests else ""
        return f"{self.requests:,}{batches}"

    def __repr__(self) -> str:
        return "\n".join(f"{name:<13} {value}" for name, value in self.rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
            f'<td style="text-align: left">{html.escape(value)}</td></tr>'
            for name, value in self.rows()
        )
        return f"<table><caption>Simulated run</caption><tbody>{rows}</tbody></table>"


def _milliseconds(seconds: float) -> str:
    return "none" if np.isnan(seconds) else f"{seconds * 1000:,.1f} ms"


def summary_of(result: Result) -> Summary:
    """Count and measure."""
    invocations = int((~result.throttled).sum())
    latency = result.latency
    levels = np.quantile(latency, np.array(PERCENTS) / 100) if invocations else [np.nan] * 5
    on_demand = invocations - int(result.provisioned.sum())
    p50, p90, p95, p99, p999 = (float(level) for level in levels)
    return Summary(
        requests=len(result),
        records=len(result) if result.records is None else int(result.records.sum()),
        invocations=invocations,
        cold_share=_share(int(result.cold.sum()), invocations),
        throttle_share=_share(len(result) - invocations, len(result)),
        throttles=sum(result.throttles.values()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        p999=p999,
        mean_latency=float(latency.mean()) if invocations else float("nan"),
        peak_concurrency=result.peak,
        mean_concurrency=result.concurrency.mean(result.begin, result.begin + result.duration),
        environments=len(result.fates),
        spilled=_share(on_demand, invocations) if result.policy.provisioned else 0.0,
        duration=result.duration,
        cost=result.cost().total,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
