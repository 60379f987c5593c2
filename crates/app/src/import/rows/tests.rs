//! Small files through the whole reader: what comes out, or which error at
//! which place.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use keji_schema::calendar::Calendar;

use super::*;
use crate::import::ImportError;
use crate::import::bytes::{Input, Limits};
use crate::import::field::tests::objects;
use crate::import::mapping::ColumnMapping;
use crate::import::rejects::RejectWriter;
use crate::messages::Language;

const UK: &str = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n\
    489434,85048,15CM CHRISTMAS GLASS BALL 20 LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom\n\
    489434,79323P,PINK CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom\n\
    C489449,22087,PAPER BUNTING WHITE LACE,-12,2009-12-01 10:33:00,2.95,16321.0,Australia\n\
    489521,21646,,-50,2009-12-01 11:44:00,0.0,,United Kingdom\n";

const SHOP: &str = "订单号,下单时间,客户名称,商品名称,数量,单价,金额\n\
    1001,2025/3/5 9:30,上海某某  公司,茶杯,2,\"1,234.50\",2469.00\n\
    1002,2025年3月6日,北京商行 ,茶壶,１,￥88,88\n";

fn open(name: &str, bytes: &[u8], given: Option<&Mapping>) -> Result<Table> {
    let vocabulary = Vocabulary::new(&objects());
    Table::open(
        Input::new(name, std::io::Cursor::new(bytes.to_vec())),
        &vocabulary,
        &Limits::default(),
        given,
    )
}

fn propose(text: &str) -> Mapping {
    let mut table = open("a.csv", text.as_bytes(), None).unwrap();
    Mapping::propose(&mut table, &Vocabulary::new(&objects())).unwrap()
}

/// Reads everything under the given or the proposed mapping.
fn read_as(
    name: &str,
    bytes: &[u8],
    given: Option<&Mapping>,
) -> Result<(Vec<OrderLineRow>, Vec<Reject>, Counts)> {
    let vocabulary = Vocabulary::new(&objects());
    let mut table = open(name, bytes, given)?;
    let mapping = match given {
        Some(mapping) => mapping.clone(),
        None => Mapping::propose(&mut table, &vocabulary)?,
    };
    let mut rows = Rows::new(table, &mapping, &vocabulary, &Calendar::default())?;
    let (mut lines, mut rejects) = (Vec::new(), Vec::new());
    for line in rows.by_ref() {
        match line? {
            Line::Row(row) => lines.push(row),
            Line::Reject(reject) => rejects.push(reject),
        }
    }
    let counts = rows.counts();
    Ok((lines, rejects, counts))
}

fn read(text: &str) -> (Vec<OrderLineRow>, Vec<Reject>, Counts) {
    read_as("a.csv", text.as_bytes(), None).unwrap()
}

fn error(bytes: &[u8]) -> ImportError {
    read_as("a.csv", bytes, None).unwrap_err()
}

fn fields(mapping: &Mapping) -> Vec<(&str, Option<&str>)> {
    mapping
        .columns
        .iter()
        .map(|c| (c.heading.as_str(), c.field.as_deref()))
        .collect()
}

