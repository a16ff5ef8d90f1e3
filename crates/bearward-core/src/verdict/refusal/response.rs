//! A refusal as the whole response that a mount sends.

use http::{HeaderValue, Method, Response};

use super::{Refusal, Wire};
use crate::{HeaderFields, X_REQUEST_ID};

impl Refusal {
    /// The response to a request with this method and these header fields: complete, with `Content-Length` and the request's
    /// identifier, and without content where the request is `HEAD` (RFC 9110, 9.3.2).
    pub fn response<'a>(
        &self,
        method: &Method,
        headers: impl Into<HeaderFields<'a>>,
        request_id: HeaderValue,
    ) -> Response<Vec<u8>> {
        let answer = self.answer(request_id.to_str().unwrap_or_default(), Wire::of(headers));
        let mut response = Response::new(if method == Method::HEAD { Vec::new() } else { answer.body });
        *response.status_mut() = answer.status;
        response.headers_mut().extend(answer.headers);
        response.headers_mut().insert(X_REQUEST_ID, request_id);
        response
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use http::HeaderMap;
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

    use super::*;
    use crate::Reason;

    #[test]
    fn a_response_is_complete() {
        for (method, content_type, status, has_body) in [
            (Method::GET, "text/plain", 401, true),
            (Method::HEAD, "text/plain", 401, false),
            (Method::POST, "application/grpc", 200, false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            let refusal = Refusal::new(Reason::TokenExpired);
            let response = refusal.response(&method, &headers, HeaderValue::from_static("7f3a"));
            assert_eq!(response.status(), status, "{method}");
            assert_eq!(response.headers().get(X_REQUEST_ID).unwrap(), "7f3a");
            let answer = refusal.answer("7f3a", Wire::of(&headers));
            let length = response.headers().get(CONTENT_LENGTH).unwrap().to_str().unwrap();
            assert_eq!(length, answer.body.len().to_string(), "of what GET would get: {method}");
            assert_eq!(!response.body().is_empty(), has_body, "{method}");
            assert!(response.body().is_empty() || *response.body() == answer.body);
        }
    }
}
