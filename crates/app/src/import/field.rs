//! The fields that a file of order lines may bring, and the words by which
//! headings name them. The words stand in the definitions, not here.

use std::collections::{BTreeMap, HashMap, HashSet};

use keji_schema::definition::ObjectDef;

use super::parse::{self, half_width};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    OrderNumber,
    OrderKind,
    OrderedAt,
    Country,
    Channel,
    Currency,
    Freight,
    Discount,
    Quantity,
    Price,
    Amount,
    CustomerNumber,
    CustomerName,
    CustomerKind,
    Region,
    City,
    Industry,
    Owner,
    Phone,
    Email,
    ProductNumber,
    ProductName,
    Category,
}

impl Field {
    pub const ALL: [Field; 23] = [
        Field::OrderNumber,
        Field::OrderKind,
        Field::OrderedAt,
        Field::Country,
        Field::Channel,
        Field::Currency,
        Field::Freight,
        Field::Discount,
        Field::Quantity,
        Field::Price,
        Field::Amount,
        Field::CustomerNumber,
        Field::CustomerName,
        Field::CustomerKind,
        Field::Region,
        Field::City,
        Field::Industry,
        Field::Owner,
        Field::Phone,
        Field::Email,
        Field::ProductNumber,
        Field::ProductName,
        Field::Category,
    ];

    /// Object and field of the catalog.
    pub fn path(self) -> &'static str {
        match self {
            Field::OrderNumber => "order.number",
            Field::OrderKind => "order.kind",
            Field::OrderedAt => "order.ordered_at",
            Field::Country => "order.country",
            Field::Channel => "order.channel",
            Field::Currency => "order.currency",
            Field::Freight => "order.freight",
            Field::Discount => "order.discount",
            Field::Quantity => "order_line.quantity",
            Field::Price => "order_line.price",
            Field::Amount => "order_line.amount",
            Field::CustomerNumber => "customer.number",
            Field::CustomerName => "customer.name",
            Field::CustomerKind => "customer.kind",
            Field::Region => "customer.region",
            Field::City => "customer.city",
            Field::Industry => "customer.industry",
            Field::Owner => "customer.owner",
            Field::Phone => "customer.phone",
            Field::Email => "customer.email",
            Field::ProductNumber => "product.number",
            Field::ProductName => "product.name",
            Field::Category => "product.category",
        }
    }

    pub fn from_path(path: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|f| f.path() == path)
    }

    pub fn is_number(self) -> bool {
        self.is_money() || self == Field::Quantity
    }

    pub fn is_money(self) -> bool {
        matches!(
            self,
            Field::Price | Field::Amount | Field::Freight | Field::Discount
        )
    }

    pub fn is_choice(self) -> bool {
        matches!(self, Field::OrderKind | Field::CustomerKind)
    }

    /// Of the order or its customer, the same on every line of it.
    pub fn is_of_order(self) -> bool {
        !self.is_number()
            && !matches!(
                self,
                Field::ProductNumber | Field::ProductName | Field::Category
            )
    }

    /// A wrong column here makes every number wrong, so an unsure one is never
    /// taken unseen.
    pub fn is_critical(self) -> bool {
        matches!(
            self,
            Field::OrderNumber
                | Field::OrderedAt
                | Field::Quantity
                | Field::Price
                | Field::Amount
                | Field::CustomerNumber
        )
    }
}

/// Words of headings and of choices, from the definitions.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// By normalised heading: the field, and the heading's place in the
    /// field's list, where earlier ones are more to the point.
    known: HashMap<String, (Field, usize)>,
    /// Lower-case words and the value they stand for.
    choices: HashMap<Field, Vec<(String, String)>>,
    /// The normalised headings of a file of plain records, which has none of
    /// the fields above.
    plain: HashSet<String>,
}

/// How sure a heading is by itself.
pub const WHOLE: f64 = 1.0;
pub const PART: f64 = 0.6;

