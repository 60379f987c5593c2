//! Whether the worked examples prove their metrics: one sign, condition, bound
//! or window of a definition is changed at a time, and then the example must
//! no longer hold. What an example lets pass it does not prove.

use std::collections::BTreeSet;

use keji_metrics::examples::run_examples;
use keji_metrics::run::{Engine, MEMORY_BYTES};
use keji_schema::Catalog;
use keji_schema::metric::MetricDef;
use toml::Value;

/// Changes that pass unseen, `metric: change` in each line: most leave the
/// number what it is, as a factor on both sides of a ratio does; of the others
/// the example is too weak. A line goes when it is seen, and none may come.
const UNSEEN: &str = include_str!("mutations.txt");

#[tokio::test]
async fn an_example_fails_when_its_metric_is_changed() {
    let mut catalog = Catalog::standard().unwrap();
    let engine = Engine::new(MEMORY_BYTES).unwrap();
    let metrics: Vec<MetricDef> = catalog.metrics.values().cloned().collect();
    let (mut n, mut unseen, mut unproven) = (0, Vec::new(), Vec::new());
    for metric in metrics {
        let (mut n_seen, n_before) = (0, n);
        for (change, mutant) in mutants(&metric) {
            catalog.metrics.insert(metric.id.clone(), mutant.clone());
            let outcomes = run_examples(&engine, &catalog, &mutant).await;
            let failures: Vec<_> = outcomes.into_iter().filter_map(|o| o.failure).collect();
            // What cannot be asked any more is refused, and proves nothing.
            if failures.iter().any(|f| !f.starts_with("the answer is")) {
                continue;
            }
            n += 1;
            if failures.is_empty() {
                unseen.push(format!("{}: {change}", metric.id));
            } else {
                n_seen += 1;
            }
        }
        // A plain sum has nothing that could be changed.
        if n_seen == 0 && n > n_before {
            unproven.push(metric.id.clone());
        }
        catalog.metrics.insert(metric.id.clone(), metric);
    }
    let known: BTreeSet<&str> = UNSEEN.lines().collect();
    let found: BTreeSet<&str> = unseen.iter().map(String::as_str).collect();
    let came: Vec<_> = found.difference(&known).collect();
    assert!(came.is_empty(), "pass unseen, of {n}:\n{came:#?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "are seen now, take the lines out:\n{gone:#?}"
    );
    assert!(unproven.is_empty(), "no change is seen of {unproven:?}");
    assert!(n > 10 * catalog.metrics.len(), "{n}");
}

/// Every definition that differs in one place, with a text that says where.
fn mutants(metric: &MetricDef) -> Vec<(String, MetricDef)> {
    let mut whole = Value::try_from(metric).unwrap();
    for key in ["id", "example"] {
        whole.as_table_mut().unwrap().remove(key);
    }
    let mut changes = Vec::new();
    for part in ["measure", "ratio", "derived", "cohort", "conversion"] {
        if let Some(value) = whole.get(part) {
            each(value, &[part], &mut |path, made| {
                let mut changed = whole.clone();
                let described = put(&mut changed, path, made);
                let mut mutant: MetricDef = changed.try_into().unwrap();
                mutant.id.clone_from(&metric.id);
                mutant.examples.clone_from(&metric.examples);
                changes.push((described, mutant));
            });
        }
    }
    changes
}

/// Calls `give` with the path of a key and another value for it; `None`
/// removes the key.
fn each(value: &Value, path: &[&str], give: &mut dyn FnMut(&[&str], Option<Value>)) {
    let key = path.last().copied().unwrap_or_default();
    let word = |words: &[&str]| -> Vec<Option<Value>> {
        let others = words.iter().filter(|w| value.as_str() != Some(**w));
        others.map(|w| Some(Value::from(*w))).collect()
    };
    let made: Vec<Option<Value>> = match (key, value) {
        (_, Value::Table(table)) => {
            for (key, value) in table {
                each(value, &[path, &[key.as_str()]].concat(), give);
            }
            if key == "ratio" {
                give(&["ratio"], Some(turned(value)));
            }
            return;
        }
        // A period that is only meant is no condition that the file states.
        ("window", _) if value.as_str() != Some("period") => word(&["period", "days365", "all"]),
        ("over_time", _) => word(&["last", "first", "avg", "max"]),
        ("shift", _) => word(&["previous", "year"])
            .into_iter()
            .chain([None])
            .collect(),
        ("show", _) => word(&["customers", "share"]),
        ("time" | "exit", _) => vec![None],
        ("where" | "having" | "then", Value::String(text)) => {
            let mut all: Vec<_> = texts(text).into_iter().map(|t| Some(t.into())).collect();
            all.push(None);
            all
        }
        ("expr" | "formula", Value::String(text)) => {
            texts(text).into_iter().map(|t| Some(t.into())).collect()
        }
        ("within_days" | "lag_days", Value::Integer(days)) if *days > 0 => {
            vec![Some((days - 1).into()), Some((days + 1).into())]
        }
        _ => Vec::new(),
    };
    made.into_iter().for_each(|value| give(path, value));
}

/// The ratio upside down.
fn turned(ratio: &Value) -> Value {
    let mut turned = ratio.as_table().unwrap().clone();
    turned.insert("num".to_owned(), ratio["den"].clone());
    turned.insert("den".to_owned(), ratio["num"].clone());
    Value::Table(turned)
}

/// Sets a key, and says so.
fn put(whole: &mut Value, path: &[&str], made: Option<Value>) -> String {
    let (key, above) = path.split_last().unwrap();
    let mut place = whole;
    for part in above {
        place = &mut place[*part];
    }
    let at = path.join(".");
    let table = place.as_table_mut().unwrap();
    match made {
        None => {
            table.remove(*key);
            format!("{at} is gone")
        }
        Some(Value::Table(made)) => {
            table.insert((*key).to_owned(), Value::Table(made));
            format!("{at} is upside down")
        }
        Some(made) => {
            let described = format!("{at} is {made}");
            table.insert((*key).to_owned(), made);
            described
        }
    }
}

/// The expressions that differ from `text` in one sign, word or number, or
/// have one condition less.
fn texts(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut made = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let follows_value = i > 0 && !is_sign(tokens[i - 1]) && !is_word(tokens[i - 1]);
        let others: &[&str] = match *token {
            "=" => &["!="],
            "!=" | "<>" => &["="],
            "<" => &["<=", ">="],
            "<=" => &["<", ">"],
            ">" => &[">=", "<="],
            ">=" => &[">", "<"],
            "+" => &["-"],
            "-" if follows_value => &["+"],
            // A sign in front of a number.
            "-" => &[""],
            "*" => &["/"],
            "/" => &["*"],
            "and" => &["or"],
            "or" => &["and"],
            "null" if i > 0 && tokens[i - 1] == "is" => &["not null"],
            "not" => &[""],
            "lower" => &["upper"],
            _ => &[],
        };
        let mut replaced = |with: &str| {
            let mut changed = tokens.clone();
            changed[i] = with;
            made.push(changed.join(" "));
        };
        others.iter().for_each(|with| replaced(with));
        // Of nothing and of one the sign beside them is changed instead.
        if let Some(n) = token.parse::<i64>().ok().filter(|n| *n > 1) {
            replaced(&(n + 1).to_string());
            replaced(&(n - 1).to_string());
        }
    }
    made.extend(without_one(&tokens));
    made
}