fn codes(mapping: &Mapping) -> Vec<&str> {
    mapping.notes.iter().map(|n| n.code.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn place(error: &ImportError) -> (u64, String) {
    let place = error.place().unwrap();
    assert_eq!(place.file, "a.csv");
    (place.row.unwrap_or(0), place.column.unwrap_or_default())
}

// ---- Mapping ----

#[test]
fn the_retail_header_maps_with_confidence() {
    let mapping = propose(UK);
    assert_eq!(
        fields(&mapping),
        [
            ("Invoice", Some("order.number")),
            ("StockCode", Some("product.number")),
            ("Description", Some("product.name")),
            ("Quantity", Some("order_line.quantity")),
            ("InvoiceDate", Some("order.ordered_at")),
            ("Price", Some("order_line.price")),
            ("Customer ID", Some("customer.number")),
            ("Country", Some("order.country")),
        ]
    );
    assert!(mapping.confident, "{:?}", mapping.notes);
    assert!(mapping.columns.iter().all(|c| c.confidence == 1.0));
    assert_eq!(
        (
            mapping.encoding.as_str(),
            mapping.delimiter.as_str(),
            mapping.header_row
        ),
        ("UTF-8", ",", 1)
    );
    assert_eq!(mapping.columns[0].samples, ["489434", "C489449", "489521"]);
}

#[test]
fn chinese_headers_map_with_confidence() {
    let mapping = propose(SHOP);
    assert_eq!(
        fields(&mapping),
        [
            ("订单号", Some("order.number")),
            ("下单时间", Some("order.ordered_at")),
            ("客户名称", Some("customer.name")),
            ("商品名称", Some("product.name")),
            ("数量", Some("order_line.quantity")),
            ("单价", Some("order_line.price")),
            ("金额", Some("order_line.amount")),
        ]
    );
    assert!(mapping.confident, "{:?}", mapping.notes);
}

#[test]
fn an_amount_without_quantity_is_enough() {
    let text = "customer_id,date,cds,dollars\n1,1997-01-01,1,11.77\n2,1997-01-12,5,77.00\n";
    let mapping = propose(text);
    assert!(mapping.confident, "{:?}", mapping.notes);
    assert_eq!(mapping.column_of(Field::Amount).unwrap().heading, "dollars");
    let (rows, rejects, _) = read(text);
    assert!(rejects.is_empty());
    let row = &rows[1];
    assert_eq!(
        (
            row.quantity.to_string(),
            row.price.to_string(),
            row.amount.to_string()
        ),
        ("1".into(), "77".into(), "77".into())
    );
    assert_eq!(
        (row.order_number.as_deref(), row.customer_number.as_deref()),
        (None, Some("2"))
    );
}

#[test]
fn doubts_make_a_mapping_unsure() {
    for (text, expected) in [
        (
            "订单号,下单时间,付款时间,客户,金额\n1,2025-01-01,2025-01-02,甲,5\n",
            vec!["ambiguous"],
        ),
        (
            "order id,date,customer,amount,total\n1,2025-01-01,A,5,6\n",
            vec!["ambiguous"],
        ),
        (
            "order id,date,customer,amount\n1,1/2/2025,A,5\n2,3/4/2025,B,6\n",
            vec!["date_order"],
        ),
        (
            "order id,date,customer,amount\n1,13/2/2025,A,5\n2,3/14/2025,B,6\n",
            vec!["date_order_mixed"],
        ),
        ("order id,customer,amount\n1,A,5\n", vec!["missing_date"]),
        (
            "order id,date,customer,quantity\n1,2025-01-01,A,5\n",
            vec!["missing_amount"],
        ),
        (
            "date,product,amount\n2025-01-01,A,5\n",
            vec!["missing_party"],
        ),
        (
            "order id,close_date,customer,amount\n1,2025-01-01,A,5\n",
            vec!["low_confidence"],
        ),
        (
            "order id,when,customer,amount\n1,2025-01-01,A,5\n",
            vec!["low_confidence"],
        ),
        (
            "order id,date,customer,amount\n1,2025-01-01,A,five\n",
            vec!["missing_amount"],
        ),
        (
            "order id,date,customer,quantity,price,order amount\n1,2025-01-01,A,1,5,15\n1,2025-01-01,A,1,4,15\n1,2025-01-01,A,1,6,15\n",
            vec!["amount_differs"],
        ),
    ] {
        let mapping = propose(text);
        assert_eq!(codes(&mapping), expected, "{text}");
        assert!(!mapping.confident);
    }
}

#[test]
fn the_order_of_day_and_month_is_decided_over_the_sample() {
    let csv = |dates: &[&str]| {
        let rows: String = dates
            .iter()
            .enumerate()
            .map(|(i, d)| format!("{i},{d},A,5\n"))
            .collect();
        format!("order id,date,customer,amount\n{rows}")
    };
    let (rows, _, _) = read(&csv(&["12/1/2010 8:26", "12/13/2010 9:00"]));
    assert_eq!(rows[0].ordered_on.to_string(), "2010-12-01");
    let (rows, _, _) = read(&csv(&["12/1/2010 8:26", "13/12/2010 9:00"]));
    assert_eq!(rows[0].ordered_on.to_string(), "2010-01-12");
    // The first row that decides is the 5,000th: more is read until it is met.
    let mut late = vec!["1/2/2010"; 5_000];
    late.push("1/13/2010");
    let (rows, rejects, _) = read(&csv(&late));
    assert_eq!(
        (rows[0].ordered_on.to_string(), rows.len(), rejects.len()),
        ("2010-01-02".into(), 5_001, 0)
    );
}

#[test]
fn a_mapping_is_read_back_from_toml_and_json() {
    let mapping = propose(UK);
    let toml_text = toml::to_string(&mapping).unwrap();
    assert_eq!(toml::from_str::<Mapping>(&toml_text).unwrap(), mapping);
    let json = serde_json::to_string(&mapping).unwrap();
    assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), mapping);

    // Written by hand, with no more than what matters.
    let by_hand: Mapping = toml::from_str(
        "columns = [{ heading = 'when', field = 'order.ordered_at', format = 'dmy' },
                    { heading = 'who', field = 'customer.name' },
                    { heading = 'paid', field = 'order_line.amount' }]",
    )
    .unwrap();
    let (rows, _, _) = read_as(
        "a.csv",
        b"x,paid,when,who\n1,5,1/2/2025,A\n",
        Some(&by_hand),
    )
    .unwrap();
    assert_eq!(rows[0].ordered_on.to_string(), "2025-02-01");
    assert_eq!(rows[0].customer_number.as_deref(), Some("A"));
}

