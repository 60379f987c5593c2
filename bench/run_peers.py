"""Ours and DuckDB in turn on the same order files, and lifetimes on the same
customers: processor seconds of the measured part only, one process per run,
two threads. Prints one JSON document; ends with status 1 when the results
differ or a limit is missed.

    run_peers.py --programs target/release/examples --data bench/data --runs 3
"""

import argparse
import datetime
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
AS_OF = datetime.date(2026, 1, 1)
N_CUSTOMERS, N_ORDERS = 1_000_000, 10_000_000
THREADS = 2
# Ours ÷ theirs, processor seconds: what a release must hold.
LIMIT = 1.0
QUERIES = ("rfm", "summaries", "monthly")


def main():
    args = arguments()
    if args.peer:
        print(json.dumps(peer(args.peer, args.data)))
        return 0
    base = make_base(args)
    runs = {name: [] for name in ("ours", *QUERIES)}
    for _ in range(args.runs):
        # In turn, so that a busy machine slows all alike.
        runs["ours"].append(run(str(args.programs / "bench_evaluation"), str(base)))
        for name in QUERIES:
            runs[name].append(run_peer(args, f"duckdb_{name}", base))
    report = {
        "machine": machine(),
        "base": {
            "customers": N_CUSTOMERS,
            "orders": N_ORDERS,
            "mb": round(sum(f.stat().st_size for f in base.rglob("*.parquet")) / 1e6),
        },
        "ours: histories and RFM": figures(runs["ours"]),
        "duckdb: RFM only": figures(runs["rfm"]),
        "duckdb: histories and RFM": figures(runs["summaries"]),
        "duckdb: monthly metrics": figures(runs["monthly"]),
    }
    ours = report["ours: histories and RFM"]["cpu_s"]
    report["ours ÷ duckdb, RFM only"] = round(ours / report["duckdb: RFM only"]["cpu_s"], 3)
    report["ours ÷ duckdb, the same work"] = round(
        ours / report["duckdb: histories and RFM"]["cpu_s"], 3
    )
    report["differences"] = differences(runs)
    if not args.no_models:
        report["models"] = models(args)
        report["differences"] += predictions_apart(report["models"])
    print(json.dumps(report, indent=2, ensure_ascii=False))
    is_slow = report["ours ÷ duckdb, RFM only"] > LIMIT
    return 1 if report["differences"] or is_slow else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, default=Path("target/release/examples"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-models", action="store_true")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_base(args):
    base = args.data / "orders"
    program = args.programs / "bench_evaluation"
    if not base.exists():
        run(str(program), str(base), str(N_CUSTOMERS), str(N_ORDERS))
    # Once unmeasured, so that every run finds the files in memory.
    run(str(program), str(base))
    return base


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def run_peer(args, name, data):
    script = [sys.executable, __file__, "--peer", name]
    return run(*script, "--data", str(data))


def figures(runs):
    def median(key):
        return round(statistics.median(r[key] for r in runs), 3)

    return {
        "cpu_s": median("cpu_s"),
        "cpu_s of each run": [round(r["cpu_s"], 2) for r in runs],
        "clock_s": median("clock_s"),
        "peak_mb": median("peak_mb"),
    }


def differences(runs):
    """What the engines found differently; amounts are compared exactly."""
    ours, theirs = runs["ours"][0]["result"], runs["summaries"][0]["result"]
    found = [
        f"{key}: ours {ours.get(key)}, DuckDB {value}"
        for key, value in theirs.items()
        if ours.get(key) != value
    ]
    if ours["rfm"] != runs["rfm"][0]["result"]["rfm"]:
        found.append("rfm: the lean query finds other scores")
    return found


# One process per measured query: peer().


def peer(name, data):
    if name == "lifetimes":
        return lifetimes(data)
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads = {THREADS}")
    values = {"files": f"{data}/*/*.parquet", "as_of": AS_OF}
    cpu, clock = cpu_s(), time.perf_counter()
    rows = execute(connection, name, values)
    measured = {"cpu_s": cpu_s() - cpu, "clock_s": time.perf_counter() - clock}
    # Before the totals are taken, which nobody measures.
    measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if name == "duckdb_rfm":
        measured["result"] = {"rfm": cells(rows)}
    if name == "duckdb_summaries":
        cursor = connection.execute((HERE / "duckdb_totals.sql").read_text())
        columns = [column[0] for column in cursor.description]
        measured["result"] = dict(zip(columns, cursor.fetchone()))
        scores = "select 100 * r + 10 * f + m, count(*) from scores group by 1 order by 1"
        measured["result"]["rfm"] = cells(connection.execute(scores).fetchall())
    return measured


def execute(connection, name, values):
    for statement in (HERE / f"{name}.sql").read_text().split(";\n"):
        if statement.strip():
            named = {k: v for k, v in values.items() if f"${k}" in statement}
            rows = connection.execute(statement, named).fetchall()
    return rows


def cells(rows):
    return {str(cell): customers for cell, customers in rows}


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# The customer-base models, against lifetimes.


def models(args):
    customers = args.data / "customers.csv"
    ours = subprocess.run(
        [str(args.programs / "fit_million"), str(customers)],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout
    theirs = run_peer(args, "lifetimes", args.data)

    def number(pattern):
        return float(re.search(pattern, ours).group(1))

    mine = {
        "fit and predict cpu_s": number(r"total +([\d.]+) CPU"),
        "fit cpu_s": round(
            number(r"BG/NBD fit +([\d.]+)") + number(r"Gamma-Gamma fit +([\d.]+)"), 3
        ),
        "purchases, 52 weeks": number(r"purchases, 52 weeks +([\d.]+)"),
        "sum of P(alive)": number(r"sum of P\(alive\) +([\d.]+)"),
        "BG/NBD log-likelihood": number(r"BG/NBD +\S.*\n +LL (-?[\d.]+)"),
    }
    ratio = mine["fit and predict cpu_s"] / theirs["fit and predict cpu_s"]
    return {"ours": mine, "lifetimes": theirs, "ours ÷ lifetimes": round(ratio, 4)}


def predictions_apart(models):
    """Two optimisers stop at slightly different points of one likelihood."""
    ours, theirs = models["ours"], models["lifetimes"]
    apart = [
        key
        for key in ("purchases, 52 weeks", "sum of P(alive)")
        if abs(ours[key] / theirs[key] - 1) > 1e-5
    ]
    likelihood = "BG/NBD log-likelihood"
    if ours[likelihood] < theirs[likelihood] - 1e-3:
        apart.append(likelihood)
    return [f"{key}: ours {ours[key]}, lifetimes {theirs[key]}" for key in apart]


def lifetimes(data):
    import warnings

    import numpy
    import pandas
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    warnings.simplefilter("ignore")
    rows = pandas.read_csv(data / "customers.csv")
    x, age_at_last, age = rows["x"], rows["t_days"] / 7, rows["T_days"] / 7
    cpu = cpu_s()
    purchases = BetaGeoFitter().fit(x, age_at_last, age)
    again = x > 0
    spend = GammaGammaFitter().fit(x[again], rows["m"][again])
    fitted = cpu_s()
    alive = purchases.conditional_probability_alive(x, age_at_last, age)
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(
        52, x, age_at_last, age
    )
    spend.customer_lifetime_value(
        purchases, x, age_at_last, age, rows["m"], time=12, freq="W", discount_rate=0.01
    )
    done = cpu_s()
    # It minimises the mean, and does not keep the sum.
    points = numpy.log(list(purchases.params_[["r", "alpha", "a", "b"]]))
    mean = purchases._negative_log_likelihood(points, x, age_at_last, age, numpy.ones(len(x)), 0)
    return {
        "BG/NBD log-likelihood": round(-float(mean) * len(x), 5),
        "fit and predict cpu_s": round(done - cpu, 3),
        "fit cpu_s": round(fitted - cpu, 3),
        "purchases, 52 weeks": round(float(expected.sum()), 3),
        "sum of P(alive)": round(float(alive.sum()), 3),
    }


def machine():
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"processor": model, "cores": os.cpu_count(), "load": os.getloadavg()[0]}


if __name__ == "__main__":
    sys.exit(main())
