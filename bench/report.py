"""Shows what a bench found: a table for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console
from rich.table import Table

from bench.measure import Run
from bench.plan import Report, Row, Target

_COLUMNS: Final[dict[str, Callable[[Run], str]]] = {
    "subject": lambda run: run.subject,
    "period ms": lambda run: f"{run.period_ms:.4g}",
    "asked/s": lambda run: f"{run.asked_per_s:,.0f}",
    "delivered/s": lambda run: f"{run.delivered_per_s:,.0f}",
    "share": lambda run: f"{run.delivered_share:.1%}",
    "missing": lambda run: f"{run.missing_answers}+{run.late_answers}",
    "CPU us/reading": lambda run: f"{run.cpu_us_per_reading:.2f}",
    "cores": lambda run: f"{run.cores['subject']:.2f}",
    "others": lambda run: f"{run.others_cores:.2f}",
    "PSS MB": lambda run: f"{run.pss_end_mb:.0f}/{run.pss_peak_mb:.0f}",
    "latency ms": lambda run: show_shares(run.latency_ms),
    "grid late ms": lambda run: show_shares(run.grid_late_ms),
    "log B": lambda run: f"{run.log_bytes_per_reading:.1f}/{run.written_bytes_per_reading:.0f}",
}


def show(report: Report, console: Console) -> None:
    """Print the runs and how the targets were kept."""
    if report.rows:
        console.print(_table(report.bench, report.rows))
    elif report.runs:
        rows = [_row(run) for run in report.runs]
        console.print(
            _table(report.bench, rows, "missing: passed over + not arrived; pairs of times: p50/p99")
        )
    else:
        console.print(report.bench)
    for target in report.targets:
        console.print(_sentence(target))


def _row(run: Run) -> Row:
    return {column: show_cell(run) for column, show_cell in _COLUMNS.items()}


def _table(title: str, rows: list[Row], caption: str | None = None) -> Table:
    table = Table(title=title, caption=caption)
    for column in rows[0]:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    return table


def write_json(reports: list[Report], path: Path) -> None:
    """Write everything that was found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(reports, option=orjson.OPT_INDENT_2))


def show_shares(times_ms: dict[str, float]) -> str:
    """Return a pair of times as a cell of a table."""
    return f"{times_ms['p50']:.1f}/{times_ms['p99']:.1f}"


def _sentence(target: Target) -> str:
    limit = f"at most {target.at_most:g}" if target.at_most is not None else f"at least {target.at_least:g}"
    verdict = "kept  " if target.met else "MISSED"
    return f"  {verdict} {target.name}: {target.found:.4g} ({limit})"
