"""An object of one's own beside one of the product: the same definition under
another name, the same records, the same requests in turn. Prints one JSON
document with the requests per second of both and how they compare.

    run_own.py --program target/release/keji --data bench/data [--records 1000000] [--postgres URL]
"""

import argparse
import csv
import json
import random
import shutil
import statistics
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from run_records import Served, load, wait_for_search, wrk

ROOT = Path(__file__).parent.parent
GIVEN, OWN = "project", "undertaking"
CUSTOMERS = 10_000
SIGNS = "明朗华瑞恒通远达盛泰兴隆信诚和嘉宏博凯鼎金玉东方海天云星德安"
STATES = ["planned", "active", "on_hold", "finished", "cancelled"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/release/keji"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--postgres", help="URL of a server; its database is used up")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    store = "postgres" if args.postgres else "sqlite"
    folder = args.data / f"own-{args.records}-{store}"
    place = ["--data", str(folder / "place")] + (["--database", args.postgres] if args.postgres else [])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    customers, records = make(folder, args.records)
    report = {"records": args.records, "store": store}
    served = Served(args.program, place)
    define(served)
    served.stop()
    report["imports"] = load(args.program, place, [("customer", customers, CUSTOMERS)])
    for kind in [GIVEN, OWN]:
        file = folder / f"{kind}.csv"
        shutil.copy(records, file)
        report["imports"] |= load(args.program, place, [(kind, file, args.records)])
    served = Served(args.program, place)
    try:
        wait_for_search(served)
        report["operations"] = compare(served, args)
    finally:
        served.stop()
    print(json.dumps(report, indent=2, ensure_ascii=False))


def make(folder, n):
    random.seed(5)
    customers, records = folder / "customers.csv", folder / "records.csv"
    with open(customers, "w", newline="") as out:
        write = csv.writer(out).writerow
        write(["客户编号", "客户名称"])
        for i in range(CUSTOMERS):
            write([f"K{i:06d}", "".join(random.choices(SIGNS, k=4)) + "有限公司"])
    with open(records, "w", newline="") as out:
        write = csv.writer(out).writerow
        write(["项目编号", "项目名称", "客户编号", "开始日期", "金额", "项目状态"])
        for i in range(n):
            name = "".join(random.choices(SIGNS, k=4)) + "项目"
            day = f"20{22 + i % 4}-{1 + i % 12:02d}-{1 + i % 28:02d}"
            customer = f"K{random.randrange(CUSTOMERS):06d}"
            write([f"P{i:08d}", name, customer, day, f"{random.randrange(100, 10**7) / 100}", STATES[i % 5]])
    return customers, records


def define(served):
    """The product's own definition under another name."""
    text = (ROOT / f"definitions/objects/{GIVEN}.toml").read_text()
    version = served.get("/api/design")["version"]
    body = json.dumps({"version": version, "files": {f"objects/{OWN}.toml": text}}).encode()
    headers = {"authorization": f"Bearer {served.token}", "content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(served.address + "/api/design", body, headers)).read()


def compare(served, args):
    found = {}
    for name in requests(served, GIVEN, args.records):
        rounds = {GIVEN: [], OWN: []}
        for _ in range(args.rounds + 1):
            for kind in rounds:
                file = args.data / f"requests-{kind}.txt"
                wanted = requests(served, kind, args.records)[name]
                file.write_text("".join(f"{m}\t{p}\t{b}\n" for m, p, b in wanted))
                rounds[kind].append(wrk(served, file, 16, args.seconds))
        # The first round warms up.
        medians = {
            kind: {key: statistics.median(r[key] for r in all[1:]) for key in ["per_s", "p50_ms", "p99_ms", "errors"]}
            for kind, all in rounds.items()
        }
        pairs = zip(rounds[OWN][1:], rounds[GIVEN][1:])
        medians["own / given"] = round(statistics.median(own["per_s"] / given["per_s"] for own, given in pairs), 3)
        found[name] = medians
        print(name, json.dumps(medians), file=sys.stderr)
    return found


def requests(served, kind, n):
    random.seed(9)
    quote = urllib.parse.quote
    first = served.get(f"/api/records/{kind}?limit=1&sort=id")["rows"][0]["id"]
    customer = served.get("/api/records/customer?limit=1&sort=id")["rows"][0]["id"]
    record = lambda: first + random.randrange(n)
    listing = f"/api/records/{kind}?limit=50&fields=number,name,customer,starts_on,amount,state"
    word = lambda: "".join(random.choices(SIGNS, k=random.choice([2, 3])))
    new = {"number": "N$UNIQUE", "name": "新项目", "customer": customer, "starts_on": "2026-01-01", "state": "active"}
    return {
        "get": [("GET", f"/api/records/{kind}/{record()}", "") for _ in range(5000)],
        "list": [
            ("GET", f"{listing}&sort=-starts_on&where={quote(f'customer = {customer + random.randrange(CUSTOMERS)}')}", "")
            for _ in range(5000)
        ],
        "search": [("GET", f"{listing}&search={quote(word())}", "") for _ in range(2000)],
        "groups": [("GET", f"/api/records/{kind}/groups?by=state&sum=amount", "")],
        "create": [("POST", f"/api/records/{kind}", json.dumps(new, ensure_ascii=False))] * 50,
        "update": [("PATCH", f"/api/records/{kind}/{record()}", json.dumps({"note": "$UNIQUE"})) for _ in range(5000)],
    }


if __name__ == "__main__":
    main()