impl Vocabulary {
    /// `objects` are those of the catalog.
    pub fn new(objects: &BTreeMap<String, ObjectDef>) -> Self {
        let mut vocabulary = Vocabulary::default();
        for field in Field::ALL {
            let (object, id) = field.path().split_once('.').unwrap_or_default();
            let Some(def) = objects.get(object).and_then(|o| o.field(id)) else {
                continue;
            };
            vocabulary
                .known
                .entry(normal(field.path()))
                .or_insert((field, 0));
            for (rank, heading) in def.headings.iter().enumerate() {
                vocabulary
                    .known
                    .entry(normal(heading))
                    .or_insert((field, rank));
            }
            let words = vocabulary.choices.entry(field).or_default();
            for option in &def.options {
                for word in [&option.value, &option.zh, &option.en] {
                    words.push((word.to_lowercase(), option.value.clone()));
                }
            }
        }
        vocabulary
    }

    /// Of a file of plain records: the headings by which their fields come.
    pub fn of_plain(headings: impl IntoIterator<Item = String>) -> Self {
        Vocabulary {
            plain: headings.into_iter().collect(),
            ..Vocabulary::default()
        }
    }

    /// Whether a heading is known as a whole.
    pub fn knows(&self, heading: &str) -> bool {
        let key = normal(heading);
        matches!(self.field_of(heading), Some((_, _, WHOLE)))
            || self.plain.contains(&key)
            || self.plain.contains(without_unit(&key))
    }

    pub fn is_of_plain(&self) -> bool {
        !self.plain.is_empty()
    }

    /// The field a heading names, its rank among the field's headings and how
    /// sure that is. Where only the end of the heading is known (发货日期,
    /// close_date) it is a guess: the end says what it is, the beginning which.
    pub fn field_of(&self, heading: &str) -> Option<(Field, usize, f64)> {
        let key = normal(heading);
        let whole = self
            .known
            .get(&key)
            .or_else(|| self.known.get(without_unit(&key)));
        if let Some((field, rank)) = whole {
            return Some((*field, *rank, WHOLE));
        }
        let mut best: Option<(usize, Field, usize)> = None;
        for (known, (field, rank)) in &self.known {
            let is_word_end = known.chars().count() >= 2
                && match known.is_ascii() {
                    true => known.len() >= 4 && ends_with_word(heading, known),
                    false => key.ends_with(known.as_str()),
                };
            let longer = best.is_none_or(|(length, _, r)| (known.len(), r) > (length, *rank));
            if is_word_end && longer {
                best = Some((known.len(), *field, *rank));
            }
        }
        best.map(|(_, field, rank)| (field, rank, PART))
    }

    /// The value of a choice: the word itself or one that contains it
    /// (退货单 for 退货).
    pub fn choice(&self, field: Field, cell: &str) -> Option<&str> {
        let cell = parse::text(cell)?.to_lowercase();
        let words = self.choices.get(&field)?;
        let whole = words.iter().find(|(word, _)| *word == cell);
        let part = || {
            words
                .iter()
                .find(|(word, _)| !word.is_ascii() && cell.contains(word.as_str()))
        };
        whole.or_else(part).map(|(_, value)| value.as_str())
    }
}