#[test]
fn a_mapping_that_does_not_fit_names_what_does_not() {
    let text = b"x,paid,when,who\n1,5,1/2/2025,A\n";
    let with = |columns: &[(&str, &str)]| Mapping {
        encoding: String::new(),
        delimiter: String::new(),
        header_row: 0,
        sheets: Vec::new(),
        confident: true,
        notes: Vec::new(),
        columns: columns
            .iter()
            .map(|(heading, field)| ColumnMapping {
                heading: (*heading).into(),
                field: Some((*field).into()),
                format: None,
                confidence: 1.0,
                reason: "given".into(),
                samples: Vec::new(),
                fill_down: false,
            })
            .collect(),
    };
    let base = [
        ("when", "order.ordered_at"),
        ("who", "customer.name"),
        ("paid", "order_line.amount"),
    ];
    let code = |columns: &[(&str, &str)]| read_as("a.csv", text, Some(&with(columns))).unwrap_err();
    assert!(
        matches!(code(&base), ImportError::DateOrderUnknown { column, .. } if column == "when")
    );
    assert!(
        matches!(code(&base[..2]), ImportError::MappingIncomplete { missing, .. } if missing == "amount")
    );
    let unknown = [base[0], base[1], ("paid", "order.paid")];
    assert!(
        matches!(code(&unknown), ImportError::MappingField { field, .. } if field == "order.paid")
    );
    let absent = [base[0], base[1], ("sum", "order_line.amount")];
    assert!(matches!(code(&absent), ImportError::MappingHeading { column, .. } if column == "sum"));
    let twice = [base[0], base[1], base[2], ("x", "order_line.amount")];
    assert!(
        matches!(code(&twice), ImportError::MappingTwice { first, second, .. } if first == "paid" && second == "x")
    );
}

// ---- Rows ----

#[test]
fn rows_are_typed_values() {
    let (rows, rejects, counts) = read(UK);
    assert_eq!(rejects, []);
    assert_eq!(
        (counts.rows, counts.rejected, counts.without_customer),
        (4, 0, 1)
    );
    let row = &rows[0];
    assert_eq!(row.row_no, 2);
    assert_eq!(row.order_number.as_deref(), Some("489434"));
    assert_eq!(row.customer_number.as_deref(), Some("13085"));
    assert_eq!(row.product_number.as_deref(), Some("85048"));
    assert_eq!(
        row.product_name.as_deref(),
        Some("15CM CHRISTMAS GLASS BALL 20 LIGHTS")
    );
    assert_eq!(row.country.as_deref(), Some("United Kingdom"));
    assert_eq!(row.amount.to_string(), "83.4");
    // Civil time of the calendar, which is eight hours ahead of UTC.
    assert_eq!(row.ordered_at.to_string(), "2009-11-30T23:45:00Z");
    assert_eq!(row.ordered_on.to_string(), "2009-12-01");
    assert_eq!(rows[2].amount.to_string(), "-35.4");
    assert_eq!(
        (
            rows[3].customer_number.as_deref(),
            rows[3].product_name.as_deref()
        ),
        (None, None)
    );
}

#[test]
fn names_stand_for_numbers_and_spaces_do_not_matter() {
    let (rows, rejects, _) = read(SHOP);
    assert_eq!(rejects, []);
    assert_eq!(rows[0].customer_number.as_deref(), Some("上海某某 公司"));
    assert_eq!(rows[0].product_number.as_deref(), Some("茶杯"));
    assert_eq!(rows[1].customer_name.as_deref(), Some("北京商行"));
    assert_eq!(rows[1].price.to_string(), "88");
    assert_eq!(rows[1].ordered_on.to_string(), "2025-03-06");
}

