//! Chinese for what the crates below say of questions, expressions, backups
//! and damage. They know no languages and word an error in English; here is
//! the same sentence in Chinese, found by its English form.
//!
//! `{0}` stands for any text and is taken over, `{0w}` for a word of
//! `WORDS`, `{0p}` for another phrase, `{0q}` for one that is left out where
//! it is not known.

/// English, Chinese; the first that fits counts.
#[rustfmt::skip]
const PHRASES: &[(&str, &str)] = &[
    // Where it is wrong. First, so that no hole below takes a place with it.
    ("{0q} at line {1} column {2}", "{0}（第 {1} 行第 {2} 列）"),
    ("line {0}, column {1}: {2p}", "第 {0} 行第 {1} 个字符起，{2}"),
    ("column {0}: {1p}", "第 {0} 个字符起，{1}"),
    ("in `{0}`: {1p}", "`{0}` 里：{1}"),
    // Expressions.
    ("expected the end, found {0}", "写到 {0} 之前就应该结束"),
    ("expected {0w}, found the end", "还没写完，后面应该是{0}"),
    ("expected {0w}, found {1}", "这里应该是{0}，却是 {1}"),
    ("Unterminated {0}", "引号没有闭合"),
    ("the expression is deeper than {0} levels or {1} parentheses", "条件嵌套太深：最多 {0} 层，括号最多 {1} 层"),
    ("the expression has more than {0} nodes", "条件太长：最多 {0} 个部分"),
    ("`case` takes conditions: write `case when x = 1 then …`", "`case` 后面是条件：写成 `case when x = 1 then …`"),
    ("text stands in single quotes: 'text'", "文本要用单引号：'文本'"),
    ("write {0} without an exponent", "{0} 请不要用科学计数"),
    ("{0} has more than {1} places behind the point", "{0} 的小数超过 {1} 位"),
    ("a `like` pattern cannot hold a backslash", "`like` 的样式里不能有反斜杠"),
    ("`like` takes a pattern in single quotes", "`like` 后面是单引号里的样式"),
    ("there is no function `{0}`; there are {1} and {2}", "没有函数 `{0}`；只有 {1} 和 {2}"),
    ("`{0}` is not in the expression language", "条件里不能用 `{0}`"),
    ("the answer is {0}, not {1}", "算出来是 {0}，不是 {1}"),
    ("there is no {0w} `{1}`", "没有{0} `{1}`"),
    ("'{0}' is not a date such as '2010-01-31'", "'{0}' 不是日期，日期写成 '2010-01-31'"),
    ("'{0}' is not a date and time such as '2010-01-31T09:30:00Z'", "'{0}' 不是日期时间，要写成 '2010-01-31T09:30:00Z'"),
    ("a filter must be yes or no, this is a {0w}", "条件的结果要是“是”或“否”，这里是{0}"),
    ("null cannot be computed with: write `is null` or `is not null`", "null 不能计算：写成 `is null` 或 `is not null`"),
    ("`{0}` takes a {1w}, this is a {2w}", "`{0}` 要用{1}，这里是{2}"),
    ("`{0}` does not take a {1w} and a {2w}", "`{0}` 不能用于{1}和{2}"),
    ("a date does not compare with a date and time: it begins at another instant in every zone", "日期不能和日期时间比较：每个时区里一天开始的时刻不同"),
    ("a {0w} does not compare with a {1w}", "{0}不能和{1}比较"),
    ("a {0w} has no order for `{1}`", "{0}没有大小，不能用 `{1}`"),
    ("`in` takes a list of literals", "`in` 后面是一串写明的值"),
    ("a {0w} is never a {1w}", "{0}不可能等于{1}"),
    ("`in` needs at least one value", "`in` 至少要有一个值"),
    ("`coalesce` takes at least two values", "`coalesce` 至少要有两个值"),
    ("`{0}` takes one value, not {1}", "`{0}` 只用一个值，不是 {1} 个"),
    ("`{0}` mixes a {1w} with a {2w}", "`{0}` 里{1}和{2}混在一起"),
    ("`{0}` has no value but null", "`{0}` 里除了 null 没有值"),
    ("field `{0}` has no option `{1}`; it has {2}", "字段 `{0}` 没有选项 `{1}`；可选 {2}"),
    ("the number {0} is too large", "数字 {0} 太大"),
    // Formulas of metrics.
    ("what is dated by a reduction cannot name the ends of a period", "按归并结果定日期的指标不能用期间的起止日"),
    ("`{0}` lacks a term", "公式里的 `{0}` 没有定义"),
    ("`{0}` is no formula of terms", "`{0}` 不是由各项组成的公式"),
    ("metric `{0}` cannot be part of a formula", "指标 `{0}` 不能放进公式"),
    // Definition files.
    ("`{0}` is not a name: small letters, digits and _", "`{0}` 不能作名字：只用小写字母、数字和 _"),
    ("the name `{0}` is reserved", "名字 `{0}` 留作他用"),
    ("the name `{0}` is a word of the expression language", "名字 `{0}` 是条件语言里的词"),
    ("names that begin with `{0}` are taken", "以 `{0}` 开头的名字留作他用"),
    ("{0w} `{1}` is defined in {2} too", "{0} `{1}` 在 {2} 里也定义了"),
    ("the name `{0}` of an added field must begin with `{1}`", "加到自带对象上的字段，名字 `{0}` 要以 `{1}` 开头"),
    ("`{0}` may be empty; a date to count by is required", "`{0}` 可以为空；统计用的日期要必填"),
    ("`{0}` writes its records, so nothing is added to them", "它的记录由程序自己（`{0}`）写入，不能加东西"),
    ("`{0}` is an object of one's own: change its file", "`{0}` 是自建的对象：请直接改它"),
    ("field `{0}` is no choice", "字段 `{0}` 不是选项字段"),
    ("option `{0}` is empty or there twice", "选项 `{0}` 是空的，或写了两次"),
    ("it is computed from itself: {0}", "它用到了它自己：{0}"),
    ("there is either a formula or a rollup", "要么写公式，要么写汇总"),
    ("a formula does not give a link: name a field behind it", "公式的结果不能是关联：请写关联后面的字段"),
    ("it is always null", "它永远是空的"),
    ("`{0}` is itself worked out: a roll-up takes stored fields", "`{0}` 本身是算出来的：汇总只能用存着的字段"),
    ("it is itself worked out: a roll-up takes stored fields", "它本身是算出来的：汇总只能用存着的字段"),
    ("there is no unit `{0}`; there are {1}", "没有单位 `{0}`；可用的有 {1}"),
    ("`{0}.{1}` is no link to `{2}`", "`{0}.{1}` 不是指向 `{2}` 的关联"),
    ("a count is of records, not of a field", "计数是数记录，不用选字段"),
    ("it does not say of which field", "没有说汇总哪个字段"),
    ("field `{0}` is a {1w}: it has no such sum", "字段 `{0}` 是{1}，不能这样汇总"),
    ("a rule names fields of the record itself, not `{0}`", "规则只能用本记录自己的字段，不能用 `{0}`"),
    ("what is told is empty", "没有写提示语"),
    ("field `{0}` is there twice", "字段 `{0}` 写了两次"),
    ("there is no field `{0}`", "没有字段 `{0}`"),
    ("there is no object `{0}`", "没有对象 `{0}`"),
    ("link `{0}` does not say `to` what", "关联 `{0}` 没有用 `to` 说明指向什么"),
    ("choice `{0}` has no options", "选项字段 `{0}` 没有选项"),
    ("field `{0}` must be required and unique", "字段 `{0}` 必须是必填且唯一的"),
    ("group `{0}` does not match the folder `{1}`", "分组 `{0}` 和文件夹 `{1}` 不一致"),
    ("a metric needs a worked example", "指标要有一个算例"),
    ("the text `{0}` is empty", "`{0}` 的文字是空的"),
    ("{0} is not from 1 to {1}", "{0} 不在 1 到 {1} 之间"),
    ("a rule names at least one metric", "规则至少要有一个指标"),
    ("metric `{0}` is there twice", "指标 `{0}` 写了两次"),
    ("metric `{0}` is a table of cohorts, not one number", "指标 `{0}` 是一张同期群的表，不是一个数"),
    ("the rules for every firm give {0} metrics, at most {1} of a group: it takes {2}", "对每个企业都成立的规则只给出 {0} 个指标（同一组最多 {1} 个），至少要 {2} 个"),
    ("missing field `{0}`", "缺少 `{0}`"),
    ("unknown field `{0}`, expected one of {1}", "不认得 `{0}`；可用的有 {1}"),
    ("unknown field `{0}`, expected `{1}` or `{2}`", "不认得 `{0}`；可用的有 `{1}`, `{2}`"),
    ("unknown field `{0}`, expected {1}", "不认得 `{0}`；可用的有 {1}"),
    ("no definition has this place: {0}", "这个位置不放定义文件；可用的位置：{0}"),
    // Questions.
    ("metric `{0}` has no dimension `{1}`; it has {2}", "指标 `{0}` 没有维度 `{1}`；可用的有 {2}"),
    ("`{0}` has no dimension `{1}`; it has {2}", "`{0}` 没有维度 `{1}`；可用的有 {2}"),
    ("a question names at least one metric", "至少要有一个指标"),
    ("metric `{0}` is honest by {1w} at the finest, not by {2w}", "指标 `{0}` 最细只能按{1}，不能按{2}"),
    ("`{0}` has no date, so it has no periods", "`{0}` 没有日期，不能按期间拆分"),
    ("the period from {0} to {1} has no day", "从 {0} 到 {1} 的期间里一天也没有"),
    ("cohort metrics are asked apart from other metrics", "同期群指标要单独问，不能和别的指标一起"),
    ("cohorts are by month", "同期群只能按月"),
    ("cohorts are not compared with an earlier period", "同期群不能和以前的期间对比"),
    ("cannot sort by `{0}`; the columns are {1}", "不能按 `{0}` 排序；可用的列有 {1}"),
    ("the answer has {0} rows, more than {1}; filter it or leave out a dimension", "结果有 {0} 行，超过 {1} 行；请加条件或少用一个维度"),
    ("records are listed for one metric at a time", "一次只能列出一个指标背后的记录"),
    ("`{0}` is not a date", "`{0}` 不是日期"),
    ("a record of `{0}` has no date", "`{0}` 有一条记录没有日期"),
    ("metric `{0}` defines nothing to compute", "指标 `{0}` 没有定义要算什么"),
    ("metric `{0}` divides by or with `{1}`, which is no measure", "指标 `{0}` 的除式里 `{1}` 不是可以计算的量"),
    ("metric `{0}` asks for the latest of `{1}`, which has no time", "指标 `{0}` 要取 `{1}` 的最新值，但它没有时间"),
    ("metric `{0}` needs an object with a time", "指标 `{0}` 要用有时间的对象"),
    ("metric `{0}`: a reduction that dates a row is a date over the window `all`", "指标 `{0}`：给一行定日期的归并要是窗口 `all` 上的日期"),
    ("metric `{0}`: `{1}` is no date", "指标 `{0}`：`{1}` 不是日期"),
    ("`{0}` says nothing to aggregate", "`{0}` 没有说要汇总什么"),
    ("`{0}` cannot add up a {1w}", "`{0}` 不能把{1}相加"),
    ("`{0}` is not copied for analysis", "`{0}` 没有列存副本，不能分析"),
    // Lists.
    ("`{0}` is not a text to search in", "`{0}` 不是可以搜索的文本"),
    ("`{0}` is not the next page of this list", "`{0}` 不是这个列表的下一页"),
    ("`{0}` is given twice", "`{0}` 给了两次"),
    // Backups.
    ("it is there", "已经有这个文件，备份不会覆盖它；请换一个名字"),
    ("the path is not Unicode", "路径不是 Unicode"),
    ("this is no backup, or only a part of one", "这不是备份文件，或者只是它的一部分"),
    ("the backup was altered", "备份文件被改动过或已损坏"),
    ("its manifest: {0}", "备份文件的清单读不懂"),
    ("the file shrank", "文件在读取时变短了"),
    ("table `{0}` should have {1p}, but has {2p}", "表 `{0}` 应有 {1}，实际 {2}"),
    ("{0} rows, checksum {1}", "{0} 行、校验和 {1}"),
    ("no such table", "没有这张表"),
    ("there is a database already; a backup is restored into an empty folder", "这里已经有数据库；备份只能恢复到空文件夹"),
    ("there is a table `{0}` already; a backup is restored into a database without our tables", "这里已经有表 `{0}`；备份只能恢复到没有这些表的数据库"),
    ("nothing takes up `{0}.{1}`", "没有地方放 `{0}.{1}`"),
    // Damage that `check` finds.
    ("{0} of `{1}` link to nothing", "`{1}` 有 {0} 条关联指向不存在的记录"),
    ("{0} orders are not the sum of their lines", "有 {0} 张订单不等于明细之和"),
    // What the address or the body of a request got wrong.
    ("Failed to parse the request body as JSON: {0q}", "请求内容不是 JSON：{0}"),
    ("Failed to deserialize the JSON body into the target type: invalid type: {0}, expected {1}", "请求内容不是接口要的样子"),
    ("Failed to deserialize the JSON body into the target type: {0}: {1q}", "请求内容里的 `{0}` 不对：{1}"),
    ("Failed to deserialize the JSON body into the target type: {0q}", "请求内容不对：{0}"),
    ("Failed to deserialize query string: {0}: {1q}", "参数 `{0}` 不对：{1}"),
    ("Failed to deserialize query string: {0q}", "地址里的参数不对：{0}"),
    ("Expected request with `Content-Type: application/json`", "请求要带上 `Content-Type: application/json`"),
    ("Failed to buffer the request body: length limit exceeded", "请求内容太大"),
    ("Failed to buffer the request body: {0}", "请求内容没有收完"),
    ("Invalid URL: {0q}", "地址不对：{0}"),
    ("Cannot parse `{0}` with value `{1}`{2}", "`{0}` 不能是 `{1}`"),
    ("Cannot parse `{0}` to a `{1}`", "`{0}` 不合要求"),
    ("Cannot parse value at index {0} with value `{1}`{2}", "`{1}` 不合要求"),
    ("Invalid UTF-8 in `{0}`", "`{0}` 不是 UTF-8"),
    ("missing field `{0}`", "缺少 `{0}`"),
    ("unknown field `{0}`{1}", "没有 `{0}` 这一项"),
    ("unknown variant `{0}`, expected one of {1}", "没有选项 `{0}`；可选 {1}"),
    ("unknown variant `{0}`, expected `{1}` or `{2}`", "没有选项 `{0}`；可选 `{1}`, `{2}`"),
    ("unknown variant `{0}`, expected {1}", "没有选项 `{0}`；可选 {1}"),
    ("duplicate field `{0}`", "`{0}` 给了两次"),
    ("invalid type: {0}, expected {1w}", "这里应该是{1}"),
    ("invalid value: {0}, expected {1w}", "这里应该是{1}"),
    ("invalid digit found in string", "不是整数"),
    ("cannot parse integer from empty string", "没有填写数字"),
    ("number too large to fit in target type", "数字太大"),
    ("number too small to fit in target type", "数字太小"),
    ("provided string was not `true` or `false`", "只能是 `true` 或 `false`"),
    ("EOF while parsing {0}", "内容没有写完"),
    ("expected value", "这里应该是一个值"),
    ("key must be a string", "名称要放在双引号里"),
    ("trailing comma", "末尾多了一个逗号"),
    ("trailing characters", "末尾有多余的内容"),
    ("expected `{0}`", "这里应该有 `{0}`"),
    ("expected ident", "这里应该是一个值"),
];

