//! The only place that knows status codes: every error of the product as
//! RFC 9457 problem+json, in the caller's language.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keji_app::messages::{Language, phrases};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Stable, one for each code.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened, where, and what to do, in the caller's language.
    pub detail: String,
    pub code: String,
    /// Where in a file.
    pub at: Vec<PlaceBody>,
    /// The fields and parameters that do not hold, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// Of code `version`: the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The proposed mapping, with code `needs_mapping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<super::routes::imports::Mapping>)]
    pub mapping: Option<serde_json::Value>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceBody {
    pub file: String,
    pub row: Option<u64>,
    pub column: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Of several operations: which one, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    pub field: String,
    pub code: String,
    pub detail: String,
}

/// An error on its way out.
#[derive(Debug)]
pub struct Problem {
    body: Box<ProblemBody>,
    /// Seconds after which another try makes sense.
    wait: Option<u64>,
}

pub type Answer<T> = Result<T, Problem>;

impl Problem {
    pub fn of(problem: keji_app::Error, language: Language) -> Problem {
        use keji_app::Error as E;
        let status = match &problem {
            E::NotFound { .. } => StatusCode::NOT_FOUND,
            other if other.is_forbidden() => StatusCode::FORBIDDEN,
            E::SignedOut { .. } => StatusCode::UNAUTHORIZED,
            E::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            E::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            other if other.code() == "full" => StatusCode::INSUFFICIENT_STORAGE,
            E::Record(problem) => match problem.code {
                "not_found" => StatusCode::NOT_FOUND,
                "duplicate" | "in_use" | "read_only" => StatusCode::CONFLICT,
                "version" => StatusCode::PRECONDITION_FAILED,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
            E::State { .. } => StatusCode::CONFLICT,
            E::Cancelled => StatusCode::CONFLICT,
            other if other.is_callers_fault() => StatusCode::UNPROCESSABLE_ENTITY,
            other => {
                tracing::error!(error = ?other, "a request failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let wait = match &problem {
            E::TooMany { seconds } => Some(*seconds),
            _ => None,
        };
        let hides_cause = status == StatusCode::INTERNAL_SERVER_ERROR;
        let text = problem.problem(language);
        let detail = match (hides_cause, language) {
            (false, _) => text.detail,
            (true, Language::Zh) => "服务内部出错，详情在服务日志里".to_owned(),
            (true, Language::En) => {
                "something failed inside; the server's log has the details".to_owned()
            }
        };
        Problem {
            wait,
            body: Box::new(ProblemBody {
                kind: text.kind,
                title: text.title,
                status: status.as_u16(),
                detail,
                code: text.code.to_owned(),
                at: text
                    .at
                    .into_iter()
                    .map(|p| PlaceBody {
                        file: p.file,
                        row: p.row,
                        column: p.column,
                    })
                    .collect(),
                fields: text
                    .fields
                    .into_iter()
                    .map(|f| FieldProblem {
                        index: f.index,
                        field: f.field,
                        code: f.code.to_owned(),
                        detail: f.detail,
                    })
                    .collect(),
                version: text.version,
                mapping: text.mapping.and_then(|m| serde_json::to_value(m).ok()),
            }),
        }
    }

    fn plain(status: StatusCode, code: &str, title: &str, detail: String) -> Problem {
        Problem {
            wait: None,
            body: Box::new(ProblemBody {
                kind: format!("/problems/{}", code.replace('_', "-")),
                title: title.to_owned(),
                status: status.as_u16(),
                detail,
                code: code.to_owned(),
                at: Vec::new(),
                fields: Vec::new(),
                version: None,
                mapping: None,
            }),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The language that the caller asked for.
#[derive(Debug, Clone, Copy)]
pub struct Speaks(pub Language);

impl Speaks {
    pub fn of(headers: &HeaderMap) -> Speaks {
        let wanted = headers.get(header::ACCEPT_LANGUAGE);
        let wanted = wanted.and_then(|v| v.to_str().ok());
        Speaks(wanted.map_or(Language::Zh, Language::preferred))
    }

    /// Turns the product's error into an answer in this language.
    pub fn problem(self) -> impl FnOnce(keji_app::Error) -> Problem {
        move |problem| Problem::of(problem, self.0)
    }

    pub fn foreign_request(self, what: &str) -> Problem {
        Problem::plain(
            StatusCode::FORBIDDEN,
            "foreign_request",
            self.0.pick(
                "请求不是本机页面发出的",
                "Not a request of this server's own",
            ),
            match self.0 {
                Language::Zh => format!("请求头 {what} 不是本服务自己的地址"),
                Language::En => format!("the header {what} is not this server's own address"),
            },
        )
    }

    pub fn signed_out(self) -> Problem {
        Problem::plain(
            StatusCode::UNAUTHORIZED,
            "signed_out",
            self.0.pick("请先登录", "Not signed in"),
            self.0
                .pick(
                    "没有登录，或登录已经过期；程序请用令牌",
                    "nobody is signed in, or the session has ended; programs use a token",
                )
                .to_owned(),
        )
    }

    pub fn too_many_requests(self, seconds: u64) -> Problem {
        let mut problem = Problem::plain(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            self.0.pick("请求太多", "Too many requests"),
            match self.0 {
                Language::Zh => format!("请求太多了，请等 {seconds} 秒"),
                Language::En => format!("too many requests: wait {seconds} seconds"),
            },
        );
        problem.wait = Some(seconds);
        problem
    }

    pub fn no_such_path(self, path: &str) -> Problem {
        Problem::plain(
            StatusCode::NOT_FOUND,
            "no_such_path",
            self.0.pick("没有这个地址", "No such address"),
            path.to_owned(),
        )
    }

    pub fn no_such_method(self, method: &Method, path: &str) -> Problem {
        Problem::plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "no_such_method",
            self.0
                .pick("这个地址不能这样用", "The address is not used like that"),
            match self.0 {
                Language::Zh => format!("{path} 不支持 {method}"),
                Language::En => format!("{path} does not take {method}"),
            },
        )
    }

    pub fn unknown_parameter(self, name: &str, known: &[String]) -> Problem {
        let known = known.join(self.0.pick("、", ", "));
        let detail = match (self.0, known.is_empty()) {
            (Language::Zh, true) => format!("没有参数 `{name}`；这个地址不用参数"),
            (Language::Zh, false) => format!("没有参数 `{name}`；可用的有 {known}"),
            (Language::En, true) => format!("there is no parameter `{name}`; there are none here"),
            (Language::En, false) => format!("there is no parameter `{name}`; there are {known}"),
        };
        let title = self.0.pick("没有这个参数", "No such parameter");
        let code = "unknown_parameter";
        let mut problem = Problem::plain(StatusCode::BAD_REQUEST, code, title, detail.clone());
        problem.body.fields = vec![FieldProblem {
            index: None,
            field: name.to_owned(),
            code: code.to_owned(),
            detail,
        }];
        problem
    }

    /// No text has this character, which PostgreSQL does not store and which
    /// would end a name elsewhere.
    fn zero(self) -> Problem {
        Problem::plain(
            StatusCode::UNPROCESSABLE_ENTITY,
            "malformed",
            self.0.pick("请求格式不对", "The request is malformed"),
            self.0
                .pick(
                    "文字里有零字符（U+0000）",
                    "a text holds the character zero (U+0000)",
                )
                .to_owned(),
        )
    }

    /// `english` is what the framework says of it.
    pub fn malformed(self, status: StatusCode, english: String) -> Problem {
        let english = without_value(english);
        let code = "malformed";
        let fields = wrong_field(&english).map(|(field, said)| FieldProblem {
            index: None,
            field,
            code: code.to_owned(),
            detail: self.said(said, ("写法不对", said)),
        });
        let title = self.0.pick("请求格式不对", "The request is malformed");
        let detail = self.said(&english, ("请求的地址或内容读不懂", &english));
        let mut problem = Problem::plain(status, code, title, detail);
        problem.body.fields = fields.into_iter().collect();
        problem
    }

    /// An English sentence in the caller's language, or the words for one that
    /// is not known.
    fn said(self, english: &str, (zh, en): (&str, &str)) -> String {
        match self.0 {
            Language::Zh => phrases::chinese(english).unwrap_or_else(|| zh.to_owned()),
            Language::En => en.to_owned(),
        }
    }

    /// A key that would be ignored lets its sender believe that he may send the
    /// request again.
    pub fn no_key(self, path: &str) -> Problem {
        let detail = match self.0 {
            Language::Zh => format!(
                "{path} 不认 `Idempotency-Key`：请求重发会再做一次；请去掉它，重发之前先看是否已经做了"
            ),
            Language::En => format!(
                "{path} does not take an `Idempotency-Key`: sent again, the request is done again; \
                 leave it out, and look whether it was done before you send it again"
            ),
        };
        let (code, title) = (
            "no_idempotency_key",
            self.0
                .pick("这里不认这个请求头", "The header is not taken here"),
        );
        let mut problem = Problem::plain(StatusCode::BAD_REQUEST, code, title, detail.clone());
        problem.body.fields = vec![FieldProblem {
            index: None,
            field: "Idempotency-Key".to_owned(),
            code: code.to_owned(),
            detail,
        }];
        problem
    }
}

/// The field or parameter of which the framework speaks, and what it says:
/// `departments[0].id: invalid type: …`, or only the name in `missing field`.
fn wrong_field(english: &str) -> Option<(String, &str)> {
    const STARTS: [&str; 2] = [
        "Failed to deserialize the JSON body into the target type: ",
        "Failed to deserialize query string: ",
    ];
    let said = STARTS
        .iter()
        .find_map(|start| english.strip_prefix(start))?;
    let said = said.split(" at line ").next().unwrap_or(said);
    let is_path = |text: &str| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_-.[]".contains(&b);
        !text.is_empty() && text.bytes().all(is_part)
    };
    let (path, said) = match said.split_once(": ") {
        Some((path, rest)) if is_path(path) => (path, rest),
        _ => ("", said),
    };
    // The path leads to where the field should be; an unknown one is in it.
    let missing = said.strip_prefix("missing field `");
    let named = missing.or_else(|| match path {
        "" => said.strip_prefix("unknown field `"),
        _ => None,
    });
    let name = named.and_then(|rest| rest.split('`').next());
    let field = match (path, name) {
        ("", None) => return None,
        ("", Some(name)) => name.to_owned(),
        (path, None) => path.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
    };
    Some((field, said))
}

/// The character zero in an address.
const ZERO: &str = "%00";

/// Whether a text of this JSON holds the character zero, which can only stand
/// there as `\\u0000`.
fn has_zero(json: &[u8]) -> bool {
    const ESCAPE: &[u8] = b"\\u0000";
    let found = json.windows(ESCAPE.len()).enumerate();
    found.filter(|(_, w)| *w == ESCAPE).any(|(at, _)| {
        // After an odd number of others this one is escaped itself.
        let others = json[..at].iter().rev().take_while(|b| **b == b'\\');
        others.count() % 2 == 0
    })
}

/// The framework quotes a value of the wrong type, which may be a password in
/// the wrong place: `invalid type: string "…", expected u32` without the value.
fn without_value(english: String) -> String {
    for start in ["invalid type: ", "invalid value: "] {
        let Some((before, rest)) = english.split_once(start) else {
            continue;
        };
        // The last one: the value may hold the word itself.
        if let Some((value, expected)) = rest.rsplit_once(", expected ") {
            let kind = value.split(['"', '`']).next().unwrap_or_default();
            return format!("{before}{start}{}, expected {expected}", kind.trim_end());
        }
    }
    english
}

impl<S: Sync> FromRequestParts<S> for Speaks {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Speaks::of(&parts.headers))
    }
}

/// JSON bodies whose errors are problems too.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let speaks = Speaks::of(request.headers());
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = match Bytes::from_request(whole, state).await {
            Ok(bytes) => bytes,
            Err(e) => return Err(speaks.malformed(e.status(), e.body_text())),
        };
        // The values of a record name the field that is wrong.
        let path = parts.uri.path();
        let is_record = path.starts_with("/api/records/") && !path.ends_with("/reveal")
            || path.starts_with("/api/forms/");
        if !is_record && has_zero(&bytes) {
            return Err(speaks.zero());
        }
        let request = Request::from_parts(parts, bytes.into());
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Body(body)),
            Err(e) => Err(speaks.malformed(e.status(), e.body_text())),
        }
    }
}

