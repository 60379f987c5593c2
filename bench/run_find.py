"""One box over everything: 550 questions with the record that each has to
find, over a made-up base; how many it finds among the first ten, how fast at 16
connections, and how soon a new record is found. Prints one JSON document.

    run_find.py --program target/release/keji --data bench/data [--customers 1000000] [--touchpoints 3000000]
"""

import argparse
import csv
import json
import random
import shutil
import statistics
import time
import urllib.parse
import urllib.request
from pathlib import Path

from run_records import Served, load, wait_for_search, wrk

N_EACH = 50
CITIES = [("上海", "shanghai"), ("北京", "beijing"), ("广州", "guangzhou"), ("深圳", "shenzhen"), ("杭州", "hangzhou"),
          ("宁波", "ningbo"), ("苏州", "suzhou"), ("南京", "nanjing"), ("武汉", "wuhan"), ("成都", "chengdu"),
          ("重庆", "chongqing"), ("天津", "tianjin"), ("青岛", "qingdao"), ("大连", "dalian"), ("厦门", "xiamen")]
CITY_LETTERS = dict(zip((city for city, _ in CITIES), "sh bj gz sz hz nb sz nj wh cd cq tj qd dl xm".split()))
TRADES = [("机械", "jixie"), ("电子", "dianzi"), ("食品", "shipin"), ("贸易", "maoyi"), ("家具", "jiaju"),
          ("软件", "ruanjian"), ("纺织", "fangzhi"), ("化工", "huagong"), ("物流", "wuliu"), ("建材", "jiancai")]
SIGNS = dict(zip(
    "明朗华瑞恒通远达盛泰兴隆信诚嘉宏博凯鼎金玉东方海天云星德安百利福美佳康正新中联合众创科技源丰顺宝龙凤江河山川林森松柏梅兰竹菊春夏秋冬红橙黄绿青蓝紫白风雷电雨雪霜晨曦晓朝阳光辉耀灿启航志成永久长青",
    "ming lang hua rui heng tong yuan da sheng tai xing long xin cheng jia hong bo kai ding jin yu dong fang hai tian yun xing de an bai li fu mei jia kang zheng xin zhong lian he zhong chuang ke ji yuan feng shun bao long feng jiang he shan chuan lin sen song bai mei lan zhu ju chun xia qiu dong hong cheng huang lv qing lan zi bai feng lei dian yu xue shuang chen xi xiao chao yang guang hui yao can qi hang zhi cheng yong jiu chang qing".split(),
))
# A surname as it is read where it is one.
SURNAMES = [("单", "shan"), ("曾", "zeng"), ("仇", "qiu"), ("解", "xie"), ("查", "zha"), ("区", "ou"), ("朴", "piao"),
            ("翟", "zhai"), ("盖", "ge"), ("缪", "miao"), ("覃", "qin"), ("尉", "yu"), ("乐", "yue"), ("召", "shao")]
