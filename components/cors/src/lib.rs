//! Middleware in Rust: it lets pages of other origins call the function behind it (CORS). It answers the browser's
//! question before a request by itself, hands every other request on, and adds to the answer who may read it.
//! `sh build.sh` makes cors.wasm of it. To put it in front of a function, write into that function's function.json:
//!
//!   "middleware": ["cors"]
//!
//!   curl -i -H 'origin: https://app.example.com' localhost:8000/…
//!
//! `ORIGINS` in the environment of this function's own function.json says which origins may: a list with spaces, or `*`.

wit_bindgen::generate!({ path: "wit", world: "cors", generate_all });

use wasi::http::handler;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response};

struct Cors;

export!(Cors);

impl exports::wasi::http::handler::Guest for Cors {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let asked = request.get_headers();
        let origin = asked.get("origin").into_iter().next();
        let allowed = origin.as_deref().and_then(allow);
        let wants = asked.get("access-control-request-method");
        let is_preflight = matches!(request.get_method(), Method::Options) && origin.is_some() && !wants.is_empty();
        if is_preflight {
            let wanted = asked.get("access-control-request-headers");
            return Ok(preflight(allowed, wants, wanted));
        }

        let response = handler::handle(request).await?;
        // The fields of a response that came are not to be changed: it is made anew, with the same body and trailers.
        let status = response.get_status_code();
        let fields = response.get_headers().clone();
        let (_, done) = wit_future::new(|| Ok(()));
        let (body, trailers) = Response::consume_body(response, done);
        permit(&fields, allowed.as_deref());
        let (response, _) = Response::new(fields, Some(body), trailers);
        let _ = response.set_status_code(status);
        Ok(response)
    }
}

/// What `access-control-allow-origin` says to `origin`; nothing, if it may not.
fn allow(origin: &[u8]) -> Option<Vec<u8>> {
    let origins = std::env::var("ORIGINS").unwrap_or_default();
    let mut listed = origins.split_ascii_whitespace();
    if origins.trim() == "*" {
        return Some(b"*".to_vec());
    }
    listed.any(|one| one.as_bytes() == origin).then(|| origin.to_vec())
}

fn permit(fields: &Fields, allowed: Option<&[u8]>) {
    // The answer depends on who asks, even where it says nothing, so no cache may give it to another.
    if allowed != Some(b"*") {
        let _ = fields.append("vary", b"origin");
    }
    if let Some(origin) = allowed {
        let _ = fields.set("access-control-allow-origin", &[origin.to_vec()]);
    }
}

/// The answer to the browser's question: 204, and who may send what.
fn preflight(allowed: Option<Vec<u8>>, methods: Vec<Vec<u8>>, headers: Vec<Vec<u8>>) -> Response {
    let fields = Fields::new();
    permit(&fields, allowed.as_deref());
    if allowed.is_some() {
        let _ = fields.set("access-control-allow-methods", &methods);
        if !headers.is_empty() {
            let _ = fields.set("access-control-allow-headers", &headers);
        }
        let _ = fields.set("access-control-max-age", &[b"600".to_vec()]);
    }
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(fields, None, trailers);
    let _ = response.set_status_code(204);
    response
}
