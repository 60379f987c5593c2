//! The one error type of this crate, its stable codes and its texts in both
//! languages. Status codes belong to `server`.

use keji_schema::value::Value;
use serde::Serialize;
use thiserror::Error;

use crate::import::{ImportError, Mapping};
use crate::messages::{Language, phrases};

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
    #[error("{name}: {en}")]
    Argument {
        name: &'static str,
        zh: String,
        en: String,
    },
    /// Records that cannot be read or written as asked.
    #[error("{}", .0.en)]
    Record(Box<RecordProblem>),
    /// A file or folder that the caller named cannot be used as it is.
    #[error("{path}: {source}")]
    File {
        path: String,
        source: std::io::Error,
    },
    /// Not possible in the present state, for example undoing twice.
    #[error("{en}")]
    State {
        code: &'static str,
        zh: String,
        en: String,
    },
    /// The caller's role does not allow it.
    #[error("{en}")]
    Forbidden { zh: String, en: String },
    /// Who it is was not proven: a wrong password, an ended session.
    #[error("{en}")]
    SignedOut {
        code: &'static str,
        zh: String,
        en: String,
    },
    /// More bytes than the server takes.
    #[error("the file is larger than {} MB, the most that this server takes", .limit_bytes / 1_000_000)]
    TooLarge { limit_bytes: u64 },
    #[error("too many tries: wait {seconds} seconds")]
    TooMany { seconds: u64 },
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

/// What keeps records from being read or written. Wrong values are told all
/// at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProblem {
    /// `not_found`, `duplicate`, `in_use`, `read_only`, `version`,
    /// `key_reused` or, of wrong values and parameters, `fields`.
    pub code: &'static str,
    pub zh: String,
    pub en: String,
    pub fields: Vec<FieldFault>,
    /// Of `version`: the present one.
    pub version: Option<i64>,
}

/// One field or parameter and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Of several operations: which one, from 0.
    pub index: Option<usize>,
    pub field: String,
    /// `unknown_field`, `required`, `value`, `option`, `too_long`, `link`,
    /// `duplicate` …
    pub code: &'static str,
    pub zh: String,
    pub en: String,
}

/// The same in one language.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FieldText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    pub field: String,
    pub code: &'static str,
    pub detail: String,
}