/// `engage_date` and `Engage Date` end with the word `date`, `update` does not.
fn ends_with_word(heading: &str, known: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for c in heading.chars().map(half_width) {
        let starts_word = words.is_empty() || (was_lower && c.is_uppercase());
        was_lower = c.is_lowercase();
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if starts_word {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    let mut end = String::new();
    for word in words.iter().rev() {
        end.insert_str(0, word);
        if end == known {
            return true;
        }
    }
    false
}

/// Without case, width, spaces and punctuation, and without what stands in
/// brackets: `单价（元）` is `单价`.
pub fn normal(heading: &str) -> String {
    let mut outside = String::new();
    let mut depth = 0usize;
    let all: String = heading.chars().map(half_width).collect();
    for c in all.chars() {
        match c {
            '(' | '[' | '【' => depth += 1,
            ')' | ']' | '】' => depth = depth.saturating_sub(1),
            c if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    let letters = |text: &str| -> String {
        text.to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect()
    };
    match letters(&outside) {
        empty if empty.is_empty() => letters(&all),
        key => key,
    }
}

/// Units behind a heading or in a note above the table, and how many of the
/// plain unit each is; the longer ones first.
const SCALES: [(&str, i64); 14] = [
    ("亿元", 100_000_000),
    ("千万元", 10_000_000),
    ("百万元", 1_000_000),
    ("万元", 10_000),
    ("万美元", 10_000),
    ("千元", 1_000),
    ("百元", 100),
    ("元", 1),
    ("亿", 100_000_000),
    ("万", 10_000),
    ("千", 1_000),
    ("'000", 1_000),
    ("thousand", 1_000),
    ("million", 1_000_000),
];

/// What amounts under `金额（万元）`, `销售额/千元` or `Sales (RMB'000)` are
/// counted in; `None` where the heading does not say.
pub fn money_scale(heading: &str) -> Option<i64> {
    let heading: String = heading
        .chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            c => half_width(c),
        })
        .collect::<String>()
        .to_lowercase();
    let ends: Vec<&str> = heading
        .split(|c: char| c != '\'' && !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    SCALES
        .iter()
        .find(|(unit, _)| {
            let is_short = matches!(*unit, "亿" | "万" | "千" | "thousand" | "million");
            ends.iter().any(|word| match is_short {
                // 万 alone is a unit, 千万 in a name is not.
                true => word == unit,
                false => word.ends_with(unit),
            })
        })
        .map(|(_, scale)| *scale)
}

/// `金额万元` is `金额`.
pub(super) fn without_unit(key: &str) -> &str {
    [
        "亿元",
        "百万元",
        "万元",
        "千元",
        "人民币",
        "元",
        "rmb",
        "cny",
    ]
    .iter()
    .find_map(|unit| key.strip_suffix(unit))
    .unwrap_or(key)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn objects() -> BTreeMap<String, ObjectDef> {
        [
            (
                "customer",
                include_str!("../../../../definitions/objects/customer.toml"),
            ),
            (
                "order",
                include_str!("../../../../definitions/objects/order.toml"),
            ),
            (
                "order_line",
                include_str!("../../../../definitions/objects/order_line.toml"),
            ),
            (
                "product",
                include_str!("../../../../definitions/objects/product.toml"),
            ),
        ]
        .into_iter()
        .map(|(id, text)| (id.to_owned(), toml::from_str(text).unwrap()))
        .collect()
    }

    #[test]
    fn every_field_is_in_the_definitions() {
        let objects = objects();
        for field in Field::ALL {
            let (object, id) = field.path().split_once('.').unwrap();
            assert!(objects[object].field(id).is_some(), "{}", field.path());
        }
    }

    #[test]
    fn headings_are_known_however_they_are_written() {
        let vocabulary = Vocabulary::new(&objects());
        for (heading, path, sure) in [
            ("Customer ID", "customer.number", WHOLE),
            ("CUSTOMER_ID", "customer.number", WHOLE),
            ("单价（元）", "order_line.price", WHOLE),
            ("金额(万元)", "order_line.amount", WHOLE),
            ("Ｉｎｖｏｉｃｅ", "order.number", WHOLE),
            ("order_line.quantity", "order_line.quantity", WHOLE),
            ("engage_date", "order.ordered_at", PART),
            ("发货日期", "order.ordered_at", PART),
            ("客户电话", "customer.phone", PART),
        ] {
            let found = vocabulary
                .field_of(heading)
                .map(|(field, _, sure)| (field.path(), sure));
            assert_eq!(found, Some((path, sure)), "{heading}");
        }
        for (heading, scale) in [
            ("金额（万元）", Some(10_000)),
            ("金额万元", Some(10_000)),
            ("销售额/千元", Some(1_000)),
            ("合同额（亿元）", Some(100_000_000)),
            ("金额（百万元）", Some(1_000_000)),
            ("单价（元）", Some(1)),
            ("金额(万)", Some(10_000)),
            ("Sales (RMB'000)", Some(1_000)),
            ("金额", None),
            ("千万客户金额", None),
            ("Amount", None),
        ] {
            assert_eq!(money_scale(heading), scale, "{heading}");
        }
        for heading in ["update", "cds", "订单状态", "order status", ""] {
            assert_eq!(vocabulary.field_of(heading), None, "{heading}");
        }
        assert_eq!(
            vocabulary.choice(Field::OrderKind, "退货单"),
            Some("return")
        );
        assert_eq!(
            vocabulary.choice(Field::CustomerKind, "Company"),
            Some("company")
        );
        assert_eq!(vocabulary.choice(Field::OrderKind, "团购"), None);
    }
}