#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("text", "文本"),
    ("whole number", "整数"),
    ("number", "数字"),
    ("approximate number", "近似数"),
    ("yes or no", "是或否"),
    ("date", "日期"),
    ("date and time", "日期时间"),
    ("choice", "选项"),
    ("link", "关联"),
    ("an expression", "表达式"),
    ("an expression:", "表达式"),
    ("the end", "结尾"),
    ("day", "日"),
    ("week", "周"),
    ("month", "月"),
    ("quarter", "季"),
    ("year", "年"),
    ("a sum", "合计"),
    ("a quotient", "商"),
    ("a computed value", "计算的结果"),
    // Kinds of things that there are or are not.
    ("object", "对象"),
    ("field", "字段"),
    ("metric", "指标"),
    ("goal", "目标"),
    ("group", "客户群"),
    ("industry", "行业"),
    ("statement", "说法"),
    ("dimension", "维度"),
    ("customer", "客户"),
    ("order", "订单"),
    ("import", "导入"),
    ("batch", "批次"),
    ("job", "任务"),
    ("webhook", "网络钩子"),
    ("form", "表单"),
    ("view", "视图"),
    ("backup", "备份"),
    ("delivery", "投递"),
    ("evaluation", "评估"),
    ("mapping", "映射"),
    ("file", "文件"),
    ("content", "文件内容"),
    ("rejects", "退回文件"),
    ("function", "函数"),
    ("reduction", "归并"),
    ("time zone", "时区"),
    ("the PostgreSQL database", "PostgreSQL 数据库"),
    // What a reader of JSON expects.
    ("a string", "文本"),
    ("a sequence", "列表"),
    ("a map", "对象"),
    ("a boolean", "`true` 或 `false`"),
    ("usize", "非负整数"),
    ("u32", "非负整数"),
    ("u64", "非负整数"),
    ("i64", "整数"),
];