#[test]
fn the_amount_of_the_file_is_kept() {
    let text = "order id,date,customer,quantity,price,amount\n\
        1,2025-01-01,A,3,3.33,10.00\n\
        2,2025-01-01,A,2,5,9\n\
        3,2025-01-01,A,2,5,\n\
        4,2025-01-01,A,4,,10\n";
    let (rows, rejects, counts) = read(text);
    assert_eq!(rejects, []);
    let shown: Vec<String> = rows
        .iter()
        .map(|r| format!("{} x {} = {}", r.quantity, r.price, r.amount))
        .collect();
    assert_eq!(
        shown,
        ["3 x 3.33 = 10", "2 x 5 = 9", "2 x 5 = 10", "4 x 2.5 = 10"]
    );
    // 9.99 against 10 is rounding, 9 against 10 is not.
    assert_eq!(counts.amount_differs, 1);
}

#[test]
fn ten_thousands_in_the_heading_count() {
    let (rows, _, _) = read("单号,日期,客户,金额（万元）\n1,2025-01-01,甲,1.5\n");
    assert_eq!(rows[0].amount.to_string(), "15000");
}

#[test]
fn dates_with_an_offset_keep_their_day() {
    let (rows, _, _) = read("order id,date,customer,amount\n1,2025-03-05T23:30:00-05:00,A,5\n");
    assert_eq!(rows[0].ordered_at.to_string(), "2025-03-06T04:30:00Z");
    assert_eq!(rows[0].ordered_on.to_string(), "2025-03-05");
}

#[test]
fn day_numbers_of_a_spreadsheet_are_dates() {
    let text = "order id,date,customer,amount\n1,45721,A,5\n2,45721.5,A,5\n";
    assert_eq!(
        propose(text)
            .column_of(Field::OrderedAt)
            .unwrap()
            .format
            .as_deref(),
        Some("serial")
    );
    let (rows, _, _) = read(text);
    assert_eq!(rows[1].ordered_at.to_string(), "2025-03-05T04:00:00Z");
}

#[test]
fn bad_rows_are_turned_away_with_place_and_reason() {
    let text = "order id,date,customer,quantity,price,note\n\
        1,2025-02-30,A,1,5,\n\
        2,2025-01-01,A,x,5,\n\
        3,2025-01-01,A,1,5%,\n\
        4,,A,1,5,\n\
        ,2025-01-01,,1,5,\n\
        6,2025-01-01,A,1\n\
        7,2025-01-01,A,1,5,a,b\n\
        8,2025-01-01,A,,5,\n\
        9,2025-01-01,A,1,99999999999999999999,\n\
        合计,,,99,,\n\
        \n\
        10,2025-01-01,A,1,5,=1+1\n";
    let (rows, rejects, counts) = read(text);
    assert_eq!(
        (rows.len(), rows[0].row_no, counts.rows, counts.rejected),
        (1, 13, 10, 9)
    );
    let found: Vec<(u64, Option<&str>, &str)> = rejects
        .iter()
        .map(|r| (r.row, r.column.as_deref(), r.code))
        .collect();
    assert_eq!(
        found,
        [
            (2, Some("date"), "not_a_date"),
            (3, Some("quantity"), "not_a_number"),
            (4, Some("price"), "percent"),
            (5, Some("date"), "empty_value"),
            (6, None, "no_party"),
            (7, None, "too_few_cells"),
            (8, None, "too_many_cells"),
            (9, Some("quantity"), "empty_value"),
            (10, Some("price"), "number_too_large"),
        ]
    );
    assert_eq!(counts.totals_left_out, 1);
    assert_eq!(rejects[0].text(Language::Zh), "“2025-02-30”不是日期");
    assert_eq!(
        rejects[5].text(Language::En),
        "4 cells where there should be 6"
    );
}

