"""Five unlike files of one year's orders, as people keep them, and what each
has to come to: make_story_files.py DIR [--rows N] writes them and prints JSON.

The totals are added up here from the amounts in cents that a person would read
in the files. Standard library only; the files are the same on every run.
"""

import argparse
import datetime
import gzip
import json
import random
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

ROWS = 60_000
YEAR = 2025
FIRST_DAY = datetime.date(YEAR, 1, 1)
# Day 0 of a spreadsheet.
EPOCH = datetime.date(1899, 12, 30)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

CITIES = "上海 北京 广州 深圳 杭州 南京 苏州 成都 武汉 青岛 宁波 厦门 长沙 西安 合肥 济南".split()
FIRSTS = "远 晨 云 蓝 金 华 瑞 恒 宏 嘉 博 盛 泰 永 新 卓 鼎 凯 文 思".split()
SECONDS = "航 光 帆 海 源 达 丰 景 图 禾 信 诚 联 创 成 越 峰 林 舟 川".split()
FAMILIES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞红鑫波斌宇浩凯健俊帆雪倩"
GOODS = [f"{kind}{size}" for kind in ("茶杯", "茶壶", "茶盘", "茶叶罐", "公道杯", "茶巾", "杯垫", "水壶") for size in ("小号", "中号", "大号", "礼盒", "经典款")]
WARES = [f"{kind}, {size}" for kind in ("Cup", "Teapot", "Tray", "Caddy", "Jug", "Towel", "Coaster", "Kettle") for size in ("small", "medium", "large", "boxed", "classic")]
OWNERS = ["周敏", "郑凯", "何洁", "林涛"]
# How one company is spelt by three clerks.
SPELLINGS = ["{}有限公司", "{} 有限责任公司", "{}（有限公司）"]


class Line:
    """A row: amounts in cents."""

    __slots__ = ("order", "day", "customer", "good", "quantity", "price", "bad")

    def __init__(self, order, day, customer, good, quantity, price):
        self.order, self.day, self.customer, self.good = order, day, customer, good
        self.quantity, self.price, self.bad = quantity, price, None

    @property
    def cents(self):
        return self.quantity * self.price


def make_lines(seed, rows, customers, prices, returns=0.004):
    """Customers that buy at a pace of their own, some of whom stop coming."""
    rng = random.Random(seed)
    visits = []
    while len(visits) < rows:
        for customer in range(customers):
            pace = rng.gammavariate(1.4, 0.018)
            gone = rng.expovariate(1 / 1_500)
            day = rng.expovariate(1 / 60)
            while day < min(gone, 365):
                visits.append((int(day), customer))
                day += max(1, rng.expovariate(max(pace, 0.003)))
    rng.shuffle(visits)
    cut, lines = [], 0
    for visit in visits:
        n = min(1 + rng.choices((0, 1, 2), (50, 30, 20))[0], rows - lines)
        if n == 0:
            break
        cut.append((*visit, n))
        lines += n
    cut.sort()
    made = []
    for number, (day, customer, n) in enumerate(cut):
        back = rng.random() < returns
        for good in rng.sample(range(40), n):
            quantity = rng.choices((1, 2, 3, 5, 10, 24), (40, 25, 12, 12, 8, 3))[0]
            price = prices[0] + (good * 7919 + rng.randrange(3)) % (prices[1] - prices[0])
            date = FIRST_DAY + datetime.timedelta(days=day)
            made.append(Line(number, date, customer, good, -quantity if back else quantity, price))
    return made, rng


def company(n):
    """A name of its own for every n below 102,400: the place, the words, then the trade."""
    n, city = divmod(n, len(CITIES))
    n, first = divmod(n, len(FIRSTS))
    trade, second = divmod(n, len(SECONDS))
    return CITIES[city] + FIRSTS[first] + SECONDS[second] + ("商贸", "贸易", "茶业", "礼品")[trade % 4]


def person(n):
    n, family = divmod(n, len(FAMILIES))
    second, first = divmod(n, len(GIVEN))
    return FAMILIES[family] + GIVEN[first] + (GIVEN[second % len(GIVEN)] if second else "")


