"""Sums up the runs and writes them as a Markdown table; the figures themselves stay in the JSON file."""
from statistics import median

THROUGHPUT = [
    ("rows/s, first to last row", "rows_per_s"), ("worker CPU µs/row", "cpu_us_per_row"),
    ("same, second half", "cpu_us_per_row_second_half"), ("rows per CPU second", "rows_per_cpu_s"),
    ("MB per CPU second", "mb_per_cpu_s"), ("create → first row s", "first_row_s"), ("peak memory MB", "peak_mb"),
    ("ClickHouse CPU µs/row", "clickhouse_cpu_us_per_row"), ("Kafka CPU µs/row", "kafka_cpu_us_per_row"),
]
STARTS = [
    ("start → REST ready s", "rest_ready_s"), ("start → healthy s", "health_ready_s"),
    ("CPU s until healthy", "start_cpu_s"), ("create → RUNNING s", "running_s"), ("create → first row s", "first_row_s"),
    ("idle memory MB", "idle_mb"), ("with one idle connector MB", "idle_with_connector_mb"),
    ("its idle CPU %", "idle_cpu_percent"), ("start again → REST ready s", "again_rest_ready_s"),
    ("→ healthy s", "again_health_ready_s"), ("→ connector RUNNING s", "again_running_s"),
]
LATENCIES = [
    ("p50 ms", "p50_ms"), ("p99 ms", "p99_ms"), ("p99.9 ms", "p999_ms"), ("greatest ms", "max_ms"), ("rows", "rows"),
    ("worker CPU % of a core", "cpu_percent"), ("peak memory MB", "peak_mb"),
]
INSERTS = [
    ("parts/s", "parts_per_s"), ("rows/s", "rows_per_s"), ("rows a part", "rows_per_part"),
    ("worker CPU % of a core", "cpu_percent"),
    ("peak memory MB", "peak_mb"),
]
STREAMS = [
    ("written MB/s a shard", "written_mb_per_shard_s"), ("rows/s", "rows_per_s"),
    ("rows per CPU second", "rows_per_cpu_s"), ("MB per CPU second", "mb_per_cpu_s"), ("age p50 ms", "p50_ms"),
    ("p99 ms", "p99_ms"), ("greatest ms", "max_ms"), ("worker CPU % of a core", "cpu_percent"),
    ("peak memory MB", "peak_mb"),
]
FILES = [
    ("rows/s", "rows_per_s"), ("MB/s", "mb_per_s"), ("MB per CPU second of the reader", "mb_per_cpu_s"),
    ("rows per CPU second of the reader", "rows_per_cpu_s"), ("CPU µs/row, worker and server", "all_cpu_us_per_row"),
    ("peak memory MB", "peak_mb"),
]
WORKERS = ("penstock", "java", "clickhouse")
START = "start and idle"
PARTS = "64 partitions, 1,000 rows/s each: "
S3 = "S3 into ClickHouse: "
KINESIS = "Kinesis into ClickHouse, 16 shards: "
LATENCY = "age of a row when a query finds it"
FIRST_START = "first start, plugins new"


