"""Records under load, on both stores: list, get, search, create, update and
groups, at 1 and 16 connections. Prints one JSON document.

    run_records.py --program target/release/keji --data bench/data --size peers|full [--postgres URL]
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from run_product import TICKS, measured

HERE = Path(__file__).parent
# As many as docs/benchmarks.md says.
SIZES = {
    "small": {"customers": 20_000, "contacts": 8_000, "opportunities": 30_000, "touchpoints": 30_000, "orders": 0},
    "peers": {"customers": 20_000, "contacts": 80_000, "opportunities": 300_000, "touchpoints": 0, "orders": 0},
    "full": {
        "customers": 1_000_000,
        "contacts": 0,
        "opportunities": 300_000,
        "touchpoints": 3_000_000,
        "orders": 10_000_000,
    },
}
N_STAFF = 20
STAGES = ["线索", "验证", "方案", "报价", "谈判", "赢单", "输单"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/release/keji"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="peers")
    parser.add_argument("--postgres", help="URL of a server; its database is used up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", help="operations, separated by commas")
    parser.add_argument("--keep", action="store_true", help="take the folder as it is, if it is there")
    parser.add_argument(
        "--as-manager",
        action="store_true",
        help="ask as somebody who sees the customers of his departments, and all are of these",
    )
    args = parser.parse_args()
    size = SIZES[args.size]
    files = made_files(args.data / f"records-{args.size}", size, args.data)
    store = "postgres" if args.postgres else "sqlite"
    folder = args.data / f"records-{args.size}-{store}"
    place = ["--data", str(folder)] + (["--database", args.postgres] if args.postgres else [])
    report = {"size": args.size, "store": store, "counts": size}
    if not (args.keep and folder.exists()):
        shutil.rmtree(folder, ignore_errors=True)
        staff(args.program, place)
        report["imports"] = load(args.program, place, files)
    report["load"] = under_load(args, place, size)
    print(json.dumps(report, indent=2, ensure_ascii=False))


def made_files(folder, size, data):
    """In the order in which they are loaded."""
    if not folder.exists():
        import duckdb

        folder.mkdir(parents=True)
        sql = (HERE / "make_records.sql").read_text().replace("$folder", str(folder))
        for name, n in size.items():
            sql = sql.replace(f"${name}", str(n))
        duckdb.connect().execute(sql)
        (folder / "stages.csv").write_text(
            "销售管道,阶段名称,顺序,阶段类型\n"
            + "".join(
                f"标准,{s},{i + 1},{'赢单' if s == '赢单' else '输单' if s == '输单' else '进行中'}\n"
                for i, s in enumerate(STAGES)
            )
        )
        (folder / "pipelines.csv").write_text("管道名称,启用\n标准,是\n")
        if size["orders"]:
            orders = (HERE / "make_orders.sql").read_text()
            for key, value in {"orders": size["orders"], "customers": size["customers"] - 1}.items():
                orders = orders.replace(f"${key}", str(value))
            duckdb.connect().execute(orders.replace("$file", str(folder / "orders.csv")))
    kinds = {
        "customer": "customers",
        "pipeline": "pipelines",
        "stage": "stages",
        "contact": "contacts",
        "opportunity": "opportunities",
        "touchpoint": "touchpoints",
        None: "orders",
    }
    counts = {"pipelines": 1, "stages": len(STAGES), **size}
    return [(kind, folder / f"{name}.csv", counts[name]) for kind, name in kinds.items() if counts[name]]


def load(program, place, files):
    found = {}
    for kind, file, rows in files:
        what = ["--object", kind] if kind else []
        done = measured([program, "import", file, *what, *place, "--json"])
        done["rows/s"] = round(rows / done["clock_s"])
        done["rows"] = rows
        found[file.stem] = done
        print(file.stem, done, file=sys.stderr)
    return found


def staff(program, place):
    """A manager and those who look after the customers, in one department."""
    served = Served(program, place)
    try:
        department = served.post("/api/departments", {"name": "销售部"})["id"]
        people = [("boss", "manager")] + [(f"u{n}", "representative") for n in range(N_STAFF)]
        for login, role in people:
            within = [{"id": department}]
            served.post("/api/users", {"login": login, "name": login, "role": role, "departments": within})
    finally:
        served.stop()


class Served:
    def __init__(self, program, place, user="owner"):
        add = [program, "user", "add", "owner", "--role", "owner", "--no-password", *place]
        subprocess.run(add, capture_output=True)
        made = [program, "token", "create", "bench", "--user", user, *place]
        self.token = subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()
        command = [program, "serve", *place, "--listen", "127.0.0.1:0", "--limit-requests", "0", "--limit-at-once", "0"]
        begun = time.time()
        self.child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        while "http" not in (line := self.child.stdout.readline()):
            if not line:
                sys.exit("the server did not start")
        self.address = line.split()[-1].rstrip("/")
        self.get("/api/records/customer?limit=1")
        self.first_answer_s = round(time.time() - begun, 3)

    def post(self, path, body):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), headers)
        return json.loads(urllib.request.urlopen(request).read())

    def get(self, path):
        request = urllib.request.Request(self.address + path, headers={"authorization": f"Bearer {self.token}"})
        return json.loads(urllib.request.urlopen(request).read())

    def cpu_s(self):
        """Of the server and, where there is one, the database."""
        total = 0
        for pid in [self.child.pid, *postgres_pids()]:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mb(self, what="VmRSS"):
        text = Path(f"/proc/{self.child.pid}/status").read_text()
        return round(int(text.split(f"{what}:")[1].split()[0]) / 1024)

    def stop(self):
        self.child.terminate()
        self.child.wait()


def postgres_pids():
    if "--postgres" not in sys.argv:
        return []
    found = subprocess.run(["pgrep", "-x", "postgres"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def operations(size, ids, stages):
    """Requests of each kind: method, path, body."""
    random.seed(7)
    quote = urllib.parse.quote
    n = size["customers"]
    places = ["上海", "北京", "广州", "深圳", "杭州", "宁波", "苏州", "南京", "武汉", "成都", "重庆", "天津"]
    signs = "明朗华瑞恒通远达盛泰兴隆信诚和嘉宏博凯鼎金玉东方海天云星德安"
    cities = [f"{p}{k}区" for p in places for k in range(15)]
    customer = lambda: ids[0] + random.randrange(n)
    fields = "number,name,city,phone,industry"

    def search():
        kind = random.randrange(4)
        if kind == 0:  # three characters of a name
            return "".join(random.choice(signs) for _ in range(3))
        if kind == 1:  # two
            return "".join(random.choice(signs) for _ in range(2))
        if kind == 2:  # the end of a number
            return f"{random.randrange(n):08d}"[-6:]
        return random.choice(places) + random.choice(signs) + random.choice(signs)

    listing = "/api/records/customer?limit=50&fields=" + fields
    groups = "/api/records/opportunity/groups?by=stage&sum=amount"
    found = {
        "get": [("GET", f"/api/records/customer/{customer()}", "") for _ in range(20000)],
        "list": [
            ("GET", f"{listing}&sort=name&where={quote(f'city = {chr(39)}{random.choice(cities)}{chr(39)}')}", "")
            for _ in range(2000)
        ],
        "search": [("GET", f"{listing}&search={quote(search())}", "") for _ in range(2000)],
        "create": [("POST", "/api/records/customer", json.dumps({"number": "N$UNIQUE", "name": f"新{random.choice(signs)}客户", "city": random.choice(cities)}, ensure_ascii=False))] * 50,
        "update": [
            ("PATCH", f"/api/records/customer/{customer()}", json.dumps({"note": f"$UNIQUE"}))
            for _ in range(20000)
        ],
        "deals by stage": [
            ("GET", f"/api/records/opportunity?limit=50&fields=number,name,amount,stage&sort=-amount&where=stage%20%3D%20{s}", "")
            for s in stages
        ],
        "pipeline": [("GET", groups, "")],
    }
    if size["touchpoints"]:
        found["list of touchpoints"] = [
            ("GET", f"/api/records/touchpoint?limit=50&sort=-held_on&where=customer%20%3D%20{customer()}", "")
            for _ in range(20000)
        ]
        found["search of touchpoints"] = [
            ("GET", f"/api/records/touchpoint?limit=50&search={quote(w)}", "")
            for w in ["报价机械", "样品电子", "交期软件沟通", "合同", "回访食品确认", "付款家具跟进"]
        ]
        found["customers by city"] = [("GET", "/api/records/customer/groups?by=city", "")]
    return found


def under_load(args, place, size):
    served = Served(args.program, place)
    try:
        wait_for_search(served)
        indexed_mb = served.memory_mb()
    finally:
        served.stop()
    # Idle is a program that was started on what is there; the one before has
    # just read every record.
    served = Served(args.program, place, "boss" if args.as_manager else "owner")
    try:
        first = served.get("/api/records/customer?limit=1&sort=id")["rows"][0]["id"]
        stages = [row["id"] for row in served.get("/api/records/stage?limit=50")["rows"]]
        wait_for_search(served)
        time.sleep(2)
        report = {
            "as": "manager" if args.as_manager else "owner",
            "first_answer_s": served.first_answer_s,
            "indexed_mb": indexed_mb,
            "idle_mb": served.memory_mb(),
            "operations": {},
        }
        for name, requests in operations(size, [first], stages).items():
            if args.only and name not in args.only.split(","):
                continue
            file = args.data / "requests.txt"
            file.write_text("".join(f"{m}\t{p}\t{b}\n" for m, p, b in requests))
            report["operations"][name] = {}
            wrk(served, file, 4, 1)
            for connections in [1, 16]:
                rounds = []
                for _ in range(args.rounds):
                    cpu = served.cpu_s()
                    found = wrk(served, file, connections, args.seconds)
                    found["cpu_ms"] = round((served.cpu_s() - cpu) * 1000 / max(found["requests"], 1), 3)
                    rounds.append(found)
                report["operations"][name][connections] = {
                    key: statistics.median(r[key] for r in rounds) for key in rounds[0]
                }
            print(name, json.dumps(report["operations"][name]), file=sys.stderr)
        # With the copy for questions in use beside the records.
        report["questions"] = questions(served)
        report["peak_mb"] = served.memory_mb("VmHWM")
        return report
    finally:
        served.stop()


def questions(served):
    """Milliseconds of each question about numbers, asked once after the load."""
    asked = {}
    for metric, by in [("orders", "customer.city"), ("net_revenue", "customer.industry"), ("pipeline_amount", "stage")]:
        begun = time.time()
        try:
            served.post("/api/insight", {"metrics": [metric], "by": [by], "limit": 20})
            asked[f"{metric} by {by}"] = round((time.time() - begun) * 1000, 1)
        except urllib.error.HTTPError as problem:
            asked[f"{metric} by {by}"] = problem.read().decode()[:300]
    return asked


def wait_for_search(served):
    """The search's index follows; what stands now is what is measured."""
    while served.get("/api/status").get("search_behind", 0):
        time.sleep(1)


def wrk(served, file, connections, seconds):
    threads = min(connections, 2)
    command = ["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "--timeout", "30s", "-s", HERE / "load/requests.lua"]
    command += [served.address, "--", file, served.token, time.time_ns()]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True)
    line = next((l for l in done.stdout.splitlines() if l.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"wrk said: {done.stdout}\n{done.stderr}")
    requests, duration, p50, p99, errors = (int(x) for x in line.split()[1:])
    return {
        "requests": requests,
        "per_s": round(requests / duration * 1e6, 1),
        "p50_ms": round(p50 / 1000, 2),
        "p99_ms": round(p99 / 1000, 2),
        "errors": errors,
    }


if __name__ == "__main__":
    main()