#[test]
fn a_rejected_row_can_be_corrected_and_imported_again() {
    let text = "order id,date,customer,amount\n=2+3,2025-01-01,@A,-5x\n-7,2025-13-01,\"B,C\",-5\n";
    let header = open("a.csv", text.as_bytes(), None)
        .unwrap()
        .header()
        .to_vec();
    let (_, rejects, _) = read_as(
        "a.csv",
        text.as_bytes(),
        Some(&propose(
            "order id,date,customer,amount\n1,2025-01-01,A,5\n",
        )),
    )
    .unwrap();
    let mut writer = RejectWriter::new(Vec::new(), &header, Language::En).unwrap();
    for reject in &rejects {
        writer.write(reject).unwrap();
    }
    let written = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(
        written,
        "\u{feff}order id,date,customer,amount,行号/row,列/column,原因/reason\n\
         '=2+3,2025-01-01,'@A,'-5x,2,amount,\"\"\"-5x\"\" is not a number\"\n\
         -7,2025-13-01,\"B,C\",-5,3,date,\"\"\"2025-13-01\"\" is not a date\"\n"
    );
    let corrected = written
        .replace("'-5x", "-5")
        .replace("2025-13-01,", "2025-12-01,");
    let (rows, rejects, _) = read(&corrected);
    assert_eq!((rows.len(), rejects.len()), (2, 0));
    assert_eq!(
        (
            rows[0].order_number.as_deref(),
            rows[0].customer_number.as_deref()
        ),
        (Some("=2+3"), Some("@A"))
    );
}

#[test]
fn a_rejected_row_means_the_same_without_its_file() {
    let text = "2025年销售,,,,单位：万元\n订单号,日期,客户,运费,金额\n\
        1,3月5日,甲,0.1,x\n2,3月6日,乙,,1.5\n3,3月7日,丙,,2\n4,3月8日,丙,,2\n5,3月9日,丙,,2\n\
        6,3月10日,丙,,2\n7,3月11日,丙,,2\n8,3月12日,丙,,2\n9,3月13日,丙,,2\n10,3月14日,丙,,2\n";
    let (rows, rejects, _) = read(text);
    assert_eq!(rows[0].amount.to_string(), "15000");
    assert_eq!(rejects[0].cells, ["1", "2025-03-05", "甲", "1000", "x"]);
}

#[test]
fn what_is_odd_is_told_in_both_languages() {
    let text = "订单号,日期,客户,数量,单价,金额\n1,2025-03-05,甲公司,2,5,10\n\
        2,2025-05-05,甲 公司,2,5,9\n2,2025-05-05,甲 公司,2,5,9\n合计,,,,,30\n";
    let vocabulary = Vocabulary::new(&objects());
    let mut table = open("a.csv", text.as_bytes(), None).unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    let mut rows = Rows::new(table, &mapping, &vocabulary, &Calendar::default()).unwrap();
    assert_eq!(rows.by_ref().count(), 3);
    let told: Vec<String> = rows
        .oddities()
        .iter()
        .map(|o| o.text(Language::En))
        .collect();
    assert_eq!(
        told,
        [
            "1 totals differ from the sum of the rows above (row 5): 30 ≠ 28",
            "2 amounts are not quantity × price; the amounts were taken (from row 3): 2 × 5 ≠ 9; 2 × 5 ≠ 9",
            "1 rows are the same as an earlier one and were kept (from row 4): 2 2025-05-05 9",
            "1 months between the first and the last have no rows: 2025-04",
            "1 groups of customer names may be one customer each: 甲公司 = 甲 公司",
        ]
    );
    let totals = &rows.oddities()[0];
    assert_eq!(
        (totals.column.as_deref(), totals.row),
        (Some("金额"), Some(5))
    );
    assert_eq!(
        totals.text(Language::Zh),
        "有 1 行合计与上面各行之和不一致（第 5 行）：30 ≠ 28"
    );
}

#[test]
fn the_fingerprint_does_not_depend_on_columns() {
    let a = read("order id,date,customer,sku,quantity,price\n1,2025-01-01 08:00,A,X,2,5\n").0;
    let b = read("note,price,sku,date,quantity,customer,order id,owner\nhi,5.00,X,2025/1/1 8:00:00,2.0,A,1.0,Li\n").0;
    assert_eq!(a[0].row_hash, b[0].row_hash);
    let c = read("order id,date,customer,sku,quantity,price\n1,2025-01-01 08:00,A,X,3,5\n").0;
    assert_ne!(a[0].row_hash, c[0].row_hash);
    // Pinned: a change would make every stored line look new.
    assert_eq!(a[0].row_hash, 4_540_905_807_611_108_933);
}

#[test]
fn choices_are_read_in_both_languages() {
    let (rows, _, _) = read(
        "单号,日期,客户,客户类型,金额,单据类型\n1,2025-01-01,甲,公司客户,5,销售单\n2,2025-01-01,乙,个人,-5,退货单\n",
    );
    let kinds: Vec<_> = rows
        .iter()
        .map(|r| (r.kind.as_deref(), r.customer_kind.as_deref()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Some("sale"), Some("company")),
            (Some("return"), Some("person"))
        ]
    );
}

