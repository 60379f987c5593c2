//! What a page is told while it stands open: that records changed, and who
//! else looks at them. For browsers, by their session.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use keji_app::live::{self, Live, LiveEvent, Place, Raw};
use keji_app::{App, Caller, identity};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use crate::error::{Answer, Body, Path, ProblemBody, Speaks};
use crate::who::{Who, session_key};

pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(listen))
        .routes(routes!(look))
}

/// Told as server-sent events: which records changed that the caller may see,
/// and who else looks at them. Each is a `LiveEvent` as JSON; the first has
/// the connection's number. A session's only.
#[utoipa::path(get, path = "/api/live", operation_id = "listen", tag = "live",
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream"),
        (status = "default", body = ProblemBody)))]
async fn listen(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    headers: HeaderMap,
) -> Answer<Response> {
    let Some(key) = session_key(&headers) else {
        return Err(speaks.signed_out());
    };
    let live = live::open(&shared.app, &caller).map_err(speaks.problem())?;
    let told = Telling {
        app: shared.app.clone(),
        key: key.to_owned(),
        live,
        is_new: true,
    };
    let events = stream::unfold(told, |mut told| async move {
        let event = told.next().await?;
        let text = serde_json::to_string(&event).ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(text)), told))
    });
    let mut answer = Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response();
    // What stands in between is not to keep it back.
    let name = HeaderName::from_static("x-accel-buffering");
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static("no"));
    Ok(answer)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Looking {
    /// Null for none.
    place: Option<Place>,
}

/// Says which record the page shows; others who show it are told.
#[utoipa::path(put, path = "/api/live/{connection}", operation_id = "look", tag = "live",
    params(("connection" = u64, Path)), request_body = Looking,
    responses((status = 204), (status = "default", body = ProblemBody)))]
async fn look(
    State(shared): State<Shared>,
    Who(caller): Who,
    speaks: Speaks,
    Path(connection): Path<u64>,
    Body(looking): Body<Looking>,
) -> Answer<StatusCode> {
    live::look(&shared.app, &caller, connection, looking.place)
        .await
        .map_err(speaks.problem())?;
    Ok(StatusCode::NO_CONTENT)
}

struct Telling {
    app: App,
    key: String,
    live: Live,
    is_new: bool,
}

impl Telling {
    /// `None` ends it: the page comes again, with what it may do then.
    async fn next(&mut self) -> Option<LiveEvent> {
        let connection = self.live.connection;
        if std::mem::take(&mut self.is_new) {
            return Some(LiveEvent::Hello { connection });
        }
        loop {
            let raw = self.live.next().await;
            if let Raw::Over = raw {
                return None;
            }
            // The rights of now, not those of when it began.
            let caller: Option<Caller> = identity::still_caller_of_session(&self.app, &self.key)
                .await
                .ok()?;
            match live::seen_by(&self.app, &caller?, connection, &raw).await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(problem) => {
                    tracing::warn!(error = ?problem, "a page is not told");
                    return None;
                }
            }
        }
    }
}
