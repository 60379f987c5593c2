//! Files out: the list of customers, the answer to a question, an imported
//! file with scores beside its rows.

use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream as Pieces, try_unfold};
use jiff::civil::Date;
use keji_app::customers::ListCustomers;
use keji_app::export::{self, Format, RecordsWanted, Temporary};
use keji_schema::question::Question;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Query, Speaks};
use crate::who::Who;

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(customers))
        .routes(routes!(records))
        .routes(routes!(insight))
        .routes(routes!(rows))
        .routes(routes!(import))
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FormatName {
    Csv,
    Xlsx,
    Parquet,
}

impl FormatName {
    fn format(self) -> Format {
        match self {
            FormatName::Csv => Format::Csv,
            FormatName::Xlsx => Format::Xlsx,
            FormatName::Parquet => Format::Parquet,
        }
    }

    /// Content type and file ending.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            FormatName::Csv => ("text/csv; charset=utf-8", "csv"),
            FormatName::Xlsx => (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "xlsx",
            ),
            FormatName::Parquet => ("application/vnd.apache.parquet", "parquet"),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct As {
    #[param(inline)]
    format: FormatName,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportCustomers {
    #[param(inline)]
    format: FormatName,
    #[serde(rename = "where")]
    filter: Option<String>,
    /// Part of a name, number, phone or e-mail.
    search: Option<String>,
    /// A field, `-` before it for descending.
    sort: Option<String>,
    #[param(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
}

/// The list of customers with their scores as a file.
#[utoipa::path(get, path = "/api/exports/customers", operation_id = "export_customers", tag = "exports",
    params(ExportCustomers),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "default", body = ProblemBody)))]
async fn customers(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<ExportCustomers>,
) -> Answer<Response> {
    let list = ListCustomers {
        filter: wanted.filter,
        search: wanted.search.filter(|s| !s.trim().is_empty()),
        sort: wanted.sort,
        as_of: wanted.as_of,
        ..ListCustomers::default()
    };
    let (app, format) = (&shared.app, wanted.format.format());
    let file = export::temporary(app).map_err(speaks.problem())?;
    export::customers(app, &caller, format, &list, file.path(), speaks.0)
        .await
        .map_err(speaks.problem())?;
    download(speaks, &file, wanted.format, "keji-customers").await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportRecords {
    #[param(inline)]
    format: FormatName,
    /// A condition over the object's fields and those behind its links.
    #[serde(rename = "where")]
    filter: Option<String>,
    /// Fields separated by commas, `-` before one for descending.
    sort: Option<String>,
}

/// The records of one object of the catalog as a file.
#[utoipa::path(get, path = "/api/exports/records/{object}", operation_id = "export_records", tag = "exports",
    params(("object" = String, Path, description = "an object of the catalog, such as `order`"), ExportRecords),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "default", body = ProblemBody)))]
async fn records(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(object): Path<String>,
    Query(wanted): Query<ExportRecords>,
) -> Answer<Response> {
    let (app, format) = (&shared.app, wanted.format.format());
    let name = format!("keji-{object}");
    let list = RecordsWanted {
        object,
        filter: wanted.filter,
        sort: wanted.sort,
    };
    let file = export::temporary(app).map_err(speaks.problem())?;
    export::records(app, &caller, format, &list, file.path(), speaks.0)
        .await
        .map_err(speaks.problem())?;
    download(speaks, &file, wanted.format, &name).await
}

/// The answer to a question as a file.
#[utoipa::path(post, path = "/api/exports/insight", operation_id = "export_insight", tag = "exports",
    params(As), request_body = Question,
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "default", body = ProblemBody)))]
async fn insight(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<As>,
    Body(question): Body<Question>,
) -> Answer<Response> {
    let (app, format) = (&shared.app, wanted.format.format());
    let file = export::temporary(app).map_err(speaks.problem())?;
    export::answer(app, &caller, format, &question, file.path(), speaks.0)
        .await
        .map_err(speaks.problem())?;
    download(speaks, &file, wanted.format, "keji-answer").await
}

/// The records behind a question about one metric as a file.
#[utoipa::path(post, path = "/api/exports/rows", operation_id = "export_insight_rows", tag = "exports",
    params(As), request_body = Question,
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "default", body = ProblemBody)))]
async fn rows(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Query(wanted): Query<As>,
    Body(question): Body<Question>,
) -> Answer<Response> {
    let (app, format) = (&shared.app, wanted.format.format());
    let file = export::temporary(app).map_err(speaks.problem())?;
    export::rows(app, &caller, format, &question, file.path(), speaks.0)
        .await
        .map_err(speaks.problem())?;
    download(speaks, &file, wanted.format, "keji-records").await
}

/// The imported file back, with tier, stage, churn risk, reason and expected
/// value of each row's customer.
#[utoipa::path(get, path = "/api/exports/imports/{id}", operation_id = "export_import", tag = "exports",
    params(("id" = i64, Path), As),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = "default", body = ProblemBody)))]
async fn import(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(id): Path<i64>,
    Query(wanted): Query<As>,
) -> Answer<Response> {
    let format = wanted.format.format();
    let (file, _) = keji_app::import::scored_file(&shared.app, &caller, id, format, speaks.0)
        .await
        .map_err(speaks.problem())?;
    download(speaks, &file, wanted.format, &format!("keji-import-{id}")).await
}

/// The bytes of a file, a piece in memory at a time.
pub(super) fn read_piecewise(
    file: tokio::fs::File,
) -> impl Pieces<Item = std::io::Result<Vec<u8>>> {
    const PIECE_BYTES: usize = 256 * 1024;
    try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let n = file.read_buf(&mut piece).await?;
        Ok((n > 0).then_some((piece, file)))
    })
}

async fn download(
    speaks: Speaks,
    file: &Temporary,
    format: FormatName,
    name: &str,
) -> Answer<Response> {
    let (kind, end) = format.kind();
    // The file may be taken away while it is open.
    let file = tokio::fs::File::open(file.path())
        .await
        .map_err(keji_app::Error::io("export"))
        .map_err(speaks.problem())?;
    Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.{end}\""),
        )
        .body(Stream::from_stream(read_piecewise(file)))
        .map(IntoResponse::into_response)
        .map_err(|e| keji_app::Error::Internal(e.to_string()))
        .map_err(speaks.problem())
}
