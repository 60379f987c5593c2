//! Cells as people write them, and what they mean.

use super::*;

#[test]
fn what_the_heading_counts_in_is_exact() {
    for (cell, scale, expected) in [
        ("0.123456", 10_000, "1234.56"),
        ("1,234.567891", 10_000, "12345678.91"),
        ("-0.00001", 10_000, "-0.1"),
        ("(0.123456)", 10_000, "-1234.56"),
        ("1.23456789E-2", 10_000, "123.4568"),
        ("12.5", 100_000_000, "1250000000"),
        ("88元", 10_000, "88"),
        ("1.23456万", 1, "12345.6"),
        ("1.23456万", 10_000, "12345.6"),
        ("0.123456", 1, "0.1235"),
    ] {
        assert_eq!(amount(cell, scale).unwrap().to_string(), expected, "{cell}");
    }
    assert_eq!(
        amount("99999999999", 100_000_000),
        Err(Fault::NumberTooLarge)
    );
}

#[test]
fn reads_numbers_as_people_write_them() {
    for (cell, expected) in [
        ("12.34", "12.34"),
        ("-0.05", "-0.05"),
        ("1,234,567.8", "1234567.8"),
        ("¥1,234.50", "1234.5"),
        ("￥ 99", "99"),
        ("-$5.00", "-5"),
        ("$-5.00", "-5"),
        ("(1,200.00)", "-1200"),
        ("（８８．５）", "-88.5"),
        ("１２３", "123"),
        ("12.5元", "12.5"),
        (" 6 ", "6"),
        ("6\u{a0}", "6"),
        ("1 234", "1234"),
        ("€3", "3"),
        ("3.50 GBP", "3.5"),
        ("1.5E+3", "1500"),
        ("0.30000000000000004", "0.3"),
        ("+7", "7"),
        ("−7", "-7"),
        ("1.2亿", "120000000"),
        ("3,500万", "35000000"),
        ("2千万元", "20000000"),
        ("1亿2000万", "120000000"),
        ("-3.5w", "-35000"),
        ("12k", "12000"),
        ("人民币 7", "7"),
        ("CNY1,000", "1000"),
        ("=\"12\"", "12"),
        ("'12", "12"),
        ("1\u{2009}234", "1234"),
        ("壹万贰仟元整", "12000"),
    ] {
        assert_eq!(
            number(cell).map(|n| n.to_string()),
            Ok(expected.to_owned()),
            "{cell}"
        );
    }
    for (cell, fault) in [
        ("12%", Fault::Percent),
        ("１２％", Fault::Percent),
        ("1,23", Fault::NotANumber),
        ("--5", Fault::NotANumber),
        ("abc", Fault::NotANumber),
        ("", Fault::NotANumber),
        ("-", Fault::NotANumber),
        ("1e30", Fault::NumberTooLarge),
        ("12345678901234567890", Fault::NumberTooLarge),
        ("#DIV/0!", Fault::NotANumber),
        ("12-05", Fault::NotANumber),
        ("1.2万3亿", Fault::NotANumber),
        ("万", Fault::NotANumber),
        ("5千克", Fault::NotANumber),
        ("百", Fault::NotANumber),
        ("99999999亿", Fault::NumberTooLarge),
    ] {
        assert_eq!(number(cell), Err(fault), "{cell}");
    }
}