#[test]
fn rows_count_as_a_spreadsheet_counts() {
    // Two title lines, a blank one, and a cell of two lines.
    let text = "2025 年销售明细\r\n制表：张三\r\n\r\n单号,日期,客户,金额\r\n1,2025-01-01,\"甲\r\n乙\",5\r\n2,2025-01-01,丙,x\r\n";
    let mapping = propose(text);
    assert_eq!(mapping.header_row, 4);
    let (rows, rejects, _) = read_as(
        "a.csv",
        text.as_bytes(),
        Some(&Mapping {
            columns: propose("单号,日期,客户,金额\n1,2025-01-01,甲,5\n").columns,
            ..mapping
        }),
    )
    .unwrap();
    assert_eq!(
        (rows[0].row_no, rows[0].customer_number.as_deref()),
        (5, Some("甲 乙"))
    );
    assert_eq!(rejects[0].row, 6);
}

// ---- Encodings, delimiters, packing ----

#[test]
fn every_encoding_gives_the_same_rows() {
    let expected = read(SHOP).0;
    let gb = encoding_rs::GB18030.encode(SHOP).0.into_owned();
    let le: Vec<u8> = SHOP.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = SHOP.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, bytes) in [
        ("UTF-8", [b"\xef\xbb\xbf", SHOP.as_bytes()].concat()),
        ("gb18030", gb.clone()),
        ("UTF-16LE", [b"\xff\xfe".as_slice(), &le].concat()),
        ("UTF-16BE", [b"\xfe\xff".as_slice(), &be].concat()),
        ("UTF-16LE", le),
        ("UTF-16BE", be),
        ("gb18030", gzip(&gb)),
    ] {
        let (rows, rejects, counts) = read_as("a.csv", &bytes, None).unwrap();
        assert_eq!(
            (rows, rejects.len(), counts.invalid_sequences),
            (expected.clone(), 0, 0),
            "{name}"
        );
        assert_eq!(open("a.csv", &bytes, None).unwrap().encoding(), name);
    }
}

#[test]
fn the_first_chinese_name_may_come_late() {
    let mut text = String::from("order id,date,customer,amount\n");
    for i in 0..20_000 {
        text.push_str(&format!("{i},2025-01-01,A,5\n"));
    }
    text.push_str("x,2025-01-01,上海某某公司,5\n");
    for bytes in [
        text.as_bytes().to_vec(),
        encoding_rs::GB18030.encode(&text).0.into_owned(),
    ] {
        // Also under the mapping that was proposed while all was ASCII.
        let mapping = propose(&text);
        let (rows, rejects, _) = read_as("a.csv", &bytes, Some(&mapping)).unwrap();
        assert_eq!(rejects.len(), 0);
        assert_eq!(
            rows[20_000].customer_number.as_deref(),
            Some("上海某某公司")
        );
    }
}

#[test]
fn every_delimiter_gives_the_same_rows() {
    let expected = read(UK).0;
    for delimiter in [";", "\t", "|"] {
        assert_eq!(
            read(&UK.replace(',', delimiter)).0,
            expected,
            "{delimiter:?}"
        );
    }
    assert_eq!(read(&format!("sep=,\n{UK}")).0.len(), 4);
}

// ---- Hostile files ----

