//! Addresses of which there is no page: nothing is there, a slash too many stands at their end, or the organization has another slug by now.

use axum::extract::{OriginalUri, Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ViewSignIns;
use countersign_control::{Caller, Error};
use http::header::{ACCEPT, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::failure::Failure;
use crate::frame::Answer;
use crate::headers;
use crate::known::{self, Known, Stray};
use crate::person;
use crate::seen::{Seen, is_local};
use crate::site::Site;

/// Where the pages of an organization begin.
pub(crate) const ORGANIZATIONS: &str = "/organizations/";

/// Leads to the same page at another address, for good.
pub(crate) fn moved(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
}

/// The address without slashes at the end of its path; none where there are none.
fn without_slash(path_and_query: &str) -> Option<String> {
    let (path, query) =
        path_and_query.split_once('?').map_or((path_and_query, None), |(path, query)| (path, Some(query)));
    let plain = path.trim_end_matches('/');
    if plain.is_empty() || plain == path {
        return None;
    }
    let to = query.map_or_else(|| plain.to_owned(), |query| format!("{plain}?{query}"));
    is_local(&to).then_some(to)
}

/// Whether somebody asks with a browser for a page.
fn wants_page(headers: &HeaderMap) -> bool {
    let said = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    said.into_iter().any(|line| line.split([',', ';']).any(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
}

/// Below an organization's own pages.
pub(crate) async fn below_an_organization(OriginalUri(uri): OriginalUri, _: Stray) -> Answer {
    match uri.path_and_query().and_then(|it| without_slash(it.as_str())) {
        Some(to) => Ok(moved(&to)),
        None => Err(Error::NotFound("page").into()),
    }
}

/// Where nothing of the whole server is.
pub(crate) async fn nowhere(State(site): State<Site>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let seen = Seen::of(&parts, site.public_url());
    if !seen.is_safe || !wants_page(&parts.headers) {
        return countersign_http::not_found().await;
    }
    let found = parts.uri.path_and_query().and_then(|it| without_slash(it.as_str()));
    let mut answer = match found {
        Some(to) => moved(&to),
        None => {
            let known = Known::default();
            parts.extensions.insert(known.clone());
            known::find(&site, &parts).await;
            Failure::Error(Error::NotFound("page")).answer(&seen, &known)
        }
    };
    headers::dress(&mut answer, site.is_https());
    answer
}

/// Where an address leads whose organization had this slug, for whoever is a member of it; anybody else is told nothing.
pub(crate) async fn renamed(site: &Site, parts: &Parts, seen: &Seen, slug: &str) -> Result<Option<Failure>, Error> {
    let caller = person::signed_in(&site.control, parts, None).await?;
    if !matches!(caller, Caller::User(_)) {
        return Ok(None);
    }
    Known::of(parts).keep(&caller, None);
    let grant = site.control.grant_own::<ViewSignIns>(&caller)?;
    let Some(organization) = site.control.own_organization_that_had(&grant, slug).await? else { return Ok(None) };
    let path = parts.uri.path_and_query().map_or("", |it| it.as_str());
    let to = path.strip_prefix(ORGANIZATIONS).and_then(|rest| rest.strip_prefix(slug));
    let to = to.map(|rest| format!("{ORGANIZATIONS}{}{rest}", organization.slug)).filter(|to| is_local(to));
    Ok(to.map(|to| if seen.is_safe { Failure::Moved(to) } else { Failure::Renamed(organization.slug) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_is_one_too_many() {
        assert_eq!(without_slash("/account/"), Some("/account".to_owned()));
        assert_eq!(without_slash("/organizations/acme//?a=/"), Some("/organizations/acme?a=/".to_owned()));
        for path in ["/", "/account", "/account?a=/", "//", "//evil.example/", "/\\evil.example/"] {
            assert_eq!(without_slash(path), None, "{path}");
        }
    }

    #[test]
    fn a_program_is_given_no_page() {
        let wants =
            |accept: &'static str| wants_page(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]));
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!wants("*/*") && !wants("application/json") && !wants_page(&HeaderMap::new()));
    }
}
