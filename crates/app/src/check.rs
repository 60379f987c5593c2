//! Proof that the place is whole: definitions by their examples, the database
//! by its own check, the log by its chain and by the backups that are kept, the
//! copy against the store, the bytes of files by their checksums.

use std::path::Path;

use serde::Serialize;

use crate::backup::anchor::{self, Anchor};
use crate::context::App;
use crate::error::Result;
use crate::messages::{Language, phrases};
use crate::permission::Caller;

#[derive(Debug, Serialize)]
pub struct CheckReport {
    pub findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    /// For programs: `definitions`, `store`, `log`, `copy` or `files`.
    pub what: &'static str,
    pub name: &'static str,
    pub is_good: bool,
    pub detail: String,
}

impl CheckReport {
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|f| f.is_good)
    }
}

/// `against` is a backup that is kept elsewhere: the log has to be the one that
/// is in it, gone on.
pub async fn run(
    app: &App,
    _caller: &Caller,
    against: Option<&Path>,
    language: Language,
) -> Result<CheckReport> {
    let mut findings = vec![definitions(app, language).await?];
    let problems = app.store.integrity_check().await?;
    findings.push(Finding {
        what: "store",
        name: language.pick("数据库", "the database"),
        is_good: problems.is_empty(),
        detail: if problems.is_empty() {
            language.pick("完好", "whole").to_owned()
        } else {
            let said = |problem: String| match language {
                Language::Zh => phrases::chinese(&problem).unwrap_or(problem),
                Language::En => problem,
            };
            joined(problems.into_iter().map(said), language)
        },
    });
    findings.push(log(app, against, language).await?);
    findings.push(copied(app, language).await?);
    findings.push(files(app, language).await?);
    Ok(CheckReport { findings })
}

async fn log(app: &App, against: Option<&Path>, language: Language) -> Result<Finding> {
    app.store.seal_log().await?;
    let proof = app.store.prove_log().await?;
    let mut wrong = Vec::new();
    if let Some(seq) = proof.broken {
        wrong.push(match language {
            Language::Zh => format!("第 {seq} 条之前的记录被改动过"),
            Language::En => format!("entries up to {seq} were changed afterwards"),
        });
    }
    let mut rewritten = anchor::missing(app).await?;
    if let Some(file) = against {
        let name = file.display().to_string();
        match (anchor::of_file(app, file).await?, language) {
            (Anchor::Holds, _) => {}
            (Anchor::Missing, _) => rewritten.push(name),
            (Anchor::None, Language::Zh) => {
                wrong.push(format!("备份 {name} 里没有变更记录的印记，无法比较"));
            }
            (Anchor::None, Language::En) => wrong.push(format!(
                "the backup {name} holds no seal of the log to compare with"
            )),
        }
    }
    wrong.extend(rewritten.iter().map(|name| match language {
        Language::Zh => format!("自备份 {name} 以来，变更记录被改写过，或这里是从更早的备份恢复的"),
        Language::En => format!(
            "the log was rewritten since backup {name}, or this place was restored from an \
             older one"
        ),
    }));
    Ok(Finding {
        what: "log",
        name: language.pick("变更记录", "the log of changes"),
        is_good: wrong.is_empty(),
        detail: match (wrong.is_empty(), language) {
            (true, Language::Zh) => format!("{} 条，前后相连", proof.n_entries),
            (true, Language::En) => {
                format!("{} entries, each after the one before", proof.n_entries)
            }
            (false, _) => joined(wrong.into_iter(), language),
        },
    })
}

