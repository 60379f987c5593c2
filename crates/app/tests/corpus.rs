//! Ugly files and what must become of each: `fixtures/ugly/cases.toml` holds
//! the expected outcomes, which `make.py` works out without this program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use keji_app::import::bytes::{Input, Limits};
use keji_app::import::error::ImportError;
use keji_app::import::field::Vocabulary;
use keji_app::import::oddities::Oddity;
use keji_app::import::preview;
use keji_app::import::rejects::{Reject, RejectWriter};
use keji_app::import::rows::{Counts, Line, Rows};
use keji_app::import::table::Table;
use keji_app::import::{Mapping, OrderLineRow, xlsx};
use keji_app::messages::Language;
use keji_schema::Decimal;
use keji_schema::calendar::Calendar;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    file: String,
    #[expect(dead_code, reason = "for people")]
    about: String,
    /// The code of the error that ends it.
    #[serde(default)]
    error: Option<String>,
    /// The proposal is sure enough to be taken unseen.
    #[serde(default)]
    confident: bool,
    /// Codes of the proposal.
    #[serde(default)]
    notes: Vec<String>,
    /// What somebody says of dates that the proposal leaves open.
    #[serde(default)]
    date_format: Option<String>,
    /// Under the proposal, sure or not; absent where it cannot be used.
    #[serde(default)]
    rows: Option<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    accepted: usize,
    rejected: Vec<String>,
    totals: u64,
    foot_notes: u64,
    without_customer: u64,
    gross: String,
    net: String,
    first: Option<String>,
    last: Option<String>,
    oddities: Vec<String>,
    /// Of the accepted row at this place, from 0.
    cells: Vec<Cell>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    at: usize,
    field: String,
    /// Empty: there is none.
    value: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ugly")
}

fn vocabulary() -> Vocabulary {
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../definitions/objects");
    let objects = ["customer", "order", "order_line", "product"]
        .into_iter()
        .map(|id| {
            let text = fs::read_to_string(objects.join(format!("{id}.toml"))).unwrap();
            (id.to_owned(), toml::from_str(&text).unwrap())
        })
        .collect();
    Vocabulary::new(&objects)
}

fn input(path: &Path) -> Result<Input, ImportError> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let file = File::open(path).unwrap();
    match xlsx::is_workbook(&file).unwrap() {
        true => xlsx::open_here(path, &name),
        false => Ok(Input::new(name, BufReader::new(file))),
    }
}

struct Outcome {
    rows: Vec<OrderLineRow>,
    rejects: Vec<Reject>,
    counts: Counts,
    oddities: Vec<Oddity>,
    header: Vec<String>,
}

fn read(table: Table, mapping: &Mapping) -> Result<Outcome, ImportError> {
    let header = table.header().to_vec();
    let mut rows = Rows::new(table, mapping, &vocabulary(), &Calendar::default())?;
    let (mut lines, mut rejects) = (Vec::new(), Vec::new());
    for line in rows.by_ref() {
        match line? {
            Line::Row(row) => lines.push(row),
            Line::Reject(reject) => rejects.push(reject),
        }
    }
    Ok(Outcome {
        rows: lines,
        rejects,
        counts: rows.counts(),
        oddities: rows.oddities(),
        header,
    })
}

fn sum(rows: &[OrderLineRow], counts: impl Fn(&OrderLineRow) -> bool) -> String {
    let units = rows
        .iter()
        .filter(|row| counts(row))
        .map(|row| row.amount.units())
        .sum();
    Decimal::from_units(units).to_string()
}

/// Every difference between what is expected and what is.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn check<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, expected: T) {
        if found != expected {
            self.0
                .push(format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }
}

fn check_rows(outcome: &Outcome, expected: &Expected, different: &mut Differences) {
    let rows = &outcome.rows;
    different.check("accepted", rows.len(), expected.accepted);
    let codes: Vec<&str> = outcome.rejects.iter().map(|r| r.code).collect();
    let wanted: Vec<&str> = expected.rejected.iter().map(String::as_str).collect();
    different.check("rejected", codes, wanted);
    different.check("totals", outcome.counts.totals_left_out, expected.totals);
    different.check(
        "foot notes",
        outcome.counts.notes_left_out,
        expected.foot_notes,
    );
    different.check(
        "without customer",
        outcome.counts.without_customer,
        expected.without_customer,
    );
    let is_sale = |row: &OrderLineRow| row.quantity.is_positive() && row.price.is_positive();
    different.check("gross", sum(rows, is_sale), expected.gross.clone());
    different.check("net", sum(rows, |_| true), expected.net.clone());
    let days = || rows.iter().map(|row| row.ordered_on.to_string());
    different.check("first day", days().min(), expected.first.clone());
    different.check("last day", days().max(), expected.last.clone());
    let odd: BTreeSet<&str> = outcome.oddities.iter().map(|o| o.code.as_str()).collect();
    let wanted: BTreeSet<&str> = expected.oddities.iter().map(String::as_str).collect();
    different.check("oddities", odd, wanted);
    for oddity in &outcome.oddities {
        for language in [Language::Zh, Language::En] {
            let text = oddity.text(language);
            assert!(!text.contains(['{', '}']), "{text}");
        }
    }
    let places: BTreeSet<u64> = rows.iter().map(|row| row.row_no).collect();
    different.check("places that differ", places.len(), rows.len());
    for cell in &expected.cells {
        let values = rows.get(cell.at).map(preview::values).unwrap_or_default();
        let found = values.get(&cell.field).cloned().unwrap_or_default();
        different.check(
            &format!("{} of row {}", cell.field, cell.at),
            found,
            cell.value.clone(),
        );
    }
}

