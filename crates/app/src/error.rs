//! The one error type of this crate, its stable codes and its texts in both
//! languages. Status codes belong to `server`.

use keji_schema::value::Value;
use serde::Serialize;
use thiserror::Error;

use crate::import::{ImportError, Mapping};
use crate::messages::Language;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Error)]
pub enum Error {
    /// A definition, expression or question that does not hold.
    #[error(transparent)]
    Schema(#[from] keji_schema::Error),
    #[error(transparent)]
    Store(#[from] keji_store::Error),
    #[error(transparent)]
    Metrics(#[from] keji_metrics::Error),
    #[error(transparent)]
    Models(#[from] keji_models::Error),
    /// A file that cannot be read as orders.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The proposed mapping is not sure enough to be taken unseen.
    #[error("the columns of the file need somebody to look at them")]
    NeedsMapping(Box<Mapping>),
    #[error("there is no {kind} {id}")]
    NotFound { kind: &'static str, id: String },
    /// The call itself is wrong: the name of the argument and what is wrong.
    #[error("{name}: {message}")]
    Argument { name: &'static str, message: String },
    /// Not possible in the present state, for example undoing twice.
    #[error("{en}")]
    State {
        code: &'static str,
        zh: String,
        en: String,
    },
    #[error("cancelled")]
    Cancelled,
    #[error("{what}: {source}")]
    Io {
        what: String,
        source: std::io::Error,
    },
    /// A defect of ours or of the machine; logged whole, shown vaguely.
    #[error("{0}")]
    Internal(String),
}

/// Where in a file something is wrong.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub row: Option<u64>,
    pub column: Option<String>,
}

/// What an error body carries, without its status.
#[derive(Debug, Clone, Serialize)]
pub struct ProblemText {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub code: &'static str,
    pub at: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Box<Mapping>>,
}

impl Error {
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    pub fn not_found(kind: &'static str, id: impl ToString) -> Error {
        Error::NotFound {
            kind,
            id: id.to_string(),
        }
    }

    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Schema(problem) | Error::Store(keji_store::Error::Schema(problem)) => {
                schema_code(problem)
            }
            Error::Store(_) => "store",
            Error::Metrics(keji_metrics::Error::Schema(problem)) => schema_code(problem),
            Error::Metrics(_) => "metrics",
            Error::Models(_) => "models",
            Error::Import(problem) => problem.code(),
            Error::NeedsMapping(_) => "needs_mapping",
            Error::NotFound { .. } => "not_found",
            Error::Argument { .. } => "argument",
            Error::State { code, .. } => code,
            Error::Cancelled => "cancelled",
            Error::Io { .. } => "io",
            Error::Internal(_) => "internal",
        }
    }

    /// Whether mending the call or its input would help.
    pub fn is_callers_fault(&self) -> bool {
        match self {
            Error::Schema(_)
            | Error::Import(_)
            | Error::NeedsMapping(_)
            | Error::NotFound { .. }
            | Error::Argument { .. }
            | Error::State { .. } => true,
            Error::Metrics(problem) => matches!(problem, keji_metrics::Error::Schema(_)),
            Error::Store(problem) => matches!(
                problem,
                keji_store::Error::Schema(_) | keji_store::Error::Query(_)
            ),
            Error::Models(_) | Error::Cancelled | Error::Io { .. } | Error::Internal(_) => false,
        }
    }

    /// One or more sentences for a person: what happened, where, what to do.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::En => match self {
                Error::Import(problem) => problem.text(language),
                other => other.to_string(),
            },
            Language::Zh => self.text_zh(),
        }
    }

    fn text_zh(&self) -> String {
        match self {
            Error::Schema(problem)
            | Error::Store(keji_store::Error::Schema(problem))
            | Error::Metrics(keji_metrics::Error::Schema(problem)) => schema_zh(problem),
            Error::Store(problem) => format!("数据存储出错：{problem}"),
            Error::Metrics(problem) => format!("计算指标时出错：{problem}"),
            Error::Models(problem) => format!("模型无法计算：{problem}"),
            Error::Import(problem) => problem.text(Language::Zh),
            Error::NeedsMapping(_) => "文件的列需要人确认一下再导入".to_owned(),
            Error::NotFound { kind, id } => format!("没有这个{}：{id}", kind_zh(kind)),
            Error::Argument { name, message } => format!("参数 {name} 不对：{message}"),
            Error::State { zh, .. } => zh.clone(),
            Error::Cancelled => "已取消".to_owned(),
            Error::Io { what, source } => format!("读写 {what} 时出错：{source}"),
            Error::Internal(_) => "程序内部出错，详情见日志".to_owned(),
        }
    }

    pub fn problem(&self, language: Language) -> ProblemText {
        let code = self.code();
        ProblemText {
            kind: format!("/problems/{}", code.replace('_', "-")),
            title: title(code, language).to_owned(),
            detail: self.text(language),
            code,
            at: match self {
                Error::Import(problem) => problem.place().into_iter().collect(),
                _ => Vec::new(),
            },
            mapping: match self {
                Error::NeedsMapping(mapping) => Some(mapping.clone()),
                _ => None,
            },
        }
    }
}

fn schema_code(problem: &keji_schema::Error) -> &'static str {
    use keji_schema::Error as E;
    match problem {
        E::Unknown { .. } => "unknown_name",
        E::Expression { .. } => "expression",
        E::Question(_) => "question",
        E::Value { .. } => "value",
        E::Definition { .. } => "definition",
        E::Overflow(_) => "overflow",
    }
}

fn schema_zh(problem: &keji_schema::Error) -> String {
    use keji_schema::Error as E;
    match problem {
        E::Definition {
            file,
            line,
            message,
        } => format!("定义文件 {file} 第 {line} 行：{message}"),
        E::Expression { text, message } => format!("条件 `{text}` 有误：{message}"),
        E::Unknown { kind, name } => format!("没有这个{}：{name}", kind_zh(kind)),
        E::Value { text, wanted } => format!("`{text}` 不是{}", wanted_zh(wanted)),
        E::Overflow(number) => format!("数字太大：{number}"),
        E::Question(message) => format!("这个问题不能这样问：{message}"),
    }
}

fn kind_zh(kind: &str) -> &str {
    match kind {
        "object" => "对象",
        "field" => "字段",
        "metric" => "指标",
        "dimension" => "维度",
        "customer" => "客户",
        "order" => "订单",
        "import" => "导入",
        "batch" => "批次",
        "job" => "任务",
        "evaluation" => "评估",
        "function" => "函数",
        other => other,
    }
}

fn wanted_zh(wanted: &str) -> &str {
    match wanted {
        "number" => "数字",
        "whole number" => "整数",
        "date" => "日期",
        "date and time" => "日期时间",
        other => other,
    }
}

fn title(code: &str, language: Language) -> &'static str {
    let (zh, en) = match code {
        "not_found" => ("没有找到", "Not found"),
        "needs_mapping" => ("需要确认列的含义", "The columns need a look"),
        "unknown_name" => ("名称不存在", "Unknown name"),
        "expression" => ("条件写得不对", "The condition does not hold"),
        "question" | "metrics" => ("无法回答这个问题", "The question cannot be answered"),
        "argument" | "value" | "overflow" => ("参数不对", "Wrong argument"),
        "cancelled" => ("已取消", "Cancelled"),
        "internal" | "store" | "io" | "models" | "definition" => {
            ("服务出错", "Something failed on our side")
        }
        _ => ("文件无法导入", "The file cannot be imported"),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

/// A short text of a value for tables and files; null is empty.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => d.to_string(),
        Value::Instant(t) => t.to_string(),
    }
}
