//! Which column of a file is which field of an object: proposed by the names
//! of the fields and their headings, and read back from a mapping.

use std::collections::{HashMap, HashSet};

use keji_schema::definition::{FieldDef, ObjectDef, Origin};
use keji_schema::{Catalog, Type};

use super::super::error::{ImportError, Result};
use super::super::field::{Vocabulary, WHOLE, money_scale, normal, without_unit};
use super::super::mapping::{
    self, ColumnMapping, DECIMAL_COMMA, Mapping, Note, find_date_format, has_decimal_comma,
    is_open_date,
};
use super::super::oddities::Oddity;
use super::super::parse::{self, DateFormat};
use super::super::records::Record;
use super::super::rejects;
use super::super::table::Table;

const N_SAMPLES: usize = 3;

/// A rank behind those of all headings.
const LAST: usize = 1000;

/// The words by which a heading names a field: its path, id and names in both
/// languages, then its headings.
pub struct Headings<'a> {
    def: &'a ObjectDef,
    /// By the normal form: the places of the fields and how much to the point
    /// it is, the best one first.
    known: HashMap<String, Vec<Wish>>,
    /// Of each link, the headings of its target's number.
    numbers: Vec<Vec<String>>,
    /// Headings of the object's fields that are not among those of `def`,
    /// because the importer may not write them.
    closed: HashSet<String>,
    /// Headings of what is worked out here, and comes from no file.
    derived: HashSet<String>,
}

/// A field that a column may be: its place among the object's, and its rank.
type Wish = (usize, usize);

impl<'a> Headings<'a> {
    /// `def` has the fields that the importer may write.
    pub fn new(catalog: &Catalog, def: &'a ObjectDef) -> Headings<'a> {
        let mut known: HashMap<String, Vec<Wish>> = HashMap::new();
        let mut numbers = Vec::new();
        for (at, field) in def.fields.iter().enumerate() {
            // A heading that means a field of the object's own does so first.
            let last = if Origin::of(&field.id).is_some() {
                LAST
            } else {
                0
            };
            for (word, rank) in words(def, field) {
                let rank = rank + last;
                let wishes = known.entry(word).or_default();
                match wishes.iter_mut().find(|(of, _)| *of == at) {
                    Some((_, best)) => *best = rank.min(*best),
                    None => wishes.push((at, rank)),
                }
            }
            let target = field.to.as_ref().and_then(|to| catalog.objects.get(to));
            let number = target.and_then(|to| to.field(to.number.as_ref()?));
            numbers.push(number.map_or(Vec::new(), |number| {
                let names = [&number.name.zh, &number.name.en];
                let words = number.headings.iter().chain(names);
                words.map(|word| normal(word)).collect()
            }));
        }
        for wishes in known.values_mut() {
            wishes.sort_by_key(|(at, rank)| (*rank, *at));
        }
        let whole = catalog.objects.get(&def.id).unwrap_or(def);
        let closed = whole.fields.iter().filter(|f| def.field(&f.id).is_none());
        let derived = whole.derived.iter();
        Headings {
            def,
            known,
            numbers,
            closed: closed
                .flat_map(|field| words(def, field).map(|(word, _)| word))
                .collect(),
            derived: derived
                .flat_map(|d| [&d.id, &d.name.zh, &d.name.en].map(|word| normal(word)))
                .collect(),
        }
    }

    /// For finding the headings in a file.
    pub fn vocabulary(&self) -> Vocabulary {
        let own = self.known.keys().chain(&self.closed);
        Vocabulary::of_plain(own.chain(&self.derived).cloned())
    }

    /// Whether a saved mapping is for files of this object.
    pub fn are_of(&self, mapping: &Mapping) -> bool {
        let object = format!("{}.", self.def.id);
        mapping
            .columns
            .iter()
            .filter_map(ColumnMapping::path)
            .all(|path| path.starts_with(&object))
    }

    /// What a heading may mean, the best one first: a column with the numbers
    /// of what it links to comes before one with the names.
    fn wishes(&self, heading: &str) -> Vec<Wish> {
        let key = normal(heading);
        let found = self.known.get(&key);
        let found = found.or_else(|| self.known.get(without_unit(&key)));
        let wishes = found.into_iter().flatten();
        wishes
            .map(|(at, rank)| match self.numbers[*at].contains(&key) {
                true => (*at, 0),
                false => (*at, rank + 1),
            })
            .collect()
    }

    /// Why a column has no field, where it is not that another one fits better.
    fn unread(&self, heading: &str) -> Option<&'static str> {
        let key = normal(heading);
        let is_among = |words: &HashSet<String>| words.contains(&key);
        match (is_among(&self.closed), is_among(&self.derived)) {
            (true, _) => Some("not_writable"),
            (_, true) => Some("derived"),
            _ => None,
        }
    }
}