#[test]
fn files_that_are_no_tables_are_refused() {
    assert!(matches!(error(b""), ImportError::EmptyFile { .. }));
    assert!(matches!(error(b"\n\n\n"), ImportError::EmptyFile { .. }));
    assert!(matches!(
        error(b"\xef\xbb\xbf"),
        ImportError::EmptyFile { .. }
    ));
    assert!(matches!(error(&gzip(b"")), ImportError::EmptyFile { .. }));
    let kind = |bytes: &[u8]| match error(bytes) {
        ImportError::BinaryFile { file, kind } => (file, kind),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(b"%PDF-1.7\n1 0 obj").1, "pdf");
    assert_eq!(kind(b"PK\x03\x04\x14\x00").1, "zip");
    assert_eq!(kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").1, "png");
    assert_eq!(kind(&gzip(&gzip(b"a,b\n1,2\n"))).1, "gzip");
    let bytes: Vec<u8> = (0..4096u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    assert_eq!(kind(&bytes), ("a.csv".into(), "data".into()));
}

#[test]
fn files_without_headings_are_refused() {
    let at = |bytes: &[u8]| match error(bytes) {
        ImportError::NoHeader { row, .. } => row,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(b"1,2,3\n4,5,6\n"), 1);
    assert_eq!(at(UK.split_once('\n').unwrap().1.as_bytes()), 1);
    assert_eq!(
        at(b"\n\n536365,85123A,HEART,6,2010-12-01 08:26:00,2.55\n"),
        3
    );
    assert!(matches!(
        error(b"Invoice,Price,Customer ID\n"),
        ImportError::NoRows { row: 1, .. }
    ));
    assert!(matches!(
        error(b"name\nA\nB\n"),
        ImportError::TooFewColumns {
            row: 1,
            found: 1,
            ..
        }
    ));
}

#[test]
fn duplicate_headings_name_both_columns() {
    let error = error(b"\nInvoice,Price,InvoiceDate,Price\n1,2,2025-01-01,3\n");
    assert_eq!(
        error,
        ImportError::DuplicateHeading {
            file: "a.csv".into(),
            row: 2,
            column: "Price".into(),
            first: "B".into(),
            second: "D".into()
        }
    );
}

#[test]
fn a_nul_byte_has_a_place() {
    let error = error(&UK.replace("6.75", "6.\u{0}75").into_bytes());
    assert!(matches!(error, ImportError::NulByte { .. }), "{error:?}");
    assert_eq!(place(&error), (3, "Price".into()));
}

#[test]
fn a_row_without_end_is_not_held() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(b'x');
            self.0 += out.len() as u64;
            assert!(self.0 < 3 << 20, "read on beyond the limit of a row");
            Ok(out.len())
        }
    }
    let head = std::io::Cursor::new(UK.as_bytes().to_vec());
    let input = Input::new("a.csv", std::io::Read::chain(head, Endless(0)));
    let vocabulary = Vocabulary::new(&objects());
    let error = Table::open(input, &vocabulary, &Limits::default(), None)
        .err()
        .unwrap();
    assert_eq!(
        error,
        ImportError::RecordTooLong {
            file: "a.csv".into(),
            row: 6,
            limit: 1 << 20
        }
    );

    let long = [b"a,b\n1,\"".as_slice(), &vec![b'y'; 20_000_000]].concat();
    assert!(matches!(
        super::tests::error(&long),
        ImportError::RecordTooLong { row: 2, .. }
    ));
    let wide = [b"a,b\n".as_slice(), &vec![b','; 5_000], b"\n"].concat();
    assert!(matches!(
        super::tests::error(&wide),
        ImportError::TooManyColumns {
            row: 2,
            limit: 1024,
            ..
        }
    ));
}

#[test]
fn gzip_that_grows_without_measure_is_refused() {
    let line = "1,2025-01-01,A,5\n";
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(b"order id,date,customer,amount\n").unwrap();
    // Rows of 258 equal bytes pack as well as deflate can: about 1,030 to 1.
    let row = [b"1,2025-01-01,A,5".as_slice(), &vec![b' '; 500_000], b"\n"].concat();
    for _ in 0..100 {
        bomb.write_all(&row).unwrap();
    }
    let error = error(&bomb.finish().unwrap());
    assert!(
        matches!(error, ImportError::CompressionRatio { limit: 1000, .. }),
        "{error:?}"
    );

    // An ordinary export packs well and passes.
    let text = format!("order id,date,customer,amount\n{}", line.repeat(200_000));
    assert_eq!(
        read_as("a.csv", &gzip(text.as_bytes()), None)
            .unwrap()
            .2
            .rows,
        200_000
    );

    let limits = Limits {
        total_bytes: 1 << 20,
        ..Limits::default()
    };
    let input = Input::new("a.csv", std::io::Cursor::new(gzip(text.as_bytes())));
    let vocabulary = Vocabulary::new(&objects());
    let mut table = Table::open(input, &vocabulary, &limits, None).unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    let last = Rows::new(table, &mapping, &vocabulary, &Calendar::default())
        .unwrap()
        .find_map(Result::err);
    assert_eq!(
        last,
        Some(ImportError::FileTooLarge {
            file: "a.csv".into(),
            limit: 1 << 20
        })
    );
}