/// What was turned away comes back as a file that can be read under the same
/// columns, and every row of it is there.
fn check_rejects(outcome: &Outcome, mapping: &Mapping, different: &mut Differences) {
    for language in [Language::Zh, Language::En] {
        let mut writer = RejectWriter::new(Vec::new(), &outcome.header, language).unwrap();
        for reject in &outcome.rejects {
            assert!(!reject.text(language).contains(['{', '}']));
            writer.write(reject).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let same = Mapping {
            encoding: String::new(),
            delimiter: String::new(),
            header_row: 0,
            ..mapping.clone()
        };
        let again = Table::open(
            Input::new("rejects.csv", Cursor::new(bytes)),
            &vocabulary(),
            &Limits::default(),
            Some(&same),
        )
        .and_then(|table| read(table, &same));
        match again {
            Err(error) => different.0.push(format!("file of rejects: {error}")),
            Ok(again) => different.check(
                "rows of the file of rejects",
                again.counts.rows,
                outcome.rejects.len() as u64,
            ),
        }
    }
}

fn check(case: &Case) -> Vec<String> {
    let mut different = Differences::default();
    let path = folder().join(&case.file);
    let vocabulary = vocabulary();
    let opened = input(&path)
        .and_then(|input| Table::open(input, &vocabulary, &Limits::default(), None))
        .and_then(|mut table| {
            let mapping = Mapping::propose(&mut table, &vocabulary)?;
            Ok((table, mapping))
        });
    let (table, mut mapping) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            different.check("error", Some(error.code()), case.error.as_deref());
            return different.0;
        }
    };
    different.check("error", None, case.error.as_deref());
    different.check("confident", mapping.confident, case.confident);
    let notes: Vec<&str> = mapping.notes.iter().map(|n| n.code.as_str()).collect();
    let wanted: Vec<&str> = case.notes.iter().map(String::as_str).collect();
    different.check("notes", notes, wanted);
    let read_back = Mapping::from_toml("m.toml", &mapping.to_toml());
    different.check("mapping from toml", read_back.as_ref(), Ok(&mapping));
    if let Some(format) = &case.date_format {
        let shown = input(&path).and_then(|input| {
            preview::preview(input, &vocabulary, &Calendar::default(), Some(&mapping), 5)
        });
        let problem = shown.unwrap().problem.map(|problem| problem.code);
        let open = Some("date_order_unknown");
        different.check("without an answer", problem.as_deref(), open);
        let mut columns = mapping.columns.iter_mut();
        let date = columns.find(|c| c.field.as_deref() == Some("order.ordered_at"));
        date.unwrap().format = Some(format.clone());
    }
    if let Some(expected) = &case.rows {
        match read(table, &mapping) {
            Err(error) => different.0.push(format!("rows: {error}")),
            Ok(outcome) => {
                check_rows(&outcome, expected, &mut different);
                if !outcome.rejects.is_empty() {
                    check_rejects(&outcome, &mapping, &mut different);
                }
            }
        }
    }
    // A preview never fails where the file can be opened.
    let shown = input(&path).and_then(|input| {
        preview::preview(input, &vocabulary, &Calendar::default(), Some(&mapping), 5)
    });
    match shown {
        Err(error) => different.0.push(format!("preview: {error}")),
        Ok(shown) => different.check(
            "preview can be used",
            shown.problem.is_none(),
            case.rows.is_some(),
        ),
    }
    different.0
}

#[test]
fn every_ugly_file_has_its_outcome() {
    let text = fs::read_to_string(folder().join("cases.toml")).unwrap();
    let cases: Cases = toml::from_str(&text).unwrap();
    let named: BTreeSet<String> = cases.case.iter().map(|case| case.file.clone()).collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "cases.toml" && name != "make.py")
        .collect();
    assert_eq!(named, there, "every file has a case and every case a file");
    assert!(named.len() >= 60, "{} files", named.len());
    let failed: BTreeMap<&str, Vec<String>> = cases
        .case
        .iter()
        .map(|case| (case.file.as_str(), check(case)))
        .filter(|(_, different)| !different.is_empty())
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:#?}",
        failed.len(),
        named.len()
    );
}
