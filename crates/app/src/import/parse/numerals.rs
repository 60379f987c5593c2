//! Chinese numerals as people write them in dates and amounts: 二〇二五,
//! 二十一, 壹万贰仟元整. Knows nothing of calendars or columns.

/// One digit, plain or formal.
fn digit(c: char) -> Option<i64> {
    Some(match c {
        '〇' | '○' | '零' => 0,
        '一' | '壹' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// What multiplies the digit before it, below ten thousand.
fn small_unit(c: char) -> Option<i64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1_000,
        _ => return None,
    })
}

fn is_numeral(c: char) -> bool {
    digit(c).is_some() || small_unit(c).is_some()
}

/// Every run of numerals as digits: `二〇二五年十二月三十一日` is
/// `2025年12月31日`. A run with a unit is a number, one without is spelt out.
pub fn spelt_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars() {
        if is_numeral(c) {
            run.push(c);
            continue;
        }
        end_run(&mut run, &mut out);
        out.push(c);
    }
    end_run(&mut run, &mut out);
    out
}

fn end_run(run: &mut String, out: &mut String) {
    if run.is_empty() {
        return;
    }
    match run.chars().any(|c| small_unit(c).is_some()) {
        true => out.push_str(&below_ten_thousand(run).to_string()),
        false => {
            for c in run.chars() {
                out.extend(digit(c).and_then(|d| char::from_digit(d as u32, 10)));
            }
        }
    }
    run.clear();
}

/// 三百零五 is 305, 十二 is 12.
fn below_ten_thousand(run: &str) -> i64 {
    let (mut sum, mut last) = (0, None);
    for c in run.chars() {
        if let Some(d) = digit(c) {
            last = Some(d);
        } else if let Some(unit) = small_unit(c) {
            sum += last.take().unwrap_or(1) * unit;
        }
    }
    sum + last.unwrap_or(0)
}

/// An amount in words, in hundredths: 壹万贰仟叁佰元伍角整 is 1,230,050.
/// `None` where it is anything else.
pub fn amount_in_hundredths(text: &str) -> Option<i64> {
    let text = text.trim_end_matches(['整', '正']);
    if !text.chars().any(|c| digit(c).is_some()) {
        return None;
    }
    let (mut yuan, mut hundredths, mut section, mut run) = (0i64, 0i64, 0i64, String::new());
    let mut has_unit = false;
    for c in text.chars() {
        if is_numeral(c) {
            has_unit |= small_unit(c).is_some();
            run.push(c);
            continue;
        }
        let value = below_ten_thousand(&run);
        has_unit = true;
        match c {
            '万' | '萬' => section = (section + value).checked_mul(10_000)?,
            '亿' | '億' => {
                yuan = yuan.checked_add((section + value).checked_mul(100_000_000)?)?;
                section = 0;
            }
            '元' | '圆' => {
                yuan = yuan.checked_add(section + value)?;
                section = 0;
            }
            '角' => hundredths += value * 10,
            '分' => hundredths += value,
            _ => return None,
        }
        run.clear();
    }
    // Digits without any unit are a number of something, not an amount.
    if !has_unit || run.chars().count() > 8 {
        return None;
    }
    yuan.checked_add(section + below_ten_thousand(&run))?
        .checked_mul(100)?
        .checked_add(hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_become_digits() {
        for (text, expected) in [
            ("二〇二五年三月五日", "2025年3月5日"),
            ("二零二五年十二月三十一日", "2025年12月31日"),
            ("十月二十日", "10月20日"),
            ("2025年三月五日", "2025年3月5日"),
            ("三百零五", "305"),
        ] {
            assert_eq!(spelt_out(text), expected);
        }
    }

    #[test]
    fn amounts_in_words() {
        for (text, expected) in [
            ("壹万贰仟叁佰元整", Some(1_230_000)),
            ("叁佰零伍元伍角贰分", Some(30_552)),
            ("一亿二千万", Some(12_000_000_000)),
            ("五百", Some(50_000)),
            ("二〇二五", None),
            ("元", None),
            ("三个", None),
        ] {
            assert_eq!(amount_in_hundredths(text), expected, "{text}");
        }
    }
}
