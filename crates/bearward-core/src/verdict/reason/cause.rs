//! What the client learns.

use http::StatusCode;

/// What a refusal tells the client. The answer is constant per cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The request itself cannot be read, or its path in more than one way.
    BadRequest,
    /// The request line is too long.
    TargetTooLong,
    /// The header section is too large.
    HeadersTooLarge,
    /// The rest of the request did not come.
    RequestTimeout,
    /// The request goes in a circle.
    LoopDetected,
    /// This method is not served here, or nowhere.
    MethodNotAllowed,
    /// Nothing is served here.
    NoRoute,
    /// A token is needed and none was sent.
    NoCredential,
    /// The credential is malformed, or there is more than one.
    InvalidRequest,
    /// The token is not valid here.
    InvalidToken,
    /// The token is valid and does not suffice.
    InsufficientScope,
    /// The issuer cannot be asked at the moment.
    Unavailable,
    /// The upstream gave no usable answer.
    UpstreamUnreachable,
    /// The upstream gave no answer in time.
    UpstreamTimeout,
    /// A fault of the gateway's own.
    Internal,
}

impl Cause {
    /// Every cause, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::TargetTooLong,
        Self::HeadersTooLarge,
        Self::RequestTimeout,
        Self::LoopDetected,
        Self::MethodNotAllowed,
        Self::NoRoute,
        Self::NoCredential,
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::Unavailable,
        Self::UpstreamUnreachable,
        Self::UpstreamTimeout,
        Self::Internal,
    ];

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::LoopDetected => StatusCode::LOOP_DETECTED,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::NoCredential | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamUnreachable => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name in the body of an answer; where RFC 6750 has an error code for the cause, it is that code.
    pub const fn public_name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TargetTooLong => "target_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::LoopDetected => "loop_detected",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NoRoute => "no_route",
            Self::NoCredential => "no_credential",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::Unavailable => "unavailable",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::Internal => "internal",
        }
    }

    /// The title of a problem of type `about:blank`: the phrase of the status (RFC 9457 section 4.2.1).
    pub fn title(self) -> &'static str {
        self.status().canonical_reason().unwrap_or_default()
    }

    /// One sentence for people: the problem's `detail`, the challenge's `error_description` and the `grpc-message`.
    /// Printable ASCII without `"` and `\`, as RFC 6750 section 3 asks of a description.
    pub const fn description(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be understood in one way only",
            Self::TargetTooLong => "The request line is too long",
            Self::RequestTimeout => "The rest of the request did not come in time",
            Self::LoopDetected => "The request has been here before",
            Self::HeadersTooLarge => "The header section of the request is too large",
            Self::MethodNotAllowed => "The method of the request is not allowed here",
            Self::NoRoute => "Nothing is served at this place",
            Self::NoCredential => "An access token is needed",
            Self::InvalidRequest => "The credential is malformed, or there is more than one",
            Self::InvalidToken => "The access token is not valid here",
            Self::InsufficientScope => "The access token does not have the scope that is needed",
            Self::Unavailable => "Access tokens cannot be checked at the moment",
            Self::UpstreamUnreachable => "The service behind the gateway gave no usable answer",
            Self::UpstreamTimeout => "The service behind the gateway did not answer in time",
            Self::Internal => "The gateway failed",
        }
    }

    /// The error code of RFC 6750 section 3.1, for causes that have one. A request without a credential has none.
    pub const fn error_code(self) -> Option<&'static str> {
        match self {
            Self::InvalidRequest | Self::InvalidToken | Self::InsufficientScope => Some(self.public_name()),
            _ => None,
        }
    }

    /// The gRPC status code. A malformed credential is `UNAUTHENTICATED` like any other that does not hold;
    /// a slow upstream is `UNAVAILABLE` and not `DEADLINE_EXCEEDED`, because the deadline was not the caller's.
    pub const fn grpc_status(self) -> u8 {
        match self {
            // The caller cannot do anything about a circle, nor would another try end otherwise.
            Self::LoopDetected => 9,
            Self::RequestTimeout => 1,
            Self::BadRequest => 3,
            Self::TargetTooLong | Self::HeadersTooLarge => 8,
            Self::MethodNotAllowed | Self::NoRoute => 12,
            Self::NoCredential | Self::InvalidRequest | Self::InvalidToken => 16,
            Self::InsufficientScope => 7,
            Self::Unavailable | Self::UpstreamUnreachable | Self::UpstreamTimeout => 14,
            Self::Internal => 13,
        }
    }
}