TAIL = "有限公司"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=Path("target/release/keji"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--touchpoints", type=int, default=3_000_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="take the folder as it is, if it is there")
    args = parser.parse_args()
    made = args.data / f"find-{args.customers}-{args.touchpoints}"
    questions = make(made, args.customers, args.touchpoints)
    folder = made / "place"
    report = {"customers": args.customers, "touchpoints": args.touchpoints, "questions": len(questions)}
    if not (args.keep and folder.exists()):
        shutil.rmtree(folder, ignore_errors=True)
        files = [(kind, made / f"{kind}.csv", n) for kind, n in
                 [("customer", args.customers), ("contact", len(SURNAMES) * 1000), ("touchpoint", args.touchpoints)] if n]
        report["imports"] = load(args.program, ["--data", str(folder)], files)
    served = Served(args.program, ["--data", str(folder)])
    try:
        begun = time.time()
        wait_for_search(served)
        report["index_s"] = round(time.time() - begun, 1)
        report["index_mb"] = round((folder / "search.sqlite").stat().st_size / 1e6)
        report["found"], report["missed"] = asked(served, questions)
        report["load"] = under_load(served, args, questions)
        report["fresh_ms"] = fresh(served)
        report["memory_mb"] = served.memory_mb()
    finally:
        served.stop()
    print(json.dumps(report, indent=2, ensure_ascii=False))


def make(folder, customers, touchpoints):
    """The files, and of each kind of question its text and the number or name
    that has to come."""
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(11)
    signs = list(SIGNS)
    chosen = set(random.sample(range(customers), min(customers, 10 * N_EACH)))
    targets = []
    with open(folder / "customer.csv", "w", newline="") as out:
        write = csv.writer(out).writerow
        write(["客户编号", "客户名称", "电话", "客户类型"])
        for n in range(customers):
            city, trade = random.choice(CITIES), random.choice(TRADES)
            brand = [random.choice(signs) for _ in range(4)]
            name = city[0] + "".join(brand) + trade[0] + TAIL
            phone = f"1{random.randrange(3, 10)}{random.randrange(10**9):09d}"
            write([f"K{n:08d}", name, phone, "公司"])
            if n in chosen:
                targets.append((f"K{n:08d}", city, brand, trade, name, phone))
    random.shuffle(targets)
    people = []
    with open(folder / "contact.csv", "w", newline="") as out:
        write = csv.writer(out).writerow
        write(["姓名", "客户编号", "手机"])
        for surname, sound in SURNAMES:
            for _ in range(1000):
                given = [random.choice(signs) for _ in range(2)]
                phone = f"1{random.randrange(3, 10)}{random.randrange(10**9):09d}"
                write([surname + "".join(given), f"K{random.randrange(customers):08d}", phone])
                people.append((surname + "".join(given), sound + "".join(SIGNS[g] for g in given)))
    if touchpoints and not (folder / "touchpoint.csv").exists():
        words = ["报价", "样品", "交期", "合同", "回访", "付款", "验收", "培训", "投诉", "续约"]
        with open(folder / "touchpoint.csv", "w", newline="") as out:
            write = csv.writer(out).writerow
            write(["主题", "客户编号", "方式", "日期"])
            for n in range(touchpoints):
                text = random.choice(words) + random.choice(TRADES)[0] + random.choice(words) + str(n % 977)
                write([text, f"K{n % customers:08d}", "电话", f"2025-{1 + n % 12:02d}-{1 + n % 28:02d}"])
    take = iter(targets)
    questions = []

    def ask(kind, text, expected):
        questions.append({"kind": kind, "q": text, "expected": expected})

    sound = lambda brand: "".join(SIGNS[b] for b in brand)
    for _ in range(N_EACH):
        number, city, brand, trade, name, phone = next(take)
        ask("brand", "".join(brand), [name])
        number, city, brand, trade, name, phone = next(take)
        ask("city and brand", city[0] + "".join(brand[:3]), [city[0] + "".join(brand[:3])])
        number, city, brand, trade, name, phone = next(take)
        # Hundreds have them, and those that come first are to have them too.
        ask("two characters", "".join(brand[:2]), ["".join(brand[:2])])
        number, city, brand, trade, name, phone = next(take)
        ask("pinyin", city[1] + sound(brand), [name])
        number, city, brand, trade, name, phone = next(take)
        letters = CITY_LETTERS[city[0]] + "".join(SIGNS[b][0] for b in brand)
        ask("first letters", letters, [name])
        number, city, brand, trade, name, phone = next(take)
        ask("mixed", city[0] + "".join(brand[:2]) + SIGNS[brand[2]] + SIGNS[brand[3]][0], [name])
        number, city, brand, trade, name, phone = next(take)
        ask("telephone's end", phone[-8:], [number])
        number, city, brand, trade, name, phone = next(take)
        wrong = list(city[0] + "".join(brand) + trade[0])
        wrong[2 + random.randrange(4)] = "错"
        ask("wrong character", "".join(wrong), [name])
        number, city, brand, trade, name, phone = next(take)
        short = list(city[0] + "".join(brand) + trade[0])
        del short[2 + random.randrange(4)]
        ask("missing character", "".join(short), [name])
        number, city, brand, trade, name, phone = next(take)
        spelt = list(city[1] + sound(brand))
        at = random.randrange(2, len(spelt) - 2)
        spelt[at], spelt[at + 1] = spelt[at + 1], spelt[at]
        ask("swapped letters", "".join(spelt), [name])
        person, spelling = random.choice(people)
        ask("surname's reading", spelling, [person])
    return questions


def asked(served, questions):
    """Of each kind, the share whose record is among the first ten."""
    found, missed = {}, []
    for question in questions:
        hits = served.get("/api/search?limit=10&q=" + urllib.parse.quote(question["q"]))["hits"]
        texts = [str(hit["title"] or "") + " " + hit["text"] for hit in hits]
        if question["kind"] == "two characters":
            is_found = bool(texts) and all(question["q"] in text for text in texts)
        elif question["kind"] == "telephone's end":
            is_found = any(hit["text"].endswith(question["q"]) for hit in hits)
        else:
            is_found = any(want in text for want in question["expected"] for text in texts)
        found.setdefault(question["kind"], []).append(is_found)
        if not is_found:
            missed.append([question["kind"], question["q"], question["expected"], texts[:3]])
    report = {kind: round(statistics.mean(all), 3) for kind, all in found.items()}
    report["all"] = round(statistics.mean(one for all in found.values() for one in all), 4)
    return report, missed[:20]


def under_load(served, args, questions):
    file = args.data / "questions.txt"
    random.shuffle(questions)
    paths = ["/api/search?limit=10&q=" + urllib.parse.quote(question["q"]) for question in questions]
    file.write_text("".join(f"GET\t{path}\t\n" for path in paths))
    wrk(served, file, 4, 1)
    report = {}
    for connections in [1, 16]:
        rounds = [wrk(served, file, connections, args.seconds) for _ in range(args.rounds)]
        report[connections] = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    by_kind = {}
    for question in questions:
        begun = time.perf_counter()
        served.get("/api/search?limit=10&q=" + urllib.parse.quote(question["q"]))
        by_kind.setdefault(question["kind"], []).append((time.perf_counter() - begun) * 1000)
    report["alone, ms"] = {
        kind: [round(statistics.median(all), 1), round(max(all), 1)] for kind, all in by_kind.items()
    }
    return report


def fresh(served):
    """From the answer of a write until the record is found."""
    times = []
    for n in range(20):
        word = f"新{chr(0x5000 + n)}{chr(0x6000 + n)}"
        body = json.dumps({"number": f"F{time.time_ns()}", "name": word, "kind": "company"}).encode()
        headers = {"authorization": f"Bearer {served.token}", "content-type": "application/json"}
        made = urllib.request.Request(served.address + "/api/records/customer", body, headers, method="POST")
        urllib.request.urlopen(made).read()
        begun = time.time()
        while not served.get("/api/search?q=" + urllib.parse.quote(word))["hits"]:
            time.sleep(0.01)
        times.append((time.time() - begun) * 1000)
    return {"median": round(statistics.median(times)), "most": round(max(times))}


if __name__ == "__main__":
    main()