#[test]
fn broken_gzip_names_the_row_it_breaks_at() {
    let packed = gzip(UK.as_bytes());
    let truncated = error(&packed[..packed.len() - 20]);
    assert!(
        matches!(truncated, ImportError::TruncatedGzip { row: 2..=6, .. }),
        "{truncated:?}"
    );
    let mut damaged = packed.clone();
    let last = damaged.len() - 5;
    damaged[last] ^= 0xff;
    assert!(
        matches!(error(&damaged), ImportError::CorruptGzip { row: 6, .. }),
        "{:?}",
        error(&damaged)
    );
    // Far behind the sample: the rows before it are read.
    let mut text = String::from("order id,date,customer,amount\n");
    let mut state = 1u32;
    for i in 0..50_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(&format!("{i},2025-01-01,A{state},{}\n", state % 1000));
    }
    let packed = gzip(text.as_bytes());
    let truncated = error(&packed[..packed.len() / 2]);
    assert!(
        matches!(
            truncated,
            ImportError::TruncatedGzip {
                row: 15_000..35_000,
                ..
            }
        ),
        "{truncated:?}"
    );
}

#[test]
fn bytes_outside_the_encoding_are_reported_or_refused() {
    // One broken byte in a word: the row stands, the place is known.
    let bytes = [
        "订单号,日期,客户,城市,金额\n1,2025-03-07,丙,上海".as_bytes(),
        b"\xff,5\n",
    ]
    .concat();
    let (rows, rejects, counts) = read_as("a.csv", &bytes, None).unwrap();
    assert_eq!((rejects.len(), counts.invalid_sequences), (0, 1));
    assert_eq!(rows[0].city.as_deref(), Some("上海\u{fffd}"));
    // In a number it would make somebody who does not exist.
    let broken = [SHOP.as_bytes(), b"10\xff04,2025-03-07,A,B,1,5,5\n"].concat();
    let (_, rejects, _) = read_as("a.csv", &broken, None).unwrap();
    assert_eq!(
        (
            rejects[0].row,
            rejects[0].column.as_deref(),
            rejects[0].code
        ),
        (4, Some("订单号"), "invalid_bytes")
    );
    // Very many: the encoding is wrong.
    let mut many = SHOP.as_bytes().to_vec();
    for _ in 0..2_000 {
        many.extend_from_slice("1003,2025-03-07,丙丁戊己庚辛,茶杯茶壶茶盘,1,5,5\n".as_bytes());
    }
    for _ in 0..101 {
        many.extend_from_slice(b"1004,2025-03-07,\xff,B,1,5,5\n");
    }
    let error = error(&many);
    assert!(
        matches!(&error, ImportError::InvalidBytes { encoding, .. } if encoding == "UTF-8"),
        "{error:?}"
    );
    assert_eq!(place(&error), (2004, "客户名称".into()));
    let asked: Mapping = toml::from_str("encoding = 'klingon'\ncolumns = []").unwrap();
    assert!(matches!(
        open("a.csv", b"a,b\n1,2\n", Some(&asked)).err(),
        Some(ImportError::UnknownEncoding { encoding, .. }) if encoding == "klingon"
    ));
}

#[test]
fn progress_counts_the_bytes_of_the_file() {
    let packed = gzip(
        format!(
            "order id,date,customer,amount\n{}",
            "1,2025-01-01,A,5\n".repeat(50_000)
        )
        .as_bytes(),
    );
    let vocabulary = Vocabulary::new(&objects());
    let mut table = open("a.csv", &packed, None).unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    let mut rows = Rows::new(table, &mapping, &vocabulary, &Calendar::default()).unwrap();
    assert!(rows.progress().bytes < packed.len() as u64);
    assert_eq!(rows.by_ref().count(), 50_000);
    assert_eq!(
        rows.progress(),
        Progress {
            bytes: packed.len() as u64,
            rows: 50_000,
            rejected: 0
        }
    );
}

/// The public retail data, where it is at hand.
#[test]
fn the_retail_file_is_read_whole() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/online_retail_2009_2010_raw.csv.gz"
    );
    let Ok(file) = std::fs::File::open(path) else {
        return;
    };
    let vocabulary = Vocabulary::new(&objects());
    let mut table = Table::open(
        Input::new("uk.csv.gz", file),
        &vocabulary,
        &Limits::default(),
        None,
    )
    .unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    assert!(mapping.confident);
    let mut rows = Rows::new(table, &mapping, &vocabulary, &Calendar::default()).unwrap();
    let mut sum = 0;
    for line in rows.by_ref() {
        match line.unwrap() {
            Line::Row(row) => sum += row.amount.units(),
            Line::Reject(reject) => panic!("{reject:?}"),
        }
    }
    let counts = rows.counts();
    assert_eq!((counts.rows, counts.without_customer), (525_461, 107_927));
    // `sum_amount_all_rows` of the reference results.
    assert_eq!(sum, 95_394_846_340);
}