/// With one part of an `and`, an `or` or a list left out.
fn without_one(tokens: &[&str]) -> Vec<String> {
    let mut made = Vec::new();
    let mut starts = vec![0];
    for (i, token) in tokens.iter().enumerate() {
        match *token {
            "(" => starts.push(i + 1),
            ")" => {
                let start = starts.pop().unwrap_or_default();
                parts(tokens, start, i, &mut made);
            }
            _ => {}
        }
    }
    parts(tokens, 0, tokens.len(), &mut made);
    made
}

/// The text without one of the parts between `start` and `end` that a comma,
/// `and` or `or` separates.
fn parts(tokens: &[&str], start: usize, end: usize, made: &mut Vec<String>) {
    let (mut depth, mut cuts) = (0, vec![start]);
    for (i, token) in tokens.iter().enumerate().take(end).skip(start) {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            "case" | "between" => return,
            "," | "and" | "or" if depth == 0 => cuts.push(i),
            _ => {}
        }
    }
    if cuts.len() < 2 {
        return;
    }
    for (n, from) in cuts.iter().enumerate() {
        let to = cuts.get(n + 1).copied().unwrap_or(end);
        // The first part goes with the separator behind it.
        let to = if n == 0 { to + 1 } else { to };
        let kept: Vec<&str> = [&tokens[..*from], &tokens[to..]].concat();
        made.push(kept.join(" "));
    }
}

fn is_sign(token: &str) -> bool {
    matches!(
        token,
        "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "(" | ","
    )
}

fn is_word(token: &str) -> bool {
    keji_schema::expr::WORDS.contains(&token) && !matches!(token, "null" | "true" | "false" | "end")
}

/// Quoted texts, names, numbers and signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut made = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            c if name(c) => rest.find(|c| !name(c)).unwrap_or(rest.len()),
            _ if ["<=", ">=", "!=", "<>"].iter().any(|s| rest.starts_with(s)) => 2,
            c => c.len_utf8(),
        };
        made.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    made
}

#[test]
fn a_change_is_of_one_place() {
    assert_eq!(
        texts("a = 'x and y' and b in ('p', 'q')"),
        [
            "a != 'x and y' and b in ( 'p' , 'q' )",
            "a = 'x and y' or b in ( 'p' , 'q' )",
            "a = 'x and y' and b in ( 'q' )",
            "a = 'x and y' and b in ( 'p' )",
            "b in ( 'p' , 'q' )",
            "a = 'x and y'",
        ]
    );
    assert_eq!(
        texts("-a + 2.5 >= 3"),
        [
            " a + 2.5 >= 3",
            "- a - 2.5 >= 3",
            "- a + 2.5 > 3",
            "- a + 2.5 < 3",
            "- a + 2.5 >= 4",
            "- a + 2.5 >= 2",
        ]
    );
}