impl FieldFault {
    pub(crate) fn new(
        field: impl Into<String>,
        code: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> FieldFault {
        FieldFault {
            index: None,
            field: field.into(),
            code,
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// Of a parameter that another error tells about.
    pub(crate) fn of(field: &str, problem: &Error) -> FieldFault {
        let [zh, en] = [Language::Zh, Language::En].map(|language| problem.text(language));
        FieldFault::new(field, problem.code(), zh, en)
    }

    pub(crate) fn at(self, index: Option<usize>) -> FieldFault {
        FieldFault { index, ..self }
    }

    fn text(&self, language: Language) -> FieldText {
        FieldText {
            index: self.index,
            field: self.field.clone(),
            code: self.code,
            detail: language.pick(&self.zh, &self.en).to_owned(),
        }
    }
}

impl From<Vec<FieldFault>> for Error {
    /// All of them in one sentence.
    fn from(fields: Vec<FieldFault>) -> Error {
        let said = |language: Language, colon: &str, between: &str| {
            let all = fields.iter().map(|fault| {
                let place = match fault.index {
                    Some(index) => format!("operations[{index}].{}", fault.field),
                    None => fault.field.clone(),
                };
                format!("`{place}`{colon}{}", language.pick(&fault.zh, &fault.en))
            });
            all.collect::<Vec<_>>().join(between)
        };
        Error::Record(Box::new(RecordProblem {
            code: "fields",
            zh: said(Language::Zh, "：", "；"),
            en: said(Language::En, ": ", "; "),
            fields,
            version: None,
        }))
    }
}

impl From<FieldFault> for Error {
    fn from(fault: FieldFault) -> Error {
        vec![fault].into()
    }
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Box<Mapping>>,
}

impl Error {
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    /// Of a file or folder that the caller named: what naming another one, or
    /// mending it, would help is the caller's to do.
    pub fn named(path: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        use std::io::ErrorKind as K;
        let path = path.into();
        move |source| match source.kind() {
            K::NotFound
            | K::PermissionDenied
            | K::AlreadyExists
            | K::IsADirectory
            | K::NotADirectory
            | K::DirectoryNotEmpty
            | K::InvalidFilename
            | K::InvalidInput
            | K::InvalidData
            | K::UnexpectedEof
            | K::ReadOnlyFilesystem => Error::File { path, source },
            _ => Error::Io { what: path, source },
        }
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
            Error::Store(keji_store::Error::OutOfReach { .. }) => "forbidden",
            Error::Store(keji_store::Error::Refused { .. }) => "read_only",
            Error::Store(keji_store::Error::Duplicate { .. }) => "duplicate",
            Error::Store(keji_store::Error::InUse { .. }) => "in_use",
            Error::Store(keji_store::Error::NotFound { .. }) => "not_found",
            Error::Store(keji_store::Error::Full) => "full",
            Error::Store(_) => "store",
            Error::Metrics(keji_metrics::Error::Schema(problem)) => schema_code(problem),
            Error::Metrics(_) => "metrics",
            Error::Models(_) => "models",
            Error::Import(problem) => problem.code(),
            Error::NeedsMapping(_) => "needs_mapping",
            Error::NotFound { .. } => "not_found",
            Error::Argument { .. } => "argument",
            Error::Record(problem) => problem.code,
            Error::File { .. } => "file",
            Error::State { code, .. } | Error::SignedOut { code, .. } => code,
            Error::Forbidden { .. } => "forbidden",
            Error::TooLarge { .. } => "too_large",
            Error::TooMany { .. } => "too_many_tries",

            Error::Cancelled => "cancelled",
            Error::Io { .. } => "io",
            Error::Internal(_) => "internal",
        }
    }

    /// Whether the caller's rights are what it failed for.
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Error::Forbidden { .. } | Error::Store(keji_store::Error::OutOfReach { .. })
        )
    }

    /// Whether mending the call or its input would help.
    pub fn is_callers_fault(&self) -> bool {
        match self {
            Error::Import(problem) => !matches!(problem, ImportError::Cancelled { .. }),
            Error::Schema(_)
            | Error::NeedsMapping(_)
            | Error::NotFound { .. }
            | Error::Argument { .. }
            | Error::Record(_)
            | Error::File { .. }
            | Error::State { .. }
            | Error::Forbidden { .. }
            | Error::SignedOut { .. }
            | Error::TooLarge { .. }
            | Error::TooMany { .. } => true,
            Error::Metrics(problem) => matches!(problem, keji_metrics::Error::Schema(_)),
            Error::Store(problem) => matches!(
                problem,
                keji_store::Error::Schema(_)
                    | keji_store::Error::Query(_)
                    | keji_store::Error::OutOfReach { .. }
                    | keji_store::Error::Refused { .. }
                    | keji_store::Error::NotFound { .. }
                    | keji_store::Error::Duplicate { .. }
                    | keji_store::Error::InUse { .. }
                    | keji_store::Error::Required { .. }
                    | keji_store::Error::Invalid { .. }
                    | keji_store::Error::Rule { .. }
                    | keji_store::Error::Newer { .. }
            ),
            Error::Models(_) | Error::Cancelled | Error::Io { .. } | Error::Internal(_) => false,
        }
    }