/// The normal forms of the words that mean a field, and how much to the point
/// each is; 0 is the best.
fn words(def: &ObjectDef, field: &FieldDef) -> impl Iterator<Item = (String, usize)> {
    let path = normal(&format!("{}.{}", def.id, field.id));
    let own = [&field.id, &field.name.zh, &field.name.en].map(|word| (normal(word), 0));
    let more = field.headings.iter().map(|word| normal(word)).zip(1..);
    let more: Vec<(String, usize)> = more.collect();
    [(path, 0)].into_iter().chain(own).chain(more)
}

/// The field of each column. A field takes the column that it shows to people
/// and that names it best, of two the one that can mean nothing else, then the
/// first; who loses a field takes the next one that it may mean.
fn assigned(wishes: &[Vec<Wish>], is_hidden: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let mut turns = vec![0; wishes.len()];
    loop {
        let mut best: HashMap<usize, (bool, usize, usize, usize)> = HashMap::new();
        let mut lost = Vec::new();
        for (index, (wishes, turn)) in wishes.iter().zip(&turns).enumerate() {
            let Some((at, rank)) = wishes.get(*turn) else {
                continue;
            };
            let claim = (is_hidden(index), *rank, wishes.len() - turn, index);
            let holder = best.entry(*at).or_insert(claim);
            if *holder != claim {
                lost.push((*holder).max(claim).3);
                *holder = (*holder).min(claim);
            }
        }
        if lost.is_empty() {
            let each = wishes.iter().zip(turns);
            return each
                .map(|(wishes, turn)| wishes.get(turn).map(|(at, _)| *at))
                .collect();
        }
        for index in lost {
            turns[index] += 1;
        }
    }
}