/// Query strings whose errors are problems too.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        if parts.uri.query().is_some_and(|text| text.contains(ZERO)) {
            return Err(Speaks::of(&parts.headers).zero());
        }
        match extract::Query::from_request_parts(parts, state).await {
            Ok(extract::Query(query)) => Ok(Query(query)),
            Err(e) => Err(Speaks::of(&parts.headers).malformed(e.status(), e.body_text())),
        }
    }
}

/// Path parameters whose errors are problems too.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        if parts.uri.path().contains(ZERO) {
            return Err(Speaks::of(&parts.headers).zero());
        }
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(path)) => Ok(Path(path)),
            Err(e) => Err(Speaks::of(&parts.headers).malformed(e.status(), e.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{has_zero, without_value, wrong_field};

    #[test]
    fn the_wrong_field_is_named() {
        let body = "Failed to deserialize the JSON body into the target type: ";
        let query = "Failed to deserialize query string: ";
        for (start, said, field) in [
            (
                body,
                "login: invalid type: integer, expected a string at line 1 column 10",
                Some("login"),
            ),
            (
                body,
                "missing field `login` at line 1 column 2",
                Some("login"),
            ),
            (
                body,
                "roles[0].of: missing field `id` at line 1 column 9",
                Some("roles[0].of.id"),
            ),
            (
                body,
                "nope: unknown field `nope`, expected one of `a`, `b` at line 1 column 7",
                Some("nope"),
            ),
            (
                body,
                "unknown field `nope`, expected `a` or `b`",
                Some("nope"),
            ),
            (
                body,
                "invalid type: sequence, expected struct A at line 1 column 1",
                None,
            ),
            (query, "limit: invalid digit found in string", Some("limit")),
            ("", "Invalid URL: Cannot parse `abc` to a `i64`", None),
        ] {
            let found = wrong_field(&format!("{start}{said}")).map(|(field, _)| field);
            assert_eq!(found.as_deref(), field, "{said}");
        }
    }

    #[test]
    fn the_character_zero_is_found_where_it_is_one() {
        assert!(has_zero(br#"{"a":"x\u0000"}"#));
        assert!(has_zero(br#"{"a":"\\\u0000"}"#));
        assert!(!has_zero(br#"{"a":"\\u0000"}"#));
        assert!(!has_zero(br#"{"a":"\u0001 0000"}"#));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_told_back() {
        for (said, told) in [
            (
                r#"login: invalid type: string "a, expected b \"secret\"", expected u32 at line 1"#,
                "login: invalid type: string, expected u32 at line 1",
            ),
            (
                "a: invalid type: integer `4711`, expected a string",
                "a: invalid type: integer, expected a string",
            ),
            (
                "invalid type: map, expected a string",
                "invalid type: map, expected a string",
            ),
            (
                r#"invalid value: string "4711", expected a date"#,
                "invalid value: string, expected a date",
            ),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(without_value(said.to_owned()), told);
        }
    }
}