    /// One or more sentences for a person: what happened, where, what to do.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::En => match self {
                Error::Import(problem) => problem.text(language),
                Error::File { path, source } => format!("{path}: {}", io_text(source, language)),
                Error::Io { what, source } => format!("{what}: {}", io_text(source, language)),
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
            Error::Store(problem) | Error::Metrics(keji_metrics::Error::Store(problem)) => {
                store_zh(problem)
            }
            Error::Metrics(problem) => format!("计算指标时出错：{problem}"),
            Error::Models(problem) => format!("模型无法计算：{problem}"),
            Error::Import(problem) => problem.text(Language::Zh),
            Error::NeedsMapping(_) => "文件的列需要人确认一下再导入".to_owned(),
            Error::NotFound { kind, id } => format!("没有这个{}：{id}", word(kind)),
            Error::Argument { name, zh, .. } => format!("参数 `{name}` 不对：{zh}"),
            Error::Record(problem) => problem.zh.clone(),
            Error::File { path, source } => {
                format!("{}：{}", word(path), io_text(source, Language::Zh))
            }
            Error::State { zh, .. } | Error::Forbidden { zh, .. } | Error::SignedOut { zh, .. } => {
                zh.clone()
            }
            Error::TooMany { seconds } => format!("试得太多了，请等 {seconds} 秒"),
            Error::TooLarge { limit_bytes } => {
                let most = limit_bytes / 1_000_000;
                format!("文件超过 {most} MB，这是本服务收文件的上限")
            }
            Error::Cancelled => "已取消".to_owned(),
            Error::Io { what, source } => {
                format!("读写 {what} 时出错：{}", io_text(source, Language::Zh))
            }
            Error::Internal(_) => "程序内部出错，详情见日志".to_owned(),
        }
    }

    pub fn problem(&self, language: Language) -> ProblemText {
        let code = self.code();
        ProblemText {
            kind: format!("/problems/{}", code.replace('_', "-")),
            title: match self {
                Error::State { .. } => state_title(language),
                _ => title(code, language),
            }
            .to_owned(),
            detail: self.text(language),
            code,
            at: match self {
                Error::Import(problem) => problem.place().into_iter().collect(),
                _ => Vec::new(),
            },
            fields: match self {
                Error::Record(problem) => {
                    let fields = problem.fields.iter();
                    fields.map(|fault| fault.text(language)).collect()
                }
                Error::Argument { name, zh, en } => vec![FieldText {
                    index: None,
                    field: (*name).to_owned(),
                    code: "argument",
                    detail: language.pick(zh, en).to_owned(),
                }],
                _ => Vec::new(),
            },
            version: match self {
                Error::Record(problem) => problem.version,
                _ => None,
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
        } => format!("定义文件 {file} 第 {line} 行：{}", said(message)),
        E::Expression { text, message } => format!("条件 `{text}` 有误：{}", said(message)),
        E::Unknown { kind, name } => format!("没有这个{}：{name}", word(kind)),
        E::Value { text, wanted } => format!("`{text}` 不是{}", word(wanted)),
        E::Overflow(number) => format!("数字太大：{}", word(number)),
        E::Question(message) => format!("这个问题不能这样问：{}", said(message)),
    }
}

fn store_zh(problem: &keji_store::Error) -> String {
    use keji_store::Error as E;
    match problem {
        E::Schema(problem) => schema_zh(problem),
        E::NotFound { object, id } => format!("没有这个{}：{id}", word(object)),
        E::Duplicate { object, field } => format!("已有别的 {object} 用了同样的 `{field}`"),
        E::InUse { object, id, by } => format!("{object} {id} 还被 `{by}` 的记录引用"),
        E::Required { object, field } => format!("`{object}.{field}` 必须填写"),
        E::Version {
            object,
            id,
            expected,
            present,
        } => format!("{object} {id} 的版本是 {present}，不是 {expected}"),
        E::Moved { field, .. } => format!("`{field}` 刚被别人改过"),
        E::KeyReused(key) => format!("键 `{key}` 已用于别的请求"),
        E::Invalid {
            object,
            field,
            value,
            ..
        } => format!("`{object}.{field}` 不能是 {value}"),
        E::Rule { zh, .. } => zh.clone(),
        E::OutOfReach { object } => {
            format!("这样写，`{object}` 的记录就归了您不能写的人")
        }
        E::Refused { object, by } => format!("`{object}` 只能由 `{by}` 写入"),
        E::Query(message) => said(message),
        E::Batch { id, state } => format!("批次 {id} 的状态是 {}", word(state)),
        E::Missing { kind, id } => format!("没有这个{}：{id}", word(kind)),
        E::Merge(_) => "这两条记录不能这样合并或撤销".to_owned(),
        E::Cancelled => "已取消".to_owned(),
        E::LeaseLost(id) => format!("任务 {id} 已由别的进程接手"),
        E::Outdated(_) => "数据刚被别处改过，请再试一次".to_owned(),
        E::Drop(fields) => format!("定义里没有了 {fields}，但库里还有它们的数据；要删除须明确说明"),
        E::TypeChange {
            object,
            field,
            stored,
            wanted,
        } => format!("`{object}.{field}` 存的是 {stored}，不能变成 {wanted}；请给新字段另取名字"),
        E::Newer { stored, known } => {
            format!("数据由更新的版本写成（{stored}，本程序认得 {known}），请换用新版本")
        }
        E::Busy => "数据库正忙：别的程序写得太久，请稍后再试".to_owned(),
        E::Unreachable(_) => "连不上数据库：请检查地址和端口，确认数据库已启动".to_owned(),
        E::Full => "磁盘已满，什么都没有改动".to_owned(),
        E::Corrupt(message) => format!("数据库已损坏：{}", said(message)),
        E::Database(problem) => format!("数据库出错：{problem}"),
        E::Io { what, source } => {
            format!("读写 {what} 时出错：{}", io_text(source, Language::Zh))
        }
    }
}

