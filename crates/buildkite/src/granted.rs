//! The permission as a handler's argument: a handler runs only when its caller may do what it does.
//!
//! They come before the body in a handler's arguments, so that nothing is parsed for a caller who is refused.

use axum::extract::{FromRequestParts, RawPathParams};
use countersign_control::{Action, Caller, Control, Error, Grant};
use countersign_domain::id::JobId;
use countersign_http::authenticate;
use http::request::Parts;

use crate::Failure;

/// What the caller may do in its own organization.
pub(crate) struct Granted<A>(pub Grant<A>);

/// What a job may do, wherever the address points.
pub(crate) struct ByJob<A>(pub Grant<A>);

/// What a job may do to the job that the address names: itself.
pub(crate) struct OnJob<A>(pub Grant<A>);

/// What a job may do to the build that the address names: its own.
pub(crate) struct OnBuild<A>(pub Grant<A>);

/// The job that the address names, for callers that are not bound to one.
pub(crate) struct NamedJob(pub JobId);

impl<A: Action> FromRequestParts<Control> for Granted<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, control: &Control) -> Result<Self, Failure> {
        let caller = authenticate(control, parts).await?;
        Ok(Self(control.grant_own(&caller)?))
    }
}

impl<A: Action> FromRequestParts<Control> for ByJob<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, control: &Control) -> Result<Self, Failure> {
        let caller = job(parts, control).await?;
        Ok(Self(control.grant_own(&caller)?))
    }
}

impl<A: Action> FromRequestParts<Control> for OnJob<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, control: &Control) -> Result<Self, Failure> {
        let caller = job(parts, control).await?;
        // Whoever may not do this at all is told so before anything is said of the address.
        control.grant_own::<A>(&caller)?;
        let NamedJob(named) = NamedJob::from_request_parts(parts, control).await?;
        Ok(Self(control.grant_on_job(&caller, named)?))
    }
}

impl<A: Action> FromRequestParts<Control> for OnBuild<A> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, control: &Control) -> Result<Self, Failure> {
        let caller = job(parts, control).await?;
        control.grant_own::<A>(&caller)?;
        let named = segment(parts).await.and_then(|id| id.parse().ok());
        Ok(Self(control.grant_on_build(&caller, named.ok_or(Error::NotFound("build"))?)?))
    }
}

impl FromRequestParts<Control> for NamedJob {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Control) -> Result<Self, Failure> {
        let named = segment(parts).await.and_then(|id| id.parse().ok());
        Ok(Self(named.ok_or(Error::NotFound("job"))?))
    }
}

/// The job that calls, by its own token or, for agents older than job tokens, by its agent's.
async fn job(parts: &Parts, control: &Control) -> Result<Caller, Failure> {
    let caller = authenticate(control, parts).await?;
    Ok(control.as_job(caller).await?)
}

/// The segment of the address that names the job or the build: the first that a route leaves open.
async fn segment(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let (_, id) = params.iter().next()?;
    Some(id.to_owned())
}