/// Proposes a field for every column. It is sure where every required field
/// has one and the order of day and month is known.
pub fn propose(table: &mut Table, headings: &Headings) -> Result<Mapping> {
    let def = headings.def;
    let mut notes = Vec::new();
    let mut is_sure = true;
    let header = table.header().to_vec();
    let wishes: Vec<Vec<Wish>> = header
        .iter()
        .map(
            |heading| match heading.is_empty() || rejects::is_reason(heading) {
                true => Vec::new(),
                false => headings.wishes(heading),
            },
        )
        .collect();
    let fields = assigned(&wishes, |index| table.is_hidden(index));
    let mut columns: Vec<ColumnMapping> = header
        .iter()
        .enumerate()
        .map(|(index, heading)| {
            let reason = match (fields[index], wishes[index].is_empty()) {
                _ if rejects::is_reason(heading) => "reject_column",
                (Some(_), _) => "heading",
                (None, false) => headings.unread(heading).unwrap_or("second_choice"),
                (None, true) => headings.unread(heading).unwrap_or("unknown"),
            };
            ColumnMapping {
                heading: heading.clone(),
                field: None,
                format: None,
                fill_down: false,
                confidence: 0.0,
                reason: reason.to_owned(),
                samples: samples(table, index),
            }
        })
        .collect();
    for (at, field) in def.fields.iter().enumerate() {
        let path = format!("{}.{}", def.id, field.id);
        let place = |field: &FieldDef| def.fields.iter().position(|f| f.id == field.id);
        let has = |field: &FieldDef| place(field).is_some_and(|at| fields.contains(&Some(at)));
        let Some(index) = fields.iter().position(|of| *of == Some(at)) else {
            if field.required
                && !is_numbered_here(def, field)
                && derived_from(def, field).is_none_or(|from| !has(from))
            {
                is_sure = false;
                notes.push(Note {
                    code: "missing_required".to_owned(),
                    field: Some(path),
                    columns: vec![format!("{} / {}", field.name.zh, field.name.en)],
                });
            }
            continue;
        };
        let column = &mut columns[index];
        column.field = Some(path.clone());
        column.confidence = WHOLE;
        if matches!(field.kind, Type::Date | Type::Instant) {
            let (format, code) = find_date_format(table, index)?;
            let is_open = code.is_some_and(is_open_date);
            columns[index].format = (!is_open).then(|| format.name().to_owned());
            if let Some(code) = code {
                is_sure = false;
                notes.push(Note {
                    code: code.to_owned(),
                    field: Some(path),
                    columns: vec![header[index].clone()],
                });
            }
        } else if is_number(field) && has_decimal_comma(table.sample.iter(), index) {
            columns[index].format = Some(DECIMAL_COMMA.to_owned());
        }
    }
    for sheet in table.sheets_left_out() {
        is_sure &= !sheet.has_orders;
        let code = match sheet.has_orders {
            true => "sheet_differs",
            false => "sheet_left_out",
        };
        notes.push(Note {
            code: code.to_owned(),
            field: None,
            columns: vec![sheet.name.clone()],
        });
    }
    let columns = columns.into_iter();
    Ok(Mapping {
        encoding: table.encoding().to_owned(),
        delimiter: table.delimiter(),
        header_row: table.header_row(),
        sheets: Vec::new(),
        confident: is_sure,
        notes,
        columns: columns.filter(|c| !c.heading.is_empty()).collect(),
    })
}

/// Headings of one oddity that are told.
const N_HEADINGS: usize = 20;

/// What a proposal that nobody looked at leaves out of a file, by the reasons
/// of its columns. What somebody left out himself needs no telling.
pub fn left_out(mapping: &Mapping) -> Vec<Oddity> {
    let codes = [
        ("not_writable", "columns_not_writable"),
        ("second_choice", "columns_second_choice"),
        ("unknown", "columns_unknown"),
    ];
    let mut odd = Vec::new();
    for (reason, code) in codes {
        let columns = mapping.columns.iter().filter(|c| c.reason == reason);
        let headings: Vec<String> = columns.map(|c| c.heading.clone()).collect();
        if headings.is_empty() {
            continue;
        }
        odd.push(Oddity {
            samples: headings.iter().take(N_HEADINGS).cloned().collect(),
            ..Oddity::new(code, headings.len() as u64)
        });
    }
    odd
}

fn samples(table: &Table, index: usize) -> Vec<String> {
    let mut samples: Vec<String> = Vec::new();
    for record in &table.sample {
        if samples.len() < N_SAMPLES
            && let Some(text) = parse::text(record.cell(index))
            && !samples.iter().any(|s| *s == *text)
        {
            samples.push(text.chars().take(100).collect());
        }
    }
    samples
}

pub fn is_number(field: &FieldDef) -> bool {
    matches!(field.kind, Type::Int | Type::Decimal | Type::Float)
}

/// Known by their names where a file has no numbers, as in an order file.
const KNOWN_BY_TITLE: [&str; 2] = ["customer", "product"];

/// What a field follows from where it has no column: the day of a time
/// (`held_on` of `held_at`), the number of a customer from its name.
fn derived_from<'a>(def: &'a ObjectDef, field: &FieldDef) -> Option<&'a FieldDef> {
    if def.number.as_ref() == Some(&field.id) && KNOWN_BY_TITLE.contains(&def.id.as_str()) {
        return def.field(def.title.as_ref()?);
    }
    let stem = field.id.strip_suffix("_on")?;
    let from = def.field(&format!("{stem}_at"))?;
    (field.kind == Type::Date && from.kind == Type::Instant).then_some(from)
}

