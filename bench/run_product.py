"""The program itself beside its peers, on files of several sizes: import on
both stores, evaluation, questions, start and memory. Prints one JSON document.

    run_product.py --program target/release/keji --data bench/data --orders 100000,1000000,10000000
"""

import argparse
import datetime
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
AS_OF = datetime.date(2026, 1, 1)
# What the overview asks, and what the monthly SQL of DuckDB answers.
MONTHLY = [
    {"metrics": ["gross_sales", "net_revenue", "orders"], "grain": "month"},
    {"metrics": ["buyers"], "grain": "month"},
    {"metrics": ["new_customers"], "grain": "month"},
    {"metrics": ["cohort_customers"]},
]
CARDS = ["net_revenue", "orders", "average_order_value", "new_customers", "buyers", "repeat_purchase_rate"]


def main():
    args = arguments()
    if args.peer:
        print(json.dumps(PEERS[args.peer](args.data)))
        return
    args.data.mkdir(parents=True, exist_ok=True)
    report = {"sizes": {}}
    for orders in args.orders:
        folder = args.data / f"keji-{orders}"
        report["sizes"][orders] = one_size(args, orders, folder)
    largest = args.data / f"keji-{args.orders[-1]}"
    report["questions"] = questions(args, largest)
    fresh = args.program.parent / "examples" / "fresh"
    if fresh.exists():
        done = subprocess.run([fresh, largest], stdout=subprocess.PIPE, text=True, check=True)
        report["first answer after a new order, ms"] = json.loads(done.stdout)
    report["shell"] = sqlite_shell(args, args.data / f"keji-{args.orders[0]}")
    if len(args.orders) > 1:
        report["shell, 1,000,000"] = sqlite_shell(args, args.data / f"keji-{args.orders[1]}")
    if args.postgres:
        report["postgres"] = postgres(args, args.orders[min(1, len(args.orders) - 1)])
    report["flat"] = flat(args)
    print(json.dumps(report, indent=2, ensure_ascii=False))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/release/keji"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--orders", type=lambda t: [int(n) for n in t.split(",")], default=[100_000, 1_000_000])
    parser.add_argument("--flat", type=lambda t: [int(n) for n in t.split(",")], default=[500_000, 5_000_000])
    parser.add_argument("--postgres", help="URL of a server; its database is used up")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    return parser.parse_args()


# Import and evaluation.


def one_size(args, orders, folder):
    file = order_file(args, orders)
    shutil.rmtree(folder, ignore_errors=True)
    imported = measured([args.program, "import", file, "--data", folder, "--json"])
    imported["rows/s"] = round(orders / imported["clock_s"])
    evaluated = measured([args.program, "evaluate", "--as-of", "2026-01-01", "--data", folder, "--json"])
    return {"import and evaluate": imported, "evaluate": evaluated, **standing(args, folder)}


def order_file(args, orders, sql="make_orders.sql", name="orders"):
    import duckdb

    file = args.data / f"{name}-{orders}.csv"
    if not file.exists():
        sql = (HERE / sql).read_text()
        for key, value in {"orders": orders, "customers": max(orders // 10, 1), "file": file}.items():
            sql = sql.replace(f"${key}", str(value))
        duckdb.connect().execute(sql)
    return file


def measured(command, **more):
    """Clock, processor seconds and the most memory of one command."""
    started = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, **more)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} ended with {child.returncode}")
    return {
        "clock_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def flat(args):
    """Peak memory of an import whose customers stay the same."""
    found = {}
    for rows in args.flat:
        file = order_file(args, rows, "make_lines.sql", "lines")
        folder = args.data / "flat"
        shutil.rmtree(folder, ignore_errors=True)
        found[rows] = measured([args.program, "import", file, "--data", folder, "--json"])["peak_mb"]
        shutil.rmtree(folder)
    return found


# A running server.


def token(program, folder):
    """By which this program comes in."""
    place = ["--data", str(folder)]
    subprocess.run([program, "user", "add", "owner", "--role", "owner", "--no-password", *place], capture_output=True)
    made = [program, "token", "create", "bench", "--user", "owner", *place]
    return subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()


class Server:
    def __init__(self, program, folder):
        self.headers = {"authorization": f"Bearer {token(program, folder)}"}
        self.started = time.perf_counter()
        command = [str(program), "serve", "--data", str(folder), "--listen", "127.0.0.1:0"]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.child.stdout.readline().split()[-1]

    def ask(self, question):
        body = json.dumps(question).encode()
        request = urllib.request.Request(
            self.address.rstrip("/") + "/api/insight",
            body,
            {"content-type": "application/json", **self.headers},
        )
        return json.loads(urllib.request.urlopen(request).read())

    def cpu_s(self):
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self):
        text = Path(f"/proc/{self.child.pid}/status").read_text()
        return round(int(text.split("VmRSS:")[1].split()[0]) / 1024)

    def timed(self, asked):
        cpu, clock = self.cpu_s(), time.perf_counter()
        for question in asked:
            self.ask(question)
        return {
            "cpu_s": round(self.cpu_s() - cpu, 3),
            "clock_s": round(time.perf_counter() - clock, 3),
        }

    def stop(self):
        self.child.terminate()
        self.child.wait()


