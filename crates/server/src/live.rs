//! What requests and workers work with now. Definitions change while the
//! program runs: then there is another [`App`] with other routes over it, which
//! the next request meets; those under way end as they began.

use std::sync::{OnceLock, PoisonError, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use keji_app::App;
use tower::ServiceExt;

use crate::http;
use crate::routes::Shared;

#[derive(Default)]
pub struct Live {
    now: OnceLock<RwLock<Now>>,
    /// One change of definitions at a time.
    pub changing: tokio::sync::Mutex<()>,
}

struct Now {
    shared: Shared,
    router: Router,
}

impl Live {
    /// Before the first request.
    pub fn begin(&self, shared: Shared) {
        let router = http::router(shared.clone());
        // A second call would change nothing.
        let _ = self.now.set(RwLock::new(Now { shared, router }));
    }

    /// From now on with this one.
    pub fn put(&self, app: App) {
        let Some(now) = self.now.get() else { return };
        let mut now = now.write().unwrap_or_else(PoisonError::into_inner);
        let shared = Shared {
            app,
            ..now.shared.clone()
        };
        now.router = http::router(shared.clone());
        now.shared = shared;
    }

    /// `None` before it began.
    pub fn app(&self) -> Option<App> {
        let now = self.now.get()?;
        let now = now.read().unwrap_or_else(PoisonError::into_inner);
        Some(now.shared.app.clone())
    }

    pub async fn answer(&self, request: Request) -> Response {
        let router = match self.now.get() {
            Some(now) => {
                let now = now.read().unwrap_or_else(PoisonError::into_inner);
                now.router.clone()
            }
            None => Router::new(),
        };
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
