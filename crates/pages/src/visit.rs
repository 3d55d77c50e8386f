//! A page of an organization, and who looks at it.

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use countersign_control::access::actions::{
    ViewAgentTokens, ViewAudit, ViewMembers, ViewOrganization, ViewTeams, ViewUserTokens,
};
use countersign_control::organizations::Organization;
use countersign_control::{Action, Caller, Control, Error, Grant};
use countersign_domain::id::UserId;
use http::Method;
use http::request::Parts;

use crate::failure::Failure;
use crate::frame::{Frame, Link, Person, Place};
use crate::known::Known;
use crate::lost;
use crate::person;
use crate::seen::Seen;
use crate::site::Site;

const SEC_PURPOSE: &str = "sec-purpose";
/// What browsers said it by before.
const PURPOSE: &str = "purpose";

/// What stands in an address for the organization that one works in now.
pub(crate) const CURRENT: &str = "-";

/// A call for a page of an organization by somebody who is signed in and a member of it.
#[derive(Debug)]
pub(crate) struct Visit {
    pub site: Site,
    pub caller: Caller,
    pub organization: Organization,
    pub seen: Seen,
    /// Whether one comes from a page of this server, or by an address that one typed; not by a link elsewhere.
    pub is_from_here: bool,
    /// Whether the page itself is answered, and not its headers alone.
    pub is_shown: bool,
    /// Whether a browser asks in advance, for somebody who may never look.
    is_in_advance: bool,
    params: Vec<(String, String)>,
}

/// Parts of an organization's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    General,
    AgentTokens,
    UserTokens,
    Members,
    Teams,
    Deployments,
    AuditLog,
}

impl Tab {
    const ALL: [Self; 7] = [
        Self::General,
        Self::AgentTokens,
        Self::UserTokens,
        Self::Members,
        Self::Teams,
        Self::Deployments,
        Self::AuditLog,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::General => "General",
            // The two kinds of tokens share one tab; which is shown is chosen below it.
            Self::AgentTokens | Self::UserTokens => "Tokens",
            Self::Members => "Members",
            Self::Teams => "Teams",
            Self::Deployments => "Deployments",
            Self::AuditLog => "Audit log",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::General => "",
            Self::AgentTokens => "/tokens",
            Self::UserTokens => "/user-tokens",
            Self::Members => "/members",
            Self::Teams => "/teams",
            Self::Deployments => "/deployments",
            Self::AuditLog => "/audit-log",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit
where
    Site: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let site = Site::from_ref(state);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Error::NotFound("page"))?;
        let params: Vec<_> = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let slug = params.iter().find(|(name, _)| name == "organization").map(|(_, slug)| slug.as_str());
        let seen = seen(parts)?;
        let slug = slug.filter(|slug| *slug != CURRENT);
        let caller = match (person::signed_in(&site.control, parts, slug).await, slug) {
            (Err(Error::NotFound("organization")), Some(slug)) => {
                let renamed = Box::pin(lost::renamed(&site, parts, &seen, slug)).await?;
                return Err(renamed.unwrap_or(Failure::Error(Error::NotFound("organization"))));
            }
            (caller, _) => caller?,
        };
        if !matches!(caller, Caller::User(_)) {
            return Err(Failure::SignedOut);
        }
        let organization = site.control.organization(&site.control.grant_own::<ViewOrganization>(&caller)?).await?;
        Known::of(parts).keep(&caller, Some(&organization));
        Ok(Self {
            site,
            caller,
            organization,
            seen,
            is_from_here: is_from_here(parts),
            is_shown: parts.method != Method::HEAD,
            is_in_advance: is_in_advance(parts),
            params,
        })
    }
}

/// A call for a page that nobody needs to be signed in for.
#[derive(Debug)]
pub(crate) struct Anyone {
    pub site: Site,
    pub seen: Seen,
    /// The request without its body: where it comes from, and the cookie of whoever is signed in.
    pub parts: Parts,
}

impl<S: Send + Sync> FromRequestParts<S> for Anyone
where
    Site: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Ok(Self { site: Site::from_ref(state), seen: seen(parts)?, parts: parts.clone() })
    }
}

/// Browsers say so of what they fetch before a link is followed. It may say more, such as `prefetch;prerender`.
fn is_in_advance(parts: &Parts) -> bool {
    let said = [SEC_PURPOSE, PURPOSE].into_iter().filter_map(|name| parts.headers.get(name)?.to_str().ok());
    said.flat_map(|said| said.split([';', ','])).any(|word| matches!(word.trim(), "prefetch" | "prerender"))
}