async fn copied(app: &App, language: Language) -> Result<Finding> {
    use keji_metrics::Error::Store;
    let name = language.pick("列存副本与数据库一致", "the copy equals the database");
    let found = |is_good: bool, detail: String| Finding {
        what: "copy",
        name,
        is_good,
        detail,
    };
    match app.copy.refresh().await {
        Ok(_) => {}
        // A log that was cut short ends before the copy does: that is a
        // difference, and not all that there is to tell.
        Err(Store(keji_store::Error::Outdated(_))) => {
            let zh = "副本所到的位置在变更记录的末尾之后";
            let en = "the copy is further than the log of changes";
            return Ok(found(false, language.pick(zh, en).to_owned()));
        }
        Err(problem) => return Err(problem.into()),
    }
    let copy = app.copy.check().await?;
    if !copy.is_equal() {
        let differences = copy.differences.iter();
        let told = joined(differences.map(|d| difference(d, language)), language);
        return Ok(found(false, told));
    }
    let (rows, parts) = (copy.n_rows, copy.n_parts);
    let told = match language {
        Language::Zh => format!("{rows} 行，{parts} 个部分"),
        Language::En => format!("{rows} rows in {parts} parts"),
    };
    Ok(found(true, told))
}

async fn files(app: &App, language: Language) -> Result<Finding> {
    let check = app.store.check_contents(&app.contents).await?;
    let damage = |damage: &keji_store::ContentDamage| {
        let ids: Vec<String> = damage.records.iter().map(i64::to_string).collect();
        let ids = ids.join(language.pick("、", ", "));
        match (language, damage.is_missing) {
            (Language::Zh, true) => format!("附件 {ids} 的内容不见了"),
            (Language::Zh, false) => format!("附件 {ids} 的内容被改动过"),
            (Language::En, true) => format!("the content of file {ids} is missing"),
            (Language::En, false) => format!("the content of file {ids} was altered"),
        }
    };
    let (n, megabytes) = (check.n, check.bytes.div_ceil(1_000_000));
    Ok(Finding {
        what: "files",
        name: language.pick("附件内容", "the content of files"),
        is_good: check.damages.is_empty(),
        detail: match (check.damages.is_empty(), language) {
            (true, Language::Zh) => format!("{n} 份，{megabytes} MB"),
            (true, Language::En) => format!("{n}, {megabytes} MB"),
            (false, _) => joined(check.damages.iter().map(damage), language),
        },
    })
}

fn joined(all: impl Iterator<Item = String>, language: Language) -> String {
    all.collect::<Vec<_>>().join(language.pick("；", "; "))
}

fn difference(d: &keji_metrics::copy::Difference, language: Language) -> String {
    let month = d
        .month
        .map_or(String::new(), |m| format!(" {}", &m.to_string()[..7]));
    let (object, stored, copied) = (&d.object, d.store.n_rows, d.copy.n_rows);
    match (&d.damage, language) {
        (Some(damage), Language::Zh) => format!("{object}{month}：文件已损坏（{damage}）"),
        (Some(damage), Language::En) => format!("{object}{month}: {damage}"),
        (None, Language::Zh) if stored == copied => format!("{object}{month}：内容不同"),
        (None, Language::En) if stored == copied => format!("{object}{month}: other values"),
        (None, Language::Zh) => {
            format!("{object}{month}：数据库 {stored} 行，副本 {copied} 行")
        }
        (None, Language::En) => {
            format!("{object}{month}: {stored} rows in the store, {copied} in the copy")
        }
    }
}

async fn definitions(app: &App, language: Language) -> Result<Finding> {
    let mut n = 0;
    let mut wrong = Vec::new();
    for metric in app.catalog.metrics.values() {
        for outcome in keji_metrics::examples::run_examples(&app.engine, &app.catalog, metric).await
        {
            n += 1;
            if let Some(failure) = outcome.failure {
                let (metric, number) = (&outcome.metric, outcome.number);
                wrong.push(match language {
                    Language::Zh => format!("{metric} 的算例 {number}：{failure}"),
                    Language::En => format!("{metric} example {number}: {failure}"),
                });
            }
        }
    }
    Ok(Finding {
        what: "definitions",
        name: language.pick("定义", "definitions"),
        is_good: wrong.is_empty(),
        detail: if wrong.is_empty() {
            match language {
                Language::Zh => format!("{n} 个算例"),
                Language::En => format!("{n} worked examples"),
            }
        } else {
            joined(wrong.into_iter(), language)
        },
    })
}
