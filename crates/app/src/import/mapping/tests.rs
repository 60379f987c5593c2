//! Mappings as people edit them, and the files they are laid upon.

use super::*;
use crate::import::bytes::{Input, Limits};
use crate::import::field::tests::objects;
use crate::import::preview::preview;
use crate::import::rows::{Line, Rows};

fn open(text: &str, given: Option<&Mapping>) -> Result<Table> {
    Table::open(
        Input::new("a.csv", std::io::Cursor::new(text.to_owned().into_bytes())),
        &Vocabulary::new(&objects()),
        &Limits::default(),
        given,
    )
}

fn propose(text: &str) -> Mapping {
    let mut table = open(text, None).unwrap();
    Mapping::propose(&mut table, &Vocabulary::new(&objects())).unwrap()
}

/// Order, day, customer and amount of every row.
fn read(text: &str, mapping: &Mapping) -> Vec<String> {
    let table = open(text, Some(mapping)).unwrap();
    let vocabulary = Vocabulary::new(&objects());
    Rows::new(table, mapping, &vocabulary, &Default::default())
        .unwrap()
        .map(|line| match line.unwrap() {
            Line::Row(row) => format!(
                "{} {} {} {}",
                row.order_number.unwrap_or_default(),
                row.ordered_on,
                row.customer_name.unwrap_or_default(),
                row.amount
            ),
            Line::Reject(reject) => format!("{} {}", reject.row, reject.code),
        })
        .collect()
}

const MERGED: &str = "订单号,日期,客户,商品,金额\n\
    1,2025-03-05,甲,茶杯,5\n,,,茶壶,6\n2,,,茶盘,7\n,,,茶杯,8\n3,2025-03-06,乙,茶壶,9\n";

#[test]
fn gaps_are_filled_only_where_the_mapping_says_so() {
    let mapping = propose(MERGED);
    assert!(!mapping.confident);
    let filled: Vec<&str> = mapping
        .columns
        .iter()
        .filter(|c| c.fill_down)
        .map(|c| c.heading.as_str())
        .collect();
    assert_eq!(filled, ["订单号", "日期", "客户"]);
    // The second order of the day has no customer of its own: that of another
    // order is not taken, the day is.
    assert_eq!(
        read(MERGED, &mapping),
        [
            "1 2025-03-05 甲 5",
            "1 2025-03-05 甲 6",
            "2 2025-03-05  7",
            "2 2025-03-05  8",
            "3 2025-03-06 乙 9"
        ]
    );
    let mut without = mapping.clone();
    for column in &mut without.columns {
        column.fill_down = false;
    }
    assert_eq!(read(MERGED, &without)[1], "3 empty_value");
}

#[test]
fn a_list_with_values_missing_is_not_taken_for_merged_cells() {
    let mapping = propose(
        "订单号,日期,客户,商品,金额\n1,2025-03-05,甲,茶杯,5\n2,2025-03-05,,茶壶,6\n3,,乙,茶盘,7\n",
    );
    assert!(mapping.columns.iter().all(|c| !c.fill_down));
}

#[test]
fn columns_can_be_left_out_and_numbers_given_their_point() {
    let text = "Order ID;Date;Customer;Amount;Note\n1;2025-03-05;A;1.234;x\n";
    let mut mapping = propose(text);
    mapping.columns[2].field = Some("none".to_owned());
    mapping.columns[3].format = Some("decimal_comma".to_owned());
    assert_eq!(read(text, &mapping), ["1 2025-03-05  1234"]);
    mapping.columns[3].format = Some("decimal_point".to_owned());
    assert_eq!(read(text, &mapping), ["1 2025-03-05  1.234"]);
    mapping.columns[3].format = Some("comma".to_owned());
    let table = open(text, Some(&mapping)).unwrap();
    let error = Rows::new(
        table,
        &mapping,
        &Vocabulary::new(&objects()),
        &Default::default(),
    )
    .err();
    assert!(matches!(error, Some(ImportError::MappingFormat { format, .. }) if format == "comma"));
}

#[test]
fn everything_a_person_can_say_is_read_back() {
    let mut mapping = propose(MERGED);
    mapping.sheets = vec!["3月".to_owned(), "4月".to_owned()];
    mapping.columns[4].format = Some("decimal_comma".to_owned());
    mapping.columns[3].field = None;
    let text = mapping.to_toml();
    assert_eq!(Mapping::from_toml("m.toml", &text).unwrap(), mapping);
    // What was written before there were sheets and gaps is still a mapping.
    let old: Mapping =
        toml::from_str("columns = [{ heading = 'when', field = 'order.ordered_at' }]").unwrap();
    assert!(old.sheets.is_empty() && !old.columns[0].fill_down);
}

#[test]
fn a_heading_is_found_however_it_is_written() {
    let mapping = propose("Order ID,Order Date,Customer,Amount (USD)\n1,2025-03-05,A,5\n");
    let text = "ORDER_ID, order date,customer,Amount (EUR)\n1,2025-03-05,A,5\n";
    assert_eq!(read(text, &mapping), ["1 2025-03-05 A 5"]);
}

#[test]
fn a_signature_knows_the_same_headings_again() {
    let of = |text: &str| {
        let headings: Vec<String> = text.split(',').map(str::to_owned).collect();
        signature(&headings)
    };
    let own = of("订单号,日期,金额（元）");
    assert_eq!(own.len(), 16);
    assert_eq!(of("订单号 ,日期,金额(元),"), own);
    assert_eq!(
        of("订单号,日期,金额（元）,行号/row,列/column,原因/reason"),
        own
    );
    assert_ne!(of("日期,订单号,金额（元）"), own);
    assert_ne!(of("订单号,日期"), own);
    // Pinned: saved mappings go by it.
    assert_eq!(of("Order ID,Date"), of("order_id,DATE"));
}