def standing(args, folder):
    """Start to the first answer on an existing folder, and memory at rest."""
    starts = []
    for _ in range(3):
        server = Server(args.program, folder)
        server.ask({"metrics": ["orders"], "from": "2025-12-01", "to": "2026-01-01"})
        starts.append(time.perf_counter() - server.started)
        server.stop()
    server = Server(args.program, folder)
    status = server.address.rstrip("/") + "/api/status"
    urllib.request.urlopen(urllib.request.Request(status, headers=server.headers)).read()
    time.sleep(3)
    idle = server.memory_mb()
    server.stop()
    return {"start to first answer_s": round(statistics.median(starts), 3), "idle_mb": idle}


def overview():
    cards = [
        {"metrics": [m], "from": "2025-01-01", "to": "2026-01-01", "compare": "year"} for m in CARDS
    ]
    trends = [{"metrics": [m], "from": "2024-01-01", "to": "2026-01-01", "grain": "month"} for m in CARDS]
    return [*cards, *trends, {"metrics": ["cohort_retention"]}]


def questions(args, folder):
    found = {}
    for name, asked in {"monthly": MONTHLY, "overview": overview()}.items():
        server = Server(args.program, folder)
        server.ask({"metrics": ["orders"], "from": "2025-12-01", "to": "2026-01-01"})
        cold = server.timed(asked)
        warm = [server.timed(asked) for _ in range(3)]
        found[name] = {
            "cold": cold,
            "again, clock_s": statistics.median(w["clock_s"] for w in warm),
            "memory after_mb": server.memory_mb(),
        }
        server.stop()
    for name in PEERS:
        script = [sys.executable, __file__, "--peer", name, "--data", str(folder)]
        runs = [
            json.loads(subprocess.run(script, stdout=subprocess.PIPE, check=True).stdout) for _ in range(3)
        ]
        found[f"duckdb: {name}"] = {
            key: round(statistics.median(r[key] for r in runs), 3) for key in runs[0]
        }
    ours, theirs = found["monthly"]["cold"]["cpu_s"], found["duckdb: monthly"]["cpu_s"]
    found["monthly, ours ÷ duckdb"] = round(ours / theirs, 3)
    return found


# Peers, one process each.


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def connected(folder):
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    return connection, f"{folder}/copy/order/*/*.parquet"


def duckdb_monthly(folder):
    connection, files = connected(folder)
    cpu, clock = cpu_s(), time.perf_counter()
    sql = (HERE / "duckdb_monthly.sql").read_text()
    connection.execute(sql, {"files": files, "as_of": AS_OF}).fetchall()
    return {"cpu_s": cpu_s() - cpu, "clock_s": time.perf_counter() - clock}


def duckdb_roll_up(folder):
    """A table of customer × month, its making counted apart, then the same."""
    connection, files = connected(folder)
    cpu = cpu_s()
    for statement in (HERE / "duckdb_roll_up.sql").read_text().split(";\n"):
        named = {k: v for k, v in {"files": files, "as_of": AS_OF}.items() if f"${k}" in statement}
        if "-- asked" in statement:
            made, clock = cpu_s(), time.perf_counter()
        answer = connection.execute(statement, named)
        if "-- asked" in statement:
            answer.fetchall()
    return {"upkeep cpu_s": made - cpu, "cpu_s": cpu_s() - made, "clock_s": time.perf_counter() - clock}


PEERS = {"monthly": duckdb_monthly, "roll-up": duckdb_roll_up}


def sqlite_shell(args, folder):
    """The rows of an import, already cut into tables and typed, copied by the
    `sqlite3` shell: the same tables and indexes, one transaction,
    synchronous=FULL."""
    tables = ["customer", "product", "order", "order_line"]
    with tempfile.TemporaryDirectory(dir=args.data) as work:
        source = sqlite3.connect(f"file:{folder}/keji.sqlite?mode=ro", uri=True)
        listed = ", ".join(f"'{t}'" for t in tables)
        schema = [
            row[0]
            for row in source.execute(
                f"select sql from sqlite_master where tbl_name in ({listed}) and sql is not null order by type desc"
            )
        ]
        n_lines = source.execute("select count(*) from order_line").fetchone()[0]
        source.close()
        script = ["pragma page_size=8192;", "pragma journal_mode=wal;", "pragma synchronous=full;"]
        script += [f"attach 'file:{folder}/keji.sqlite?mode=ro' as source;", "begin;"]
        script += [sql + ";" for sql in schema]
        script += [f'insert into main."{table}" select * from source."{table}";' for table in tables]
        (Path(work) / "load.sql").write_text("\n".join([*script, "commit;"]) + "\n")
        with open(f"{work}/load.sql") as stdin:
            loaded = measured(["sqlite3", f"{work}/peer.sqlite"], stdin=stdin)
    return {"lines": n_lines, **loaded, "lines/s": round(n_lines / loaded["clock_s"])}


def postgres(args, orders):
    with tempfile.TemporaryDirectory(dir=args.data) as folder:
        command = [args.program, "import", order_file(args, orders), "--data", folder, "--json"]
        found = measured([*command, "--database", args.postgres])
    return {"orders": orders, **found, "rows/s": round(orders / found["clock_s"])}


if __name__ == "__main__":
    main()
