"""What a sweep came to as sentences and tables of text, for the terminal and for the pages of Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinpipe.markdown import plain, table

SHOWN = 10  # members of a table
Record = dict[str, str]


def quote_lines(q: dict[str, Any]) -> list[str]:
    """A quote, as sentences."""
    how = "as measured in sweeps before" if q["measured"] else "assumed, since no sweep was measured yet"
    state = f"{_bytes(q['restart_bytes'])} of restart state"
    expiry = (q["expires_at"] or ("never" if q["twin"] else "as new twins do")).split("T")[0]
    return [
        f"members: {q['members']:,}, of which {q['new']:,} are new and {q['reused']:,} are there already",
        f"store: {_bytes(q['stored_bytes'])} before compression, {state}",
        f"memory: {_bytes(q['worker_bytes'])} at most for a worker of {q['threads']} threads",
        f"time: {_core_time(q['core_hours'])}, {how}",
        f"rows: {q['rows']:,}; they expire with the twin: {expiry}",
    ]


def _bytes(number: float) -> str:
    return f"{number / 1e9:,.3g} GB" if number >= 1e9 else f"{number / 1e6:,.3g} MB"


def _core_time(hours: float) -> str:
    return f"{hours:,.3g} core-hours" if hours >= 0.1 else f"{hours * 3600:,.3g} core-seconds"


def counts_line(found: dict[str, Any]) -> str:
    """How many members of a summary ended how, as a sentence."""
    row, told = found["sweep"], ", ".join(f"{number:,} {what}" for what, number in found["counts"].items())
    return f"sweep {row['id']} ({row['name']}) is {row['status']}: {told}"


def ended_lines(found: dict[str, Any]) -> list[str]:
    """Why members ended early, a sentence each."""
    return [f"member {m['member']} (run {m['run']}) is {m['status']}: {m['why']}" for m in found["ended"][:SHOWN]]


def difference_lines(found: dict[str, Any]) -> list[str]:
    """Paired differences of variants, a sentence each."""
    lines = []
    for d in found["differences"]:
        interval = "" if d["interval"] is None else f" ({d['interval'][0]:.4g} to {d['interval'][1]:.4g})"
        lines.append(
            f"{d['measure']}: {d['variant']} less {d['to']} is {d['mean']:.4g}{interval} over {d['pairs']} pairs"
        )
    return lines


def member_records(members: Sequence[dict[str, Any]]) -> list[Record]:
    """The first members of a ranking: what each scored, cost and was."""
    made = []
    for m in members[:SHOWN]:
        x = m["measures"]
        record = {"member": str(m["member"]), "run": str(m["run"]), "score": f"{x['overall_score']:.4f}"}
        record |= {"cost (GCC)": f"{x['cost_gcc']:.4g}", "temperature (K)": f"{x['surface_temperature_k']:.2f}"}
        made.append(record | {n: v if isinstance(v, str) else f"{v:.6g}" for n, v in m["values"].items()})
    return made


def sensitivity_title(s: dict[str, Any]) -> str:
    """Of what an analysis is, and how much of the variance it explains."""
    where = "".join(f", {k} {v:g}" for k, v in s.get("at", {}).items())
    where += f", {s['variant']}" if "variant" in s else ""
    return f"Sensitivity of {s['measure']}{where}: {s['points']} points, {100 * s['explained']:.1f} % explained"


def index_records(s: dict[str, Any]) -> list[Record]:
    """First-order and total index of each axis of one analysis, with their intervals."""
    made = []
    for name, x in s["axes"].items():
        record = {"axis": name}
        for heading, kind in (("first order", "first_order"), ("total", "total")):
            low, high = x[f"{kind}_interval"]
            record[heading] = f"{x[kind]:.3f} ({low:.3f} to {high:.3f})"
        made.append(record)
    return made


def markdown_summary(found: dict[str, Any], *, picture: str = "", link: str = "") -> str:
    """A summary in Markdown, with a picture (a data URI) and a link to the report where they are given."""
    line = plain(counts_line(found))
    parts = [f"# {line[0].upper()}{line[1:]}"]
    if picture:
        parts.append(f"![Global means of all members over the years]({picture})")
    if link:
        parts.append(f"[The full report]({link}), with every member")
    for title, members in (("Best members", found["ranking"]), ("Pareto front of score and cost", found["pareto"])):
        if members:
            parts += [f"## {title}", _table(member_records(members))]
    for s in found["sensitivity"]:
        parts += [f"## {plain(sensitivity_title(s))}", _table(index_records(s))]
    for title, lines in (("Differences", difference_lines(found)), ("Members that ended early", ended_lines(found))):
        if lines:
            parts += [f"## {title}", "\n".join(f"- {plain(line)}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def _table(records: Sequence[Record]) -> str:
    return table(list(records[0]), [list(record.values()) for record in records])
