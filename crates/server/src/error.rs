//! The only place that knows status codes: every error of the product as
//! RFC 9457 problem+json, in the caller's language.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keji_app::messages::Language;
use serde::Serialize;
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

/// An error on its way out.
#[derive(Debug)]
pub struct Problem {
    body: Box<ProblemBody>,
}

pub type Answer<T> = Result<T, Problem>;

impl Problem {
    pub fn of(problem: keji_app::Error, language: Language) -> Problem {
        use keji_app::Error as E;
        let status = match &problem {
            E::NotFound { .. } => StatusCode::NOT_FOUND,
            E::State { .. } => StatusCode::CONFLICT,
            E::Cancelled => StatusCode::CONFLICT,
            other if other.is_callers_fault() => StatusCode::UNPROCESSABLE_ENTITY,
            other => {
                tracing::error!(error = ?other, "a request failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
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
                mapping: text.mapping.and_then(|m| serde_json::to_value(m).ok()),
            }),
        }
    }

    fn plain(status: StatusCode, code: &str, title: &str, detail: String) -> Problem {
        Problem {
            body: Box::new(ProblemBody {
                kind: format!("/problems/{}", code.replace('_', "-")),
                title: title.to_owned(),
                status: status.as_u16(),
                detail,
                code: code.to_owned(),
                at: Vec::new(),
                mapping: None,
            }),
        }
    }

    pub fn foreign_request(what: &str) -> Problem {
        Problem::plain(
            StatusCode::FORBIDDEN,
            "foreign_request",
            "请求不是本机页面发出的 / not a request of this server's own",
            format!("the header {what} is not this server's own address"),
        )
    }

    pub fn no_such_path(path: &str) -> Problem {
        Problem::plain(
            StatusCode::NOT_FOUND,
            "no_such_path",
            "没有这个地址 / no such address",
            path.to_owned(),
        )
    }

    pub fn malformed(status: StatusCode, detail: String) -> Problem {
        Problem::plain(
            status,
            "malformed",
            "请求格式不对 / the request is malformed",
            detail,
        )
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
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Problem::malformed(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Problem::malformed(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Problem::malformed(rejection.status(), rejection.body_text())
    }
}

/// The language that the caller asked for.
#[derive(Debug, Clone, Copy)]
pub struct Speaks(pub Language);

impl Speaks {
    /// Turns the product's error into an answer in this language.
    pub fn problem(self) -> impl FnOnce(keji_app::Error) -> Problem {
        move |problem| Problem::of(problem, self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Speaks {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let wanted = parts
            .headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok());
        Ok(Speaks(wanted.map_or(Language::Zh, Language::preferred)))
    }
}

/// JSON bodies whose errors are problems too.
#[derive(axum::extract::FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub struct Body<T>(pub T);

/// Query strings whose errors are problems too.
#[derive(axum::extract::FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Path parameters whose errors are problems too.
#[derive(axum::extract::FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);