#[test]
fn reads_dates_as_people_write_them() {
    for (cell, format, expected) in [
        ("2025-03-05", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("2025/3/5", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("2025.3.5", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("2025-03-05 07:45", DateFormat::Ymd, "2025-03-05T07:45:00"),
        ("2025-03-05 7:45:09", DateFormat::Ymd, "2025-03-05T07:45:09"),
        (
            "2025-03-05T07:45:00.250",
            DateFormat::Ymd,
            "2025-03-05T07:45:00.25",
        ),
        ("2025年3月5日", DateFormat::Ymd, "2025-03-05T00:00:00"),
        (
            "2025年03月05日 7时45分",
            DateFormat::Ymd,
            "2025-03-05T07:45:00",
        ),
        (
            "2025年3月5日 下午 3:20",
            DateFormat::Ymd,
            "2025-03-05T15:20:00",
        ),
        (
            "２０２５－０３－０５",
            DateFormat::Ymd,
            "2025-03-05T00:00:00",
        ),
        ("20250305", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("20250305074509", DateFormat::Ymd, "2025-03-05T07:45:09"),
        ("12/1/2010 8:26", DateFormat::Mdy, "2010-12-01T08:26:00"),
        ("12/1/2010 8:26", DateFormat::Dmy, "2010-01-12T08:26:00"),
        (
            "12/1/2010 8:26:00 PM",
            DateFormat::Mdy,
            "2010-12-01T20:26:00",
        ),
        ("5 Mar 2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("05-Mar-2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("March 5, 2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("40148.322916667", DateFormat::Serial, "2009-12-01T07:45:00"),
        ("45721", DateFormat::Serial, "2025-03-05T00:00:00"),
        ("2/29/2024", DateFormat::Mdy, "2024-02-29T00:00:00"),
        ("二〇二五年三月五日", DateFormat::Ymd, "2025-03-05T00:00:00"),
        (
            "二零二五年十二月三十一日",
            DateFormat::Ymd,
            "2025-12-31T00:00:00",
        ),
        ("2025-03-05 星期三", DateFormat::Ymd, "2025-03-05T00:00:00"),
        (
            "2025年3月5日（周三） 下午3点20分",
            DateFormat::Ymd,
            "2025-03-05T15:20:00",
        ),
        ("Wed, 5 Mar 2025", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("2025-03-05 (Wed)", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("25年3月5日", DateFormat::YmdShort, "2025-03-05T00:00:00"),
        ("25年3月5日", DateFormat::Ymd, "2025-03-05T00:00:00"),
        ("25-3-5", DateFormat::YmdShort, "2025-03-05T00:00:00"),
        ("5/3/25", DateFormat::DmyShort, "2025-03-05T00:00:00"),
        ("3/5/99", DateFormat::MdyShort, "1999-03-05T00:00:00"),
        ("5/3/2025", DateFormat::DmyShort, "2025-03-05T00:00:00"),
        ("2025年3月", DateFormat::Month, "2025-03-01T00:00:00"),
        ("2025-03", DateFormat::Month, "2025-03-01T00:00:00"),
        ("44259", DateFormat::Serial1904, "2025-03-05T00:00:00"),
    ] {
        assert_eq!(
            date(cell, format).map(|w| w.civil.to_string()),
            Ok(expected.to_owned()),
            "{cell}"
        );
    }
    for (cell, offset_s) in [
        ("2025-03-05T07:45:00Z", 0),
        ("2025-03-05 07:45:00+08:00", 28_800),
        ("2025-03-05T07:45:00.123456-0330", -12_600),
    ] {
        assert_eq!(
            date(cell, DateFormat::Ymd).unwrap().offset_s,
            Some(offset_s),
            "{cell}"
        );
    }
    for (cell, format) in [
        ("2025-02-30", DateFormat::Ymd),
        ("13/13/2010", DateFormat::Dmy),
        ("12/31/2010", DateFormat::Dmy),
        ("31/12/2010", DateFormat::Mdy),
        ("12/1/2010", DateFormat::Ymd),
        ("12/1/10", DateFormat::Mdy),
        ("45721", DateFormat::Ymd),
        ("0000-00-00", DateFormat::Ymd),
        ("2025-03-05 25:00", DateFormat::Ymd),
        ("2025-03-05 banana", DateFormat::Ymd),
        ("536365", DateFormat::Serial),
        ("2.55", DateFormat::Ymd),
        ("25-3-5", DateFormat::Ymd),
        ("2025年3月", DateFormat::Ymd),
        ("3月5日", DateFormat::Ymd),
        ("2025-03-05 周", DateFormat::Ymd),
        ("合计", DateFormat::Ymd),
        ("", DateFormat::Ymd),
    ] {
        assert_eq!(date(cell, format), Err(Fault::NotADate), "{cell}");
    }
}

#[test]
fn knows_what_a_date_says_about_its_order() {
    for (cell, expected) in [
        ("2025-03-05", Some(DayMonth::Clear)),
        ("13/1/2010", Some(DayMonth::DayFirst)),
        ("1/13/2010", Some(DayMonth::MonthFirst)),
        ("1/2/2010 8:26", Some(DayMonth::Either)),
        ("2/2/2010", Some(DayMonth::Same)),
        ("85123A", None),
        ("25-3-5", None),
        ("2025-03", None),
    ] {
        assert_eq!(day_month(cell), expected, "{cell}");
    }
    assert_eq!(short_date("25-3-5"), Some([true, true, false]));
    assert_eq!(short_date("3/25/25"), Some([false, false, true]));
    assert_eq!(short_date("2025-3-5"), None);
}

#[test]
fn a_title_lends_its_year() {
    let written = date_in("3月5日", DateFormat::Ymd, Some(2025)).unwrap();
    assert_eq!(written.civil.date().to_string(), "2025-03-05");
    for (text, year) in [
        ("2025年销售明细", Some(2025)),
        ("二〇二五年三月", Some(2025)),
        ("202503", Some(2025)),
        ("Mar 2025", Some(2025)),
        ("2024-2025 年度", None),
        ("3月", None),
        ("客户 10012", None),
    ] {
        assert_eq!(year_in(text), year, "{text}");
    }
}

#[test]
fn a_comma_is_the_point_only_where_it_can_be_nothing_else() {
    for (cell, expected) in [
        ("1.234,56", Some(true)),
        ("12,5", Some(true)),
        ("1.234.567", Some(true)),
        ("€ 1.234,56", Some(true)),
        ("1,234.56", Some(false)),
        ("12.5", Some(false)),
        ("1,234", None),
        ("1.234", None),
        ("12", None),
        ("abc", None),
    ] {
        assert_eq!(has_decimal_comma(cell), expected, "{cell}");
    }
    assert_eq!(
        number(&with_point("1.234,56")).map(|n| n.to_string()),
        Ok("1234.56".to_owned())
    );
}

#[test]
fn digits_that_are_lost_are_not_made_up() {
    for text in ["1.38E+10", "2.0250305E+14", "1E+18"] {
        assert!(has_lost_digits(text), "{text}");
        assert_eq!(identity(text).as_deref(), Some(text));
    }
    for text in ["1.3812345678E+10", "1E5", "E+10", "A1.2E+10", "12E+10", "5"] {
        assert!(!has_lost_digits(&identity(text).unwrap()), "{text}");
    }
}

#[test]
fn reads_names_and_numbers_of_things() {
    assert_eq!(
        text(" 上海\u{3000}\u{3000}某某 公司 ").as_deref(),
        Some("上海 某某 公司")
    );
    assert_eq!(text("A  B\tC").as_deref(), Some("A B C"));
    assert_eq!(text("'=1+1").as_deref(), Some("=1+1"));
    for nothing in ["", "  ", "NULL", "nan", "#N/A", "\u{3000}"] {
        assert_eq!(text(nothing), None);
    }
    for (cell, expected) in [
        ("13085.0", "13085"),
        ("1.3812345678E+10", "13812345678"),
        ("1.38E+10", "1.38E+10"),
        ("85123A", "85123A"),
        ("007", "007"),
        ("=\"007\"", "007"),
        ("'007", "007"),
        ("２００１", "2001"),
        ("2.5", "2.5"),
    ] {
        assert_eq!(identity(cell).as_deref(), Some(expected));
    }
}