/// Browsers say it of every call, but for those without TLS to another machine.
fn is_from_here(parts: &Parts) -> bool {
    let said = parts.headers.get("sec-fetch-site").map(|value| value.as_bytes());
    matches!(said, None | Some(b"none" | b"same-origin"))
}

fn seen(parts: &Parts) -> Result<Seen, Failure> {
    let seen = parts.extensions.get::<Seen>().cloned();
    Ok(seen.ok_or_else(|| Error::internal("a page was asked for past what stands around pages"))?)
}

impl Visit {
    pub(crate) fn control(&self) -> &Control {
        &self.site.control
    }

    /// A grant in the organization of the page.
    pub(crate) fn may<A: Action>(&self) -> Result<Grant<A>, Failure> {
        Ok(self.site.control.grant_own(&self.caller)?)
    }

    /// Whether they may, so that nobody is shown what they may not do.
    pub(crate) fn can<A: Action>(&self) -> bool {
        match self.site.control.grant_own::<A>(&self.caller) {
            Ok(_) => true,
            // They may, once they have proved who they are.
            Err(error) => person::wants_proof(&error),
        }
    }

    /// Goes on only for whoever has proved lately who they are; anyone else is led to doing it, and back.
    pub(crate) fn must_be_proved(&self) -> Result<(), Failure> {
        if person::is_proved(&self.site.control, &self.caller) { Ok(()) } else { Err(Failure::Unproved) }
    }

    /// Goes on only where the answer is for somebody who looks at it now: what this page shows is written down as seen.
    pub(crate) const fn must_be_looked_at(&self) -> Result<(), Failure> {
        if self.is_in_advance { Err(Failure::InAdvance) } else { Ok(()) }
    }

    /// What stands in the address under this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str())
    }

    /// Who looks.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.caller.user()
    }

    /// A path below the organization's own.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("/organizations/{}{below}", self.organization.slug)
    }

    /// Around a page of the organization.
    pub(crate) fn frame(&self, title: impl Into<String>) -> Frame {
        let person = match &self.caller {
            Caller::User(user) => Some(Person { name: user.name.clone(), email: user.email.clone() }),
            _ => None,
        };
        let organization = Place { slug: self.organization.slug.clone(), name: self.organization.name.clone() };
        let frame =
            Frame { person, organization: Some(organization), ..Frame::plain(title, &self.seen).on(&self.site) };
        frame.crumb(self.organization.name.clone(), self.path(""))
    }

    /// Around a page of its settings.
    pub(crate) fn settings(&self, tab: Tab, title: impl Into<String>) -> Frame {
        let shown = Tab::ALL.into_iter().filter(|it| self.is_shown(*it));
        let tabs = shown.map(|it| {
            let is_current = it == tab || (it == Tab::AgentTokens && tab == Tab::UserTokens);
            Link::new(it.words(), self.path(&format!("/settings{}", it.path()))).current(is_current)
        });
        let frame = Frame { tabs: tabs.collect(), ..self.frame(title) };
        frame.crumb("Settings", self.path("/settings"))
    }

    /// Whether there is anything behind a tab for whoever looks. Of the two kinds of tokens one stands for both.
    fn is_shown(&self, tab: Tab) -> bool {
        match tab {
            Tab::General | Tab::Deployments => self.can::<ViewOrganization>(),
            Tab::AgentTokens => self.can::<ViewAgentTokens>(),
            Tab::UserTokens => self.can::<ViewUserTokens>() && !self.can::<ViewAgentTokens>(),
            Tab::Members => self.can::<ViewMembers>(),
            Tab::Teams => self.can::<ViewTeams>(),
            Tab::AuditLog => self.can::<ViewAudit>(),
        }
    }

    /// The two kinds of tokens, for whoever sees both.
    pub(crate) fn kinds(&self, tab: Tab) -> Vec<Link> {
        if !self.can::<ViewAgentTokens>() || !self.can::<ViewUserTokens>() {
            return Vec::new();
        }
        vec![
            Link::new("Agent tokens", self.path("/settings/tokens")).current(tab == Tab::AgentTokens),
            Link::new("User tokens", self.path("/settings/user-tokens")).current(tab == Tab::UserTokens),
        ]
    }
}