#[test]
fn a_preview_shows_the_sample_and_what_is_wrong() {
    let text =
        "销售明细,,,\n订单号,日期,客户,金额\n1,2025-03-05,甲,\"1,234元\"\n2,x,乙,6\n合计,,,1240\n";
    let vocabulary = Vocabulary::new(&objects());
    let input = || Input::new("a.csv", std::io::Cursor::new(text.to_owned().into_bytes()));
    let shown = preview(input(), &vocabulary, &Default::default(), None, 3).unwrap();
    assert_eq!(shown.header, ["订单号", "日期", "客户", "金额"]);
    assert_eq!(shown.signature, signature(&shown.header));
    let [good, bad, total] = shown.rows.as_slice() else {
        panic!("{:?}", shown.rows);
    };
    assert_eq!((good.row, good.cells[3].as_str()), (3, "1,234元"));
    assert_eq!(good.values["order_line.amount"], "1234");
    assert_eq!(good.values["order.ordered_at"], "2025-03-05");
    let problem = bad.problem.as_ref().unwrap();
    assert_eq!(
        (problem.code.as_str(), problem.column.as_deref()),
        ("not_a_date", Some("日期"))
    );
    assert!(total.is_left_out && total.values.is_empty());

    // A mapping that is not finished yet shows what it lacks.
    let mut unfinished = shown.mapping.clone();
    unfinished.columns[1].field = None;
    let shown = preview(
        input(),
        &vocabulary,
        &Default::default(),
        Some(&unfinished),
        3,
    )
    .unwrap();
    assert_eq!(shown.problem.unwrap().code, "mapping_incomplete");
    assert_eq!((shown.rows.len(), shown.mapping), (3, unfinished));
}

#[test]
fn a_preview_reads_no_more_than_the_sample() {
    struct Counted(u64);
    impl std::io::Read for Counted {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let line = b"1,2025-03-05,A,5\n";
            for (i, byte) in out.iter_mut().enumerate() {
                *byte = line[(self.0 as usize + i) % line.len()];
            }
            self.0 += out.len() as u64;
            assert!(self.0 < 4 << 20, "read on beyond the sample");
            Ok(out.len())
        }
    }
    let head = std::io::Cursor::new(b"order id,date,customer,amount\n".to_vec());
    let input = Input::new("a.csv", std::io::Read::chain(head, Counted(0)));
    let vocabulary = Vocabulary::new(&objects());
    let shown = preview(input, &vocabulary, &Default::default(), None, 20).unwrap();
    assert_eq!(shown.rows.len(), 20);
}

fn ugly(name: &str) -> Input {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/ugly")
        .join(name);
    crate::import::xlsx::open_here(&path, name).unwrap()
}

#[test]
fn sheets_can_be_chosen() {
    let vocabulary = Vocabulary::new(&objects());
    let shown = |sheets: &[&str]| {
        let mapping = Mapping {
            sheets: sheets.iter().map(|s| (*s).to_owned()).collect(),
            ..preview(
                ugly("sheet_per_month.xlsx"),
                &vocabulary,
                &Default::default(),
                None,
                1,
            )?
            .mapping
        };
        preview(
            ugly("sheet_per_month.xlsx"),
            &vocabulary,
            &Default::default(),
            Some(&mapping),
            100,
        )
    };
    let all = shown(&[]).unwrap();
    assert_eq!(all.sheets, ["1月", "2月", "3月"]);
    assert_eq!(all.rows.len(), 12);
    // Each sheet counts its own rows; title and headings are the first two.
    let place = |row: &crate::import::preview::PreviewRow| (row.sheet.clone(), row.row);
    assert_eq!(place(&all.rows[4]), (Some("2月".to_owned()), 3));
    let some = shown(&["3月", "2月"]).unwrap();
    assert_eq!(some.sheets, ["2月", "3月"]);
    assert_eq!(some.rows.len(), 8);
    let one = shown(&["2月"]).unwrap();
    assert_eq!((one.rows.len(), place(&one.rows[0])), (4, (None, 3)));
    assert!(matches!(
        shown(&["9月"]),
        Err(ImportError::MappingSheet { sheet, .. }) if sheet == "9月"
    ));
}

#[test]
fn a_row_of_one_sheet_of_several_is_named_with_it() {
    let vocabulary = Vocabulary::new(&objects());
    let mut table = Table::open(
        ugly("bad_cells_in_sheets.xlsx"),
        &vocabulary,
        &Limits::default(),
        None,
    )
    .unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    let header = table.header().to_vec();
    let rejects: Vec<rejects::Reject> =
        Rows::new(table, &mapping, &vocabulary, &Default::default())
            .unwrap()
            .filter_map(|line| match line.unwrap() {
                Line::Row(_) => None,
                Line::Reject(reject) => Some(reject),
            })
            .collect();
    let [reject] = rejects.as_slice() else {
        panic!("{rejects:?}");
    };
    assert_eq!((reject.sheet.as_deref(), reject.row), (Some("2月"), 6));
    let mut out =
        rejects::RejectWriter::new(Vec::new(), &header, crate::messages::Language::En).unwrap();
    out.write(reject).unwrap();
    let text = String::from_utf8(out.finish().unwrap()).unwrap();
    assert!(text.contains(",2月!6,下单日期,"), "{text}");
}