def money(cents):
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def ten_thousands(cents):
    """Without the zeros that nobody types: 1234.50 is 0.12345."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 1_000_000)
    return sign + (f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole))


def expected(file, about, lines, n_customers=None, spelt=0, left_out=0):
    good = [line for line in lines if line.bad is None]
    days = [line.day for line in good]
    return {
        "file": file.name,
        "about": about,
        "bytes": file.stat().st_size,
        "rows": len(lines),
        "bad": len(lines) - len(good),
        "left_out": left_out,
        "orders": len({line.order for line in good}),
        "customers": n_customers or len({line.customer for line in good}),
        "spelt_differently": spelt,
        "first": str(min(days)),
        "last": str(max(days)),
        "gross": money(sum(line.cents for line in good if line.cents > 0)),
        "net": money(sum(line.cents for line in good)),
    }


# ---- Workbooks, XML by hand ----


def letters(index):
    return chr(65 + index)


class Day(int):
    """A day number in a cell with a date format."""


def cell_of(strings):
    def cell(place, value):
        if isinstance(value, Day):
            return f'<c r="{place}" s="1"><v>{int(value)}</v></c>'
        if isinstance(value, (int, float)):
            return f'<c r="{place}"><v>{value}</v></c>'
        if strings is None:
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
        return f'<c r="{place}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>'

    return cell


def write_workbook(path, sheets, maker, shared):
    """`sheets`: name, rows of cells (None: nothing), hidden columns, merged cells."""
    strings = {} if shared else None
    cell = cell_of(strings)
    parts, entries, relations, types = {}, [], [], []
    for i, (name, grid, hidden, merges) in enumerate(sheets, 1):
        body = []
        for r, line in enumerate(grid, 1):
            cells = "".join(cell(f"{letters(c)}{r}", v) for c, v in enumerate(line) if v is not None)
            if cells:
                body.append(f'<row r="{r}">{cells}</row>')
        columns = "".join(f'<col min="{c + 1}" max="{c + 1}" width="0" hidden="1" customWidth="1"/>' for c in hidden)
        merged = "".join(f'<mergeCell ref="{m}"/>' for m in merges)
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{MAIN}">'
            f"{f'<cols>{columns}</cols>' if columns else ''}<sheetData>{''.join(body)}</sheetData>"
            f"{f'<mergeCells>{merged}</mergeCells>' if merged else ''}</worksheet>"
        )
        entries.append(f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>')
        relations.append((f"rId{i}", "worksheet", f"worksheets/sheet{i}.xml"))
        types.append((f"/xl/worksheets/sheet{i}.xml", "worksheet"))
    relations.append(("rId90", "styles", "styles.xml"))
    types += [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="176" formatCode="yyyy/m/d;@"/></numFmts>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="176" applyNumberFormat="1"/></cellXfs></styleSheet>'
    )
    if strings is not None:
        relations.append(("rId91", "sharedStrings", "sharedStrings.xml"))
        types.append(("/xl/sharedStrings.xml", "sharedStrings"))
        items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}" uniqueCount="{len(strings)}">{items}</sst>'
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets>{"".join(entries)}</sheets></workbook>'
    parts["docProps/app.xml"] = (
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
        f"<Application>{maker}</Application></Properties>"
    )
    parts["xl/_rels/workbook.xml.rels"] = relations_of([(i, f"{RELS}/{t}", to) for i, t, to in relations])
    parts["_rels/.rels"] = relations_of([("rId1", f"{RELS}/officeDocument", "xl/workbook.xml")])
    overrides = "".join(f'<Override PartName="{p}" ContentType="{OFFICE}.{t}+xml"/>' for p, t in types)
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            info = zipfile.ZipInfo(name, (YEAR, 12, 31, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, parts[name])


def relations_of(relations):
    inside = "".join(f'<Relationship Id="{i}" Type="{t}" Target="{to}"/>' for i, t, to in relations)
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


# ---- The five ----


def ledger(folder, rows):
    """The sheet of WPS, and the same sheet saved as text of a Chinese Windows."""
    lines, rng = make_lines("ledger", rows, 4_000, (990, 39_900))
    for line in rng.sample(lines, 12):
        line.bad = rng.choice(("待定", ""))
    # Every fortieth customer is spelt as it comes.
    names, spelt = {}, {}
    for line in lines:
        core = company(line.customer)
        spelling = SPELLINGS[rng.randrange(3)] if line.customer % 40 == 0 else SPELLINGS[0]
        names[id(line)] = spelling.format(core)
        if line.bad is None:
            spelt.setdefault(line.customer, set()).add(names[id(line)])
    grid = [["江南茶具商贸有限公司2025年销售明细表"], [], ["订单编号", "下单日期", "客户名称", "商品名称", "数量", "金额（万元）", "业务员", "备注"]]
    for line in lines:
        amount = ten_thousands(line.cents) if line.bad is None else line.bad
        day = Day((line.day - EPOCH).days)
        note = "加急" if line.order % 97 == 0 else ""
        grid.append([f"XS{YEAR}{line.order:06d}", day, names[id(line)], GOODS[line.good], str(line.quantity), amount, OWNERS[line.customer % 4], note])
    total = ten_thousands(sum(line.cents for line in lines if line.bad is None))
    grid.append(["合计", None, None, None, str(sum(line.quantity for line in lines)), total])
    book, text = folder / "1-wps.xlsx", folder / "2-gb18030.csv"
    blanks = [[None if v == "" else v for v in row] for row in grid]
    write_workbook(book, [("销售明细", blanks, [], ["A1:H1"])], "WPS 表格", shared=True)

    def shown(value):
        if isinstance(value, Day):
            day = EPOCH + datetime.timedelta(days=value)
            return f"{day.year}/{day.month}/{day.day}"
        return "" if value is None else value

    full = [",".join(shown(v) for v in row + [None] * (8 - len(row))) for row in grid]
    text.write_bytes("".join(line + "\r\n" for line in full).encode("gb18030"))
    facts = dict(n_customers=sum(map(len, spelt.values())), spelt=sum(len(s) > 1 for s in spelt.values()), left_out=1)
    yield expected(book, "WPS workbook: title, blank row, 金额（万元） as text, 合计 below, customers in three spellings", lines, **facts)
    yield expected(text, "the same sheet as CSV in GB18030", lines, **facts)


def months(folder, rows):
    """A sheet a month, each with its title and total; the last two lost the format of their days."""
    lines, rng = make_lines("months", rows, 5_000, (1_250, 88_000))
    head = ["订单号", "客户编号", "客户名称", "下单日期", "商品名称", "数量", "单价", "销售额", "金额"]
    sheets = [("封面", [[f"{YEAR}年度销售台账"], [], ["编制", "销售部"]], [], [])]
    for month in range(1, 13):
        grid = [[f"{month}月销售"], head]
        of_month = [line for line in lines if line.day.month == month]
        for line in of_month:
            serial = (line.day - EPOCH).days
            day = Day(serial) if month < 11 else serial
            # A plan that somebody hid and left there.
            plan = round(line.cents / 100 * rng.uniform(0.8, 1.3), 1)
            grid.append([f"D{line.order:07d}", f"K{10_000 + line.customer}", company(line.customer) + "有限公司", day, GOODS[line.good], line.quantity, line.price / 100, plan, line.cents / 100])
        total = sum(line.cents for line in of_month) / 100
        grid.append(["合计", None, None, None, None, sum(line.quantity for line in of_month), None, None, total])
        sheets.append((f"{month}月", grid, [7], []))
    book = folder / "3-months.xlsx"
    write_workbook(book, sheets, "Microsoft Excel", shared=False)
    yield expected(book, "workbook of Excel: cover, a sheet a month, days as serial numbers, a hidden column of other amounts", lines, left_out=12)


def abroad(folder, rows):
    """Unicode text of Excel in English; no amount, returns under numbers of their own."""
    lines, _ = make_lines("abroad", rows, 3_000, (199, 24_999))
    out = ["Order ID\tOrder Date\tCustomer ID\tCustomer Name\tSKU\tProduct\tQuantity\tUnit Price\tCountry"]
    for line in lines:
        day = f"{line.day.year}.{line.day.month}.{line.day.day}"
        number = f"{'C' if line.quantity < 0 else ''}{500_000 + line.order}"
        country = ("United Kingdom", "Germany", "France", "Netherlands")[line.customer % 4]
        out.append(f"{number}\t{day}\t{20_000 + line.customer}\tNorthwind Shop {line.customer + 1}\tT{line.good:03d}\t{WARES[line.good]}\t{line.quantity}\t{money(line.price)}\t{country}")
    text = folder / "4-utf16.txt"
    text.write_bytes(b"\xff\xfe" + "".join(line + "\r\n" for line in out).encode("utf-16-le"))
    yield expected(text, "Unicode text of Excel (UTF-16, tabs): English headings, 2025.3.5, quantity × price", lines)


def shop(folder, rows):
    """An export of an online shop: signs of the currency, thousands, bad rows of four kinds."""
    lines, rng = make_lines("shop", rows, 6_000, (1_990, 128_000))
    for i, line in enumerate(rng.sample(lines, 40)):
        line.bad = ("day", "amount", "no day", "number")[i % 4]
    out = ["订单号,付款时间,会员编号,收货人,手机号,商品编码,宝贝标题,数量,单价,实付金额,平台"]
    for line in lines:
        day = f"{line.day.year}年{line.day.month}月{line.day.day}日"
        day = {"day": f"{YEAR}年2月30日", "no day": ""}.get(line.bad, day)
        number = "2.02503E+14" if line.bad == "number" else f"{YEAR}{line.day:%m}{line.order:09d}"
        # Without a price as well, or the amount would follow from it.
        price = "面议" if line.bad == "amount" else f"¥{money(line.price)}"
        amount = "面议" if line.bad == "amount" else signed(line.cents)
        phone = f"138{10_000_000 + line.customer * 7919 % 89_999_999:08d}"
        out.append(f'{number},{day},{300_000 + line.customer},{person(line.customer)},{phone},69{line.good:011d},{GOODS[line.good]},{line.quantity},{price},"{amount}",{("天猫", "京东")[line.order % 2]}')
    packed = folder / "5-shop.csv.gz"
    packed.write_bytes(gzip.compress("".join(line + "\n" for line in out).encode(), mtime=0))
    yield expected(packed, "export of a shop (CSV.gz, UTF-8): 2025年3月5日, ￥1,234.50, rows that cannot be read", lines)


def signed(cents):
    sign = "-" if cents < 0 else ""
    return f"￥{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    made = [one for write in (ledger, months, abroad, shop) for one in write(args.folder, args.rows)]
    print(json.dumps(made, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
