//! Workbooks through the real child process, which is this test program again.

use std::io::Write;
use std::time::Instant;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::child::run_child;
use super::*;
use crate::import::bytes::Limits;
use crate::import::field::Vocabulary;
use crate::import::mapping::Mapping;
use crate::import::rows::{Line, Rows};
use crate::import::table::Table;

/// The child's part: does nothing in an ordinary run of the tests. Its rows go
/// to descriptor 3, because the test harness writes to standard output.
#[test]
fn child() {
    let Some(path) = std::env::var_os("KEJI_TEST_WORKBOOK") else {
        return;
    };
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let usual = WorkbookLimits::default();
    let limits = WorkbookLimits {
        memory_bytes: number("KEJI_TEST_MEMORY", usual.memory_bytes),
        cpu_s: number("KEJI_TEST_CPU", usual.cpu_s),
        cells: number("KEJI_TEST_CELLS", usual.cells),
        ..usual
    };
    let out = File::options().write(true).open("/dev/fd/3").unwrap();
    let ended_well = run_child(Path::new(&path), &limits, out);
    std::process::exit(if ended_well { 0 } else { 1 });
}

fn child_command(path: &Path, limits: &[(&str, u64)]) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("exec \"$0\" \"$@\" 3>&1 >/dev/null")
        .arg(std::env::current_exe().unwrap());
    let (_, module) = module_path!().split_once("::").unwrap();
    command.args([
        "--exact",
        &format!("{module}::child"),
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env("KEJI_TEST_WORKBOOK", path);
    for (limit, value) in limits {
        command.env(limit, value.to_string());
    }
    command
}

fn input(path: &Path, limits: &[(&str, u64)]) -> Input {
    spawn(child_command(path, limits), "订单.xlsx", Arc::default()).unwrap()
}

fn table(path: &Path, limits: &[(&str, u64)]) -> Result<Table> {
    let vocabulary = Vocabulary::new(&crate::import::field::tests::objects());
    Table::open(input(path, limits), &vocabulary, &Limits::default(), None)
}

fn csv(path: &Path) -> String {
    let mut text = String::new();
    input(path, &[]).read.read_to_string(&mut text).unwrap();
    text
}

fn save(workbook: &mut Workbook) -> tempfile::TempPath {
    let path = tempfile::Builder::new()
        .suffix(".xlsx")
        .tempfile()
        .unwrap()
        .into_temp_path();
    workbook.save(&path).unwrap();
    path
}

/// A workbook of one sheet, its XML by hand.
fn by_hand(sheet: impl FnOnce(&mut dyn Write)) -> tempfile::TempPath {
    let path = tempfile::Builder::new()
        .suffix(".xlsx")
        .tempfile()
        .unwrap()
        .into_temp_path();
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    let parts = [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
    ];
    for (name, text) in parts {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    zip.write_all(br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>"#).unwrap();
    sheet(&mut zip);
    zip.write_all(b"</sheetData></worksheet>").unwrap();
    zip.finish().unwrap();
    path
}

fn text_cell(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

/// The sample, by which columns are understood, has only dates.
#[test]
fn dates_that_lose_their_format_further_down_are_dates() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    for (column, heading) in (0..).zip(["订单号", "下单时间", "客户名称", "数量", "单价"])
    {
        sheet.write(0, column, heading).unwrap();
    }
    const N: u32 = 1_200;
    for i in 1..=N {
        sheet.write(i, 0, 1_000 + i).unwrap();
        // 45,721 is 2025-03-05.
        match i < N - 100 {
            true => sheet.write_with_format(i, 1, 45_721, &day).unwrap(),
            false => sheet.write(i, 1, 45_721).unwrap(),
        };
        sheet.write(i, 2, "某某公司").unwrap();
        sheet.write(i, 3, 1).unwrap();
        sheet.write(i, 4, 2.5).unwrap();
    }
    let path = save(&mut workbook);
    let vocabulary = Vocabulary::new(&crate::import::field::tests::objects());
    let mut table = table(&path, &[]).unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    let rows = Rows::new(table, &mapping, &vocabulary, &Default::default()).unwrap();
    let days = rows.map(|line| match line.unwrap() {
        Line::Row(row) => row.ordered_on.to_string(),
        Line::Reject(reject) => panic!("{reject:?}"),
    });
    assert_eq!(days.filter(|day| day == "2025-03-05").count(), N as usize);
}

#[test]
fn a_sheet_of_orders_is_read_like_a_file() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("空").unwrap();
    let hidden = workbook.add_worksheet();
    hidden.write(0, 0, "secret").unwrap().set_hidden(true);
    let sheet = workbook.add_worksheet();
    let day = Format::new().set_num_format("yyyy/m/d h:mm");
    sheet.write(0, 0, "2025 年销售明细").unwrap();
    for (column, heading) in ["订单号", "下单时间", "客户名称", "数量", "单价", "备注"]
        .into_iter()
        .enumerate()
    {
        sheet.write(2, column as u16, heading).unwrap();
    }
    sheet.write(3, 0, 1001).unwrap();
    sheet
        .write_with_format(
            3,
            1,
            ExcelDateTime::parse_from_str("2025-03-05 07:45").unwrap(),
            &day,
        )
        .unwrap();
    sheet.write(3, 2, "上海\"某某\",公司").unwrap();
    sheet.write(3, 3, 2).unwrap();
    sheet.write(3, 4, 0.1).unwrap();
    sheet.write(3, 5, "两\n行").unwrap();
    sheet.write(6, 0, 1002).unwrap();
    sheet
        .write_with_format(
            6,
            1,
            ExcelDateTime::parse_from_str("2025-03-06").unwrap(),
            &day,
        )
        .unwrap();
    sheet.write(6, 2, "北京商行").unwrap();
    sheet.write(6, 3, 13_812_345_678.0).unwrap();
    sheet.write(6, 4, 1_234.5).unwrap();
    let path = save(&mut workbook);
    assert_eq!(
        csv(&path),
        "\u{1}hidden_sheet,Sheet2\n\u{1}sheet,Sheet3\n2025 年销售明细\n\n订单号,下单时间,客户名称,数量,单价,备注\n\
         1001,2025-03-05 07:45:00,\"上海\"\"某某\"\",公司\",2,0.1,\"两\n行\"\n\n\n\
         1002,2025-03-06,北京商行,13812345678,1234.5,\n"
    );

    let vocabulary = Vocabulary::new(&crate::import::field::tests::objects());
    let mut table = table(&path, &[]).unwrap();
    let mapping = Mapping::propose(&mut table, &vocabulary).unwrap();
    assert!(mapping.confident, "{:?}", mapping.notes);
    assert_eq!(mapping.header_row, 3);
    let mut rows = Rows::new(table, &mapping, &vocabulary, &Default::default()).unwrap();
    let places: Vec<u64> = rows
        .by_ref()
        .map(|line| match line.unwrap() {
            Line::Row(row) => row.row_no,
            Line::Reject(reject) => panic!("{reject:?}"),
        })
        .collect();
    assert_eq!(places, [4, 7]);
    // As many as the file has, although the text is longer or shorter.
    assert_eq!(
        rows.progress().bytes,
        std::fs::metadata(&path).unwrap().len()
    );
}

#[test]
fn two_cells_at_the_corners_are_refused_with_their_place() {
    let path = by_hand(|out| {
        write!(out, r#"<row r="1">{}</row>"#, text_cell("A1", "a")).unwrap();
        write!(
            out,
            r#"<row r="1048576">{}</row>"#,
            text_cell("XFD1048576", "z")
        )
        .unwrap();
    });
    assert!(std::fs::metadata(&path).unwrap().len() < 3_000);
    let error = table(&path, &[("KEJI_TEST_MEMORY", 256 << 20)])
        .err()
        .unwrap();
    assert_eq!(
        error,
        ImportError::WorkbookCell {
            file: "订单.xlsx".into(),
            row: 1_048_576,
            column: "XFD".into(),
            max_rows: 1_048_576,
            max_columns: 1_024,
        }
    );
}

#[test]
fn a_part_that_unpacks_without_measure_is_refused() {
    let path = by_hand(|out| {
        let blank = vec![b' '; 1 << 20];
        for _ in 0..64 {
            out.write_all(&blank).unwrap();
        }
    });
    let error = table(&path, &[]).err().unwrap();
    assert!(
        matches!(&error, ImportError::WorkbookPart { part, bytes: 60_000_000.., ratio: 900.., .. }
            if part == "xl/worksheets/sheet1.xml"),
        "{error:?}"
    );
}

#[test]
fn too_many_cells_are_refused_with_their_place() {
    let path = by_hand(|out| {
        for row in 1..=100 {
            write!(
                out,
                r#"<row r="{row}"><c r="A{row}"><v>{row}</v></c><c r="B{row}"><v>1</v></c></row>"#
            )
            .unwrap();
        }
    });
    let error = table(&path, &[("KEJI_TEST_CELLS", 50)]).err().unwrap();
    assert!(
        matches!(&error, ImportError::WorkbookCells { row: 26, column, limit: 50, .. } if column == "A"),
        "{error:?}"
    );
}

#[test]
fn a_child_at_its_limit_is_an_error_of_the_file() {
    // One cell whose text needs more memory than the child may have.
    let path = by_hand(|out| {
        write!(out, r#"<row r="1"><c r="A1" t="inlineStr"><is><t>"#).unwrap();
        let mut state = 1u64;
        for _ in 0..1_000_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            write!(out, "{state:020}{state:020}{state:020}").unwrap();
        }
        write!(out, "</t></is></c></row>").unwrap();
    });
    let error = table(&path, &[("KEJI_TEST_MEMORY", 150 << 20)])
        .err()
        .unwrap();
    assert_eq!(
        error,
        ImportError::WorkbookLimit {
            file: "订单.xlsx".into(),
            row: 1
        }
    );

    // Time over, and a parser that is not one.
    let ended = |script: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        let mut text = String::new();
        let error = spawn(command, "订单.xlsx", Arc::default())
            .unwrap()
            .read
            .read_to_string(&mut text)
            .unwrap_err();
        error
            .get_ref()
            .and_then(|e| e.downcast_ref::<ImportError>())
            .cloned()
            .unwrap()
    };
    assert!(matches!(
        ended("kill -XCPU $$"),
        ImportError::WorkbookLimit { .. }
    ));
    assert!(matches!(
        ended("echo a,b; exit 101"),
        ImportError::WorkbookUnreadable { .. }
    ));
    let missing = open(
        &path,
        "订单.xlsx",
        Path::new("/nowhere/keji"),
        Arc::default(),
    )
    .err()
    .unwrap();
    assert!(matches!(missing, ImportError::ReadFailed { .. }));
}

#[test]
fn other_archives_and_empty_workbooks_are_refused() {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    zip.start_file("readme.txt", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"hello").unwrap();
    zip.finish().unwrap();
    assert!(is_workbook(&File::open(&path).unwrap()).unwrap());
    assert_eq!(
        table(&path, &[]).err(),
        Some(ImportError::BinaryFile {
            file: "订单.xlsx".into(),
            kind: "zip".into()
        })
    );

    let mut empty = Workbook::new();
    empty.add_worksheet();
    let path = save(&mut empty);
    assert_eq!(
        table(&path, &[]).err(),
        Some(ImportError::WorkbookEmpty {
            file: "订单.xlsx".into()
        })
    );

    std::fs::write(&path, b"PK\x03\x04 and no more").unwrap();
    assert!(matches!(
        table(&path, &[]).err(),
        Some(ImportError::WorkbookUnreadable { .. })
    ));
}

#[test]
fn cancelling_and_dropping_end_the_child() {
    let sleeper = || {
        let mut command = Command::new("sh");
        command.arg("-c").arg("echo $$; exec sleep 60");
        command
    };
    let started = Instant::now();
    let cancel = Arc::new(AtomicBool::new(false));
    let mut input = spawn(sleeper(), "订单.xlsx", cancel.clone()).unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        cancel.store(true, Ordering::Relaxed);
    });
    let error = io::read_to_string(&mut input.read).unwrap_err();
    let own = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<ImportError>());
    assert_eq!(
        own,
        Some(&ImportError::Cancelled {
            file: "订单.xlsx".into()
        })
    );

    let mut input = spawn(sleeper(), "订单.xlsx", Arc::default()).unwrap();
    let mut pid = [0; 16];
    let n = input.read.read(&mut pid).unwrap();
    let pid = String::from_utf8_lossy(&pid[..n]).trim().to_owned();
    drop(input);
    assert!(!Path::new("/proc").join(pid).exists());
    assert!(started.elapsed() < Duration::from_secs(10));
}