/// A sentence of the crates below in Chinese; as it is where it is not known.
fn said(english: &str) -> String {
    phrases::chinese(english).unwrap_or_else(|| english.to_owned())
}

fn word(english: &str) -> &str {
    phrases::word(english).unwrap_or(english)
}

/// What the system, or one of our own checks, says of a file.
pub(crate) fn io_text(problem: &std::io::Error, language: Language) -> String {
    use std::io::ErrorKind as K;
    let (zh, en) = match problem.kind() {
        // In words of our own.
        _ if problem.get_ref().is_some() => {
            let english = problem.to_string();
            return match language {
                Language::Zh => said(&english),
                Language::En => english,
            };
        }
        K::NotFound => ("没有这个文件或文件夹", "there is no such file or folder"),
        K::PermissionDenied => ("没有权限", "not permitted"),
        K::AlreadyExists => ("已经有同名的文件", "there is a file of that name already"),
        K::IsADirectory => ("这是文件夹，不是文件", "this is a folder, not a file"),
        K::NotADirectory => ("路径中有一段不是文件夹", "a part of the path is no folder"),
        K::ReadOnlyFilesystem => ("这个位置只能读", "this place is read-only"),
        K::StorageFull | K::QuotaExceeded => ("磁盘已满", "the disk is full"),
        K::InvalidFilename => ("名称太长或不合规", "the name is too long or not allowed"),
        _ => return problem.to_string(),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
    .to_owned()
}

fn state_title(language: Language) -> &'static str {
    match language {
        Language::Zh => "现在不能这样做",
        Language::En => "Not possible as things are",
    }
}

fn title(code: &str, language: Language) -> &'static str {
    let (zh, en) = match code {
        "not_found" => ("没有找到", "Not found"),
        "fields" => ("有些值不对", "Some values do not hold"),
        "duplicate" => ("已经有了", "There is one already"),
        "in_use" => ("还在使用", "Still in use"),
        "read_only" => ("不能这样写入", "Not written this way"),
        "version" => ("记录已被改动", "The record was changed"),
        "key_reused" => ("这个键已用于别的请求", "The key was used already"),
        "file" => ("文件或文件夹用不了", "The file or folder cannot be used"),
        "needs_mapping" => ("需要确认列的含义", "The columns need a look"),
        "unknown_name" => ("名称不存在", "Unknown name"),
        "expression" => ("条件写得不对", "The condition does not hold"),
        "question" | "metrics" => ("无法回答这个问题", "The question cannot be answered"),
        "argument" | "value" | "overflow" => ("参数不对", "Wrong argument"),
        "cancelled" => ("已取消", "Cancelled"),
        "forbidden" => ("没有权限", "Not allowed"),
        "wrong_login" | "needs_totp" => ("没有登录成功", "Not signed in"),
        "too_many_tries" => ("请稍等", "Please wait"),
        "too_large" => ("文件太大", "The file is too large"),
        "full" => ("磁盘已满", "The disk is full"),
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
