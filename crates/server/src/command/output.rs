//! How a command speaks: tables for people, one JSON document with `--json`,
//! errors on standard error in the person's language.

use keji_app::messages::Language;
use keji_schema::Value;
use serde::Serialize;

use super::{FAILED, NEEDS_YOU};

pub struct Output {
    pub is_json: bool,
    pub language: Language,
}

impl Output {
    pub fn new(is_json: bool, language: Language) -> Self {
        Output { is_json, language }
    }

    /// One of two texts, by the person's language.
    pub fn say<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.language.pick(zh, en)
    }

    /// A value in a table: more than three places of a probability or a mean
    /// say nothing to a reader. `--json` has them all.
    pub fn cell(&self, value: &Value) -> String {
        match value {
            Value::Float(x) => format!("{x:.3}"),
            other => keji_app::error::shown(other),
        }
    }

    pub fn json<T: Serialize>(&self, value: &T) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(value)?);
        Ok(())
    }

    /// A table with right-aligned numbers; wide characters count twice.
    pub fn table(&self, head: &[String], rows: &[Vec<String>]) {
        let n_columns = head.len();
        let mut widths: Vec<usize> = head.iter().map(|t| width(t)).collect();
        let mut is_number = vec![true; n_columns];
        for row in rows {
            for (i, cell) in row.iter().enumerate().take(n_columns) {
                widths[i] = widths[i].max(width(cell));
                is_number[i] &= cell.is_empty() || cell.parse::<f64>().is_ok();
            }
        }
        let line = |cells: &[String]| {
            let mut text = String::new();
            for (i, cell) in cells.iter().enumerate().take(n_columns) {
                let pad = " ".repeat(widths[i] - width(cell));
                let (before, after) = if is_number[i] {
                    (pad.as_str(), "")
                } else {
                    ("", pad.as_str())
                };
                text.push_str(before);
                text.push_str(cell);
                text.push_str(after);
                text.push_str("  ");
            }
            println!("{}", text.trim_end());
        };
        line(head);
        rows.iter().for_each(|row| line(row));
    }

    /// Says what went wrong and gives the exit code for it.
    pub fn problem(&self, problem: &anyhow::Error) -> u8 {
        let (code, body) = self.say_problem(problem);
        if self.is_json && !body.is_null() {
            println!("{}", serde_json::json!({ "error": body }));
        }
        code
    }

    /// The same without `--json`'s document, which is given back.
    pub fn say_problem(&self, problem: &anyhow::Error) -> (u8, serde_json::Value) {
        let Some(known) = problem.downcast_ref::<keji_app::Error>() else {
            eprintln!("keji: {problem:#}");
            return (FAILED, serde_json::Value::Null);
        };
        eprintln!("keji: {}", known.text(self.language));
        let code = match known.is_callers_fault() {
            true => NEEDS_YOU,
            false => FAILED,
        };
        (code, serde_json::json!(known.problem(self.language)))
    }
}

fn width(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if ('\u{1100}'..='\u{ffff}').contains(&c)
                && c != '\u{2026}'
                && !('\u{2000}'..'\u{2e80}').contains(&c)
            {
                2
            } else {
                1
            }
        })
        .sum()
}