/// One column that is read.
pub struct Column {
    pub index: usize,
    pub field: FieldDef,
    pub format: DateFormat,
    pub has_comma: bool,
    /// What amounts under the heading count in, where it says so.
    pub scale: Option<i64>,
}

/// Rows of an object of one's own need no number: they get the next ones.
pub fn is_numbered_here(def: &ObjectDef, field: &FieldDef) -> bool {
    def.is_own && def.number.as_ref() == Some(&field.id)
}

/// A mapping against the columns of one file.
pub struct Layout {
    pub columns: Vec<Column>,
    /// Fields that follow from another, with its place among the columns.
    pub derived: Vec<(FieldDef, usize)>,
    /// Columns whose empty cells mean the value above.
    pub fill_down: Vec<usize>,
}

impl Layout {
    pub fn new(mapping: &Mapping, table: &mut Table, def: &ObjectDef) -> Result<Layout> {
        let file = table.file().to_owned();
        let mut layout = Layout {
            columns: Vec::new(),
            derived: Vec::new(),
            fill_down: Vec::new(),
        };
        for column in &mapping.columns {
            let Some(path) = column.path() else { continue };
            let heading = column.heading.trim();
            let own = path.strip_prefix(&format!("{}.", def.id)).unwrap_or(path);
            let field = def.field(own).ok_or_else(|| ImportError::MappingField {
                file: file.clone(),
                column: heading.to_owned(),
                field: path.to_owned(),
            })?;
            let index = mapping::position(table.header(), heading).ok_or_else(|| {
                ImportError::MappingHeading {
                    file: file.clone(),
                    column: heading.to_owned(),
                }
            })?;
            if let Some(first) = layout.columns.iter().find(|c| c.field.id == field.id) {
                return Err(ImportError::MappingTwice {
                    file,
                    field: path.to_owned(),
                    first: table.header()[first.index].clone(),
                    second: heading.to_owned(),
                });
            }
            if column.fill_down {
                layout.fill_down.push(index);
            }
            let mut read = Column {
                index,
                field: field.clone(),
                format: DateFormat::Ymd,
                has_comma: false,
                scale: money_scale(heading),
            };
            if matches!(field.kind, Type::Date | Type::Instant) {
                read.format = match mapping::date_format(column, &file)? {
                    Some(given) => given,
                    None => mapping::found_format(table, index)?,
                };
            } else if is_number(field) {
                read.has_comma = match mapping::decimal_comma(column, &file)? {
                    Some(given) => given,
                    None => has_decimal_comma(table.sample.iter(), index),
                };
            }
            layout.columns.push(read);
        }
        layout.fill_down.sort_unstable();
        // In the order of the definition, so that a link is known before those
        // that are told apart by it.
        let place = |field: &FieldDef| def.fields.iter().position(|f| f.id == field.id);
        layout.columns.sort_by_key(|column| place(&column.field));
        for field in &def.fields {
            let at = |id: &str| layout.columns.iter().position(|c| c.field.id == id);
            if at(&field.id).is_some() {
                continue;
            }
            match derived_from(def, field).and_then(|from| at(&from.id)) {
                Some(from) => layout.derived.push((field.clone(), from)),
                None if field.required && !is_numbered_here(def, field) => {
                    return Err(ImportError::MappingRequired {
                        file,
                        field: format!("{}.{}", def.id, field.id),
                    });
                }
                None => {}
            }
        }
        Ok(layout)
    }

    /// The fields whose values a row has, in their order.
    pub fn fields(&self) -> Vec<String> {
        let own = self.columns.iter().map(|c| c.field.id.clone());
        let derived = self.derived.iter().map(|(field, _)| field.id.clone());
        own.chain(derived).collect()
    }

    /// Fills empty cells from above, as the mapping says.
    pub fn fill_down(&self, record: &mut Record, above: &mut [String]) {
        let mut is_new = false;
        for (index, above) in self.fill_down.iter().zip(above) {
            if parse::text(record.cell(*index)).is_some() {
                record.cell(*index).clone_into(above);
                is_new = true;
            } else if !is_new {
                record.set(*index, above);
            } else {
                above.clear();
            }
        }
    }
}
