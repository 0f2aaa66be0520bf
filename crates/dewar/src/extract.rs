//! axum's doors: [`Session`], `Option<Session>` and [`Typed`] as arguments of a handler.

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::RETRY_AFTER, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{CommitError, ValueError},
    session::Session,
    store::StoreError,
    typed::Typed,
};

/// Why a handler could not be given its session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionRejection {
    /// The route is not below a session layer.
    #[error(
        "no session layer around this route: add `.layer(sessions)` to the router, \
         with `let sessions = SessionLayer::signed_cookie(key).build()?`"
    )]
    MissingLayer,
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session does not fit the type of [`Typed`].
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// Gives every handler its session, perhaps an empty one.
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionRejection> {
        let session = Self::from_extensions(&parts.extensions).await?;
        session.ok_or(SessionRejection::MissingLayer)
    }
}

/// Gives `None` when no live session was presented, and never creates one.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, SessionRejection> {
        let session = <Self as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(session.verdict().is_live().then_some(session))
    }
}

impl<S, T> FromRequestParts<S> for Typed<T>
where
    S: Sync,
    T: Serialize + DeserializeOwned,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SessionRejection> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self::read(session)?)
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            // A mistake of the programmer, who sees it on the first request.
            Self::MissingLayer => {
                (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
            }
            Self::Store(error) => unavailable(&error),
            Self::Value(error) => error.into_response(),
        }
    }
}

impl IntoResponse for ValueError {
    fn into_response(self) -> Response {
        tracing::error!(target: "dewar", error = %self, "a handler failed on its session");
        internal_server_error()
    }
}

impl IntoResponse for CommitError {
    fn into_response(self) -> Response {
        // An event has told why: of the commit, or of the store's call.
        match self {
            Self::Store(error) => unavailable(&error),
            Self::Ended | Self::TooManySessions { .. } => StatusCode::CONFLICT.into_response(),
            _ => internal_server_error(),
        }
    }
}

/// The visitor may try again; the operator has been told.
fn unavailable(error: &StoreError) -> Response {
    let retry = [(RETRY_AFTER, error.retry_after_s().to_string())];
    (StatusCode::SERVICE_UNAVAILABLE, retry, "Service Unavailable\n").into_response()
}

/// Says nothing: what went wrong is not the visitor's business.
fn internal_server_error() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
}