def summarise(runs):
    """Median, least, greatest and number of each figure, by (case, worker), of the runs that came to their end."""
    cases = {}
    for run in runs:
        figures = cases.setdefault(f"{run['case']} · {run['worker']}", {})
        for key, value in run.items():
            if isinstance(value, (int, float)) and key != "run":
                figures.setdefault(key, []).append(value)
    return {case: {key: {"median": median(values), "min": min(values), "max": max(values), "n": len(values)}
                   for key, values in figures.items()} for case, figures in cases.items()}


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def cell(figures, key):
    figure = figures.get(key)
    if not figure:
        return "–"
    low, middle, high = (number(figure[part]) for part in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratio(summary, case, key):
    """Penstock's median divided by Java's."""
    ours, java = (summary.get(f"{case} · {worker}", {}).get(key) for worker in ("penstock", "java"))
    return number(ours["median"] / java["median"]) if ours and java and java["median"] else "–"


def table(summary, cases, columns):
    lines = ["| case | worker | runs | " + " | ".join(title for title, _ in columns) + " |",
             "|---|---|---|" + "---|" * len(columns)]
    for case in cases:
        both = [worker for worker in WORKERS if f"{case} · {worker}" in summary]
        for worker in both:
            figures = summary[f"{case} · {worker}"]
            runs = max((figure["n"] for figure in figures.values()), default=0)
            cells = [case, worker, str(runs), *(cell(figures, key) for _, key in columns)]
            lines.append("| " + " | ".join(cells) + " |")
        if "java" in both[1:]:
            cells = [case, "**Penstock : Java**", "", *(ratio(summary, case, key) for _, key in columns)]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def goals(summary):
    """Each goal beside what was measured; which of them are met is for the reader to say."""
    def of(case, key):
        return cell(summary.get(case, {}), key)
    small, wide, lines = (f"{name} · penstock" for name in ("ClickHouse, small", "ClickHouse, wide", "file, lines"))
    start = f"{START} · penstock"
    avro, raw, tiny = (f"ClickHouse, {name} · penstock" for name in ("small as Avro", "small, raw", "tiny"))
    latency = f"{LATENCY} · penstock"
    peaks = "; ".join(of(case, "peak_mb") for case in (small, wide, lines))
    return [
        "| goal | measured |", "|---|---|",
        f"| file sink: ≥ 8 × Java's rows per CPU second | {ratio(summary, 'file, lines', 'rows_per_cpu_s')} × |",
        f"| ClickHouse sink, 244-byte JSON: ≤ 1.4 µs worker CPU per row | {of(small, 'cpu_us_per_row')} µs |",
        f"| ClickHouse sink, 1 kB JSON: ≥ 150 MB per CPU second | {of(wide, 'mb_per_cpu_s')} MB |",
        f"| ClickHouse sink, Avro: ≥ 1 M rows per CPU second | {of(avro, 'rows_per_cpu_s')} |",
        f"| ClickHouse sink, raw: ≥ 1.3 M rows per CPU second | {of(raw, 'rows_per_cpu_s')} |",
        f"| ClickHouse sink, 100-byte JSON (the Java sink at its best: 8.3 µs) | {of(tiny, 'cpu_us_per_row')} µs |",
        f"| 10,000 rows/s, batches of 200 ms: p99 ≤ 500 ms | {of(latency, 'p99_ms')} ms |",
        f"| peak memory ≤ 150 MB | small; wide; lines: {peaks} MB |",
        f"| REST ready ≤ 0.3 s (new cluster; again) | {of(start, 'rest_ready_s')}; {of(start, 'again_rest_ready_s')} s |",
        f"| idle memory ≤ 30 MB (no connector; one) | {of(start, 'idle_mb')}; {of(start, 'idle_with_connector_mb')} MB |",
    ]


def size(data):
    return f"of {data['bytes_per_record']:g} bytes" if data["bytes_per_record"] else f"in {data['encoding']}"


def markdown(result):
    machine, versions, summary = result["machine"], result["versions"], result["summary"]
    cases = sorted({run["case"] for run in result["runs"]} - {START, FIRST_START, LATENCY})
    steady = [case for case in cases if case.startswith(PARTS)]
    files = [case for case in cases if case.startswith(S3)]
    streams = [case for case in cases if case.startswith(KINESIS)]
    cases = [case for case in cases if not case.startswith((PARTS, S3, KINESIS))]
    loads = ["/".join(f"{load:.2f}" for load in machine[key]) for key in ("load_before", "load_after")]
    data = "; ".join(f"{name}: {one['records']:,} records {size(one)}, {one['fields']} fields, "
                     f"{one['partitions']} partitions" for name, one in result["data"].items())
    lines = [
        f"Measured {result['when']}, commit {result['commit']}, by `{result['command']}`", "",
        f"- Machine: {machine['cores']} cores of {machine['model']}, {machine['memory_gb']} GB, kernel "
        f"{machine['kernel']}; load (1/5/15 min) before {loads[0]}, after {loads[1]}",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"- Data: {data}",
        f"- Connectors: {result['settings']['tasks']} task, settings beyond the defaults: "
        f"{', '.join(result['settings']['set']) or 'none'}",
        "- Figures are medians (least–greatest).", "",
    ]
    if cases:
        lines += [*table(summary, cases, THROUGHPUT), ""]
    if any(run["case"] == LATENCY for run in result["runs"]):
        lines += [*table(summary, [LATENCY], LATENCIES), ""]
    if streams:
        lines += [*table(summary, streams, STREAMS), ""]
    if files:
        lines += [*table(summary, files, FILES), ""]
    if steady:
        lines += [*table(summary, steady, INSERTS), ""]
    # "First start" has Penstock only: the plugins of its folder are new to it.
    lines += [*table(summary, [FIRST_START, START], STARTS), "", *goals(summary), ""]
    for failure in result["failures"]:
        lines.append(f"- Run {failure['run']} of {failure['case']}, {failure['worker']}, did not end: "
                     f"{failure['error'].splitlines()[0]}")
    return "\n".join(lines).rstrip() + "\n"