/// The Chinese for an English sentence; nothing where it is not known.
pub fn chinese(english: &str) -> Option<String> {
    PHRASES
        .iter()
        .find_map(|(pattern, zh)| Some(filled(zh, &captures(pattern, english)?)))
}

/// The Chinese for a word such as the name of a type or a kind of thing.
pub fn word(english: &str) -> Option<&'static str> {
    WORDS
        .iter()
        .find(|(en, _)| *en == english)
        .map(|(_, zh)| *zh)
}

/// What stands for the holes of the pattern, in their order.
fn captures<'a>(pattern: &str, text: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let mut holes = pattern.split('{');
    let mut rest = text.strip_prefix(holes.next().unwrap_or_default())?;
    let mut found = Vec::new();
    for hole in holes {
        let (name, literal) = hole.split_once('}')?;
        let end = match literal {
            "" => rest.len(),
            _ if rest.ends_with(literal) && rest.matches(literal).count() == 1 => {
                rest.len() - literal.len()
            }
            _ => rest.find(literal)?,
        };
        let kind = match name.as_bytes().last() {
            Some(b'w') => "w",
            Some(b'p') => "p",
            Some(b'q') => "q",
            _ => "",
        };
        found.push((kind, &rest[..end]));
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(found)
}

fn filled(zh: &str, found: &[(&str, &str)]) -> String {
    let mut text = zh.to_owned();
    for (i, (kind, given)) in found.iter().enumerate() {
        let shown = match *kind {
            "p" => chinese(given).unwrap_or_else(|| (*given).to_owned()),
            "q" => chinese(given).unwrap_or_else(|| "写法不对".to_owned()),
            // English in the midst would help nobody.
            "w" => word(given).unwrap_or("别的写法").to_owned(),
            _ => (*given).to_owned(),
        };
        text = text.replace(&format!("{{{i}}}"), &shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_sentence_and_keeps_what_was_given() {
        for (en, zh) in [
            ("cohorts are by month", "同期群只能按月"),
            (
                "column 5: a text does not compare with a whole number",
                "第 5 个字符起，文本不能和整数比较",
            ),
            (
                "column 1: in `b + 1`: column 1: in `a + 1`: it is computed from itself: o.a → o.b",
                "第 1 个字符起，`b + 1` 里：第 1 个字符起，`a + 1` 里：它用到了它自己：o.a → o.b",
            ),
            (
                "line 2, column 1: expected an expression, found the end",
                "第 2 行第 1 个字符起，还没写完，后面应该是表达式",
            ),
            (
                "field `tier` has no option `wonn`; it has vip, regular",
                "字段 `tier` 没有选项 `wonn`；可选 vip, regular",
            ),
            (
                "missing field `metrics` at line 1 column 2",
                "缺少 `metrics`（第 1 行第 2 列）",
            ),
            (
                "Failed to deserialize the JSON body into the target type: a: unknown field `a`, \
                 expected one of `b`, `c`, `d` at line 1 column 7",
                "请求内容里的 `a` 不对：不认得 `a`；可用的有 `b`, `c`, `d`（第 1 行第 7 列）",
            ),
            (
                "unknown field `a`, expected `b` or `c` at line 1 column 7",
                "不认得 `a`；可用的有 `b`, `c`（第 1 行第 7 列）",
            ),
        ] {
            assert_eq!(chinese(en).as_deref(), Some(zh));
        }
        assert_eq!(chinese("something new"), None);
    }

    /// A part of one, a mark in a file, and the name of a place.
    const NO_SENTENCES: [&str; 3] = [
        "found the end",
        "keji backup file",
        "the PostgreSQL database",
    ];

    /// Every sentence of the modules whose errors people see is known here.
    #[test]
    fn no_sentence_is_left_in_english() {
        let modules = [
            "schema/src/expr/parse.rs",
            "schema/src/expr/check.rs",
            "schema/src/catalog/derived.rs",
            "schema/src/catalog/dimension.rs",
            "metrics/src/plan.rs",
            "metrics/src/plan/dimensions.rs",
            "metrics/src/plan/measures.rs",
            "metrics/src/plan/source.rs",
            "metrics/src/records.rs",
            "store/src/backup/file.rs",
            "store/src/backup/mod.rs",
            "store/src/backup/load.rs",
        ];
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut unknown = Vec::new();
        for module in modules {
            let text = std::fs::read_to_string(format!("{crates}/{module}")).unwrap();
            for sentence in sentences(&text) {
                if chinese(&sentence).is_none() {
                    unknown.push(format!("{module}: {sentence}"));
                }
            }
        }
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    /// Literals of several words, `{…}` filled with something that fits; SQL,
    /// invariants and wrong definitions, which only developers see, are none.
    fn sentences(source: &str) -> Vec<String> {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| {
            let line = line.trim_start();
            !line.starts_with("//")
                && !line.contains("expect(")
                && !line.contains("unreachable!")
                && !line.contains("#[")
        });
        let mut found = Vec::new();
        for line in lines {
            for literal in line.split('"').skip(1).step_by(2) {
                let is_sql = [
                    "select ", "delete ", "drop ", "insert ", "vacuum ", "declare ", "fetch ",
                    " at ",
                ]
                .iter()
                .any(|start| literal.starts_with(start));
                let is_name = literal.starts_with(char::is_uppercase)
                    || literal.starts_with(")")
                    || NO_SENTENCES.contains(&literal);
                let n_words = literal.split(' ').filter(|w| w.len() > 1).count();
                if n_words >= 3 && !is_sql && !is_name {
                    found.push(example(literal));
                }
            }
        }
        found
    }

    fn example(literal: &str) -> String {
        let mut text = String::new();
        let mut rest = literal;
        while let Some((before, hole)) = rest.split_once('{') {
            text.push_str(before);
            text.push('1');
            rest = hole.split_once('}').map_or("", |(_, behind)| behind);
        }
        text + rest
    }
}
