//! The list of user tokens: one's own, or those of the member who is chosen under *Manage tokens for*.

use askama::Template;
use countersign_control::access::actions::{
    CreateServiceUserToken, CreateUserToken, RevealServiceUserToken, RevealUserToken, RevokeMemberToken,
    RevokeUserToken, UpdateUserToken, ViewMemberTokens, ViewMembers, ViewUserTokens,
};
use countersign_control::agent_tokens::Token;
use countersign_control::members::{Member, MemberReference, Wanted};
use countersign_control::{PageRequest, revealing};
use countersign_domain::Timestamp;

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Choice, Pager, When};
use crate::query::{Query, encoded};
use crate::visit::{Tab, Visit};
use crate::words::State;

use super::title;

/// Rows of one part.
const ROWS: u32 = 50;
/// The most members to choose from; of more, one is named.
const CHOICES: u32 = 100;

#[derive(Template)]
#[template(path = "user_tokens.html")]
struct Page {
    frame: Frame,
    kinds: Vec<Link>,
    path: String,
    /// Whose tokens can be looked at; empty for whoever sees their own alone.
    members: Vec<Choice>,
    /// Whether there are more members than the list of them holds: then an address is written.
    is_crowded: bool,
    /// Whose they are, unless they are one's own.
    owner: Option<Brief>,
    /// Whether that is a service user.
    is_of_service_user: bool,
    create: Option<String>,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Debug, Clone)]
struct Row {
    href: Option<String>,
    description: Brief,
    public_id: String,
    created: When,
    last_used: Option<When>,
    last_used_ip: String,
    expires: Option<When>,
    state: &'static str,
    state_class: &'static str,
    reveal: Option<String>,
    describe: Option<String>,
    revoke: Option<String>,
}

impl Row {
    fn new(visit: &Visit, token: &Token, owner: Option<&Member>, now: Timestamp) -> Self {
        let state = State::of(token, now);
        let path = |below| visit.user_token_path(token.id, below);
        let is_own = owner.is_none();
        let stands = state != State::Revoked;
        let may_revoke = if is_own { visit.can::<RevokeUserToken>() } else { visit.can::<RevokeMemberToken>() };
        let revoke = owner.map_or_else(|| path("/revoke"), |it| format!("{}?for={}", path("/revoke"), it.user.id));
        let is_open = revealing::is_open(token, now);
        let reveal = match owner {
            None => (is_open && visit.can::<RevealUserToken>()).then(|| path("/reveal")),
            // Another person's is revealed by nobody, a service user's by Organization Admins.
            Some(it) => (is_open && it.user.is_service && visit.can::<RevealServiceUserToken>())
                .then(|| visit.path(&format!("/settings/members/{}/tokens/{}/reveal", it.user.id, token.id))),
        };
        Self {
            href: is_own.then(|| path("")),
            description: title(token).into(),
            public_id: token.public_id.to_string(),
            created: When::day(token.created_at),
            last_used: token.last_used_at.map(|at| When::ago(at, now)),
            last_used_ip: token.last_used_ip.clone().unwrap_or_default(),
            expires: token.expires_at.map(|at| When::ago(at, now)),
            state: state.words(),
            state_class: state.class(),
            reveal,
            describe: (is_own && stands && visit.can::<UpdateUserToken>()).then(|| path("/edit")),
            revoke: (stands && may_revoke).then_some(revoke),
        }
    }
}

/// The member whose tokens are looked at: none for one's own.
pub(super) async fn owner(visit: &Visit, said: Option<&str>) -> Result<Option<Member>, Failure> {
    let Some(said) = said else { return Ok(None) };
    visit.may::<ViewMemberTokens>()?;
    let member = visit.control().find_member(&visit.may::<ViewMembers>()?, MemberReference::parse(said)?).await?;
    Ok(Some(member).filter(|it| Some(it.user.id) != visit.user()))
}

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let control = visit.control();
    let owner = owner(&visit, query.said("for")).await?;
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = match &owner {
        None => control.user_tokens(&visit.may::<ViewUserTokens>()?, page).await?,
        Some(member) => {
            let of = MemberReference::Id(member.user.id);
            control.member_tokens(&visit.may::<ViewMemberTokens>()?, of, page).await?
        }
    };
    let (members, is_crowded) = members(&visit, owner.as_ref()).await?;
    let now = control.now();
    let path = visit.path("/settings/user-tokens");
    let last = found.items.last().filter(|_| found.has_more).map(|it| it.id.to_string());
    let of = owner.as_ref().map(|it| it.user.id.to_string()).unwrap_or_default();
    frame::show(&Page {
        frame: visit.settings(Tab::UserTokens, "User tokens"),
        kinds: visit.kinds(Tab::UserTokens),
        pager: Pager::new(&path, &[("for", of.as_str())], page.after.is_none(), last),
        path,
        members,
        is_crowded,
        create: create(&visit, owner.as_ref()),
        is_of_service_user: owner.as_ref().is_some_and(|it| it.user.is_service),
        rows: found.items.iter().map(|it| Row::new(&visit, it, owner.as_ref(), now)).collect(),
        owner: owner.map(|it| Brief::of_user(&it.user)),
    })
}

/// Where one more is made: by oneself, for a service user by an Organization Admin.
fn create(visit: &Visit, owner: Option<&Member>) -> Option<String> {
    match owner {
        None => visit.can::<CreateUserToken>().then(|| visit.path("/settings/user-tokens/new")),
        Some(it) if it.user.is_service => visit
            .can::<CreateServiceUserToken>()
            .then(|| visit.path(&format!("/settings/members/{}/tokens/new", it.user.id))),
        Some(_) => None,
    }
}

/// Whose tokens can be looked at; and whether there are more of them.
async fn members(visit: &Visit, owner: Option<&Member>) -> Result<(Vec<Choice>, bool), Failure> {
    if !visit.can::<ViewMemberTokens>() {
        return Ok((Vec::new(), false));
    }
    let grant = visit.may::<ViewMembers>()?;
    let page = visit.control().members(&grant, Wanted::default(), PageRequest::first(CHOICES)).await?;
    let others = page.items.iter().filter(|it| Some(it.user.id) != visit.user());
    let mut choices: Vec<_> = others
        .map(|it| {
            Choice::new(
                it.user.id.to_string(),
                &*Brief::of_user(&it.user),
                owner.is_some_and(|owner| owner.user.id == it.user.id),
            )
        })
        .collect();
    choices.sort_by_key(|it| it.words.to_lowercase());
    choices.insert(0, Choice::new("", "Yourself", owner.is_none()));
    Ok((choices, page.has_more))
}

/// Behind an address, whose token it is of.
pub(super) fn of(owner: Option<&Member>) -> String {
    owner.map(|it| format!("?for={}", encoded(&it.user.id.to_string()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::naughty::{HEAVY, TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page {
        let at = When::new(Timestamp::EPOCH);
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        Page {
            frame: Frame::plain("User tokens", &seen),
            kinds: Vec::new(),
            path: "/organizations/acme/settings/user-tokens".to_owned(),
            members: vec![Choice::new(text, text, true)],
            is_crowded: false,
            owner: Some(text.into()),
            is_of_service_user: false,
            create: None,
            rows: vec![Row {
                href: Some("/x".to_owned()),
                description: text.into(),
                public_id: text.to_owned(),
                created: at.clone(),
                last_used: Some(at.clone()),
                last_used_ip: text.to_owned(),
                expires: Some(at),
                state: "Active",
                state_class: "good",
                reveal: None,
                describe: Some("/edit".to_owned()),
                revoke: Some("/revoke".to_owned()),
            }],
            pager: Pager::new("/", &[], true, None),
        }
    }

    #[test]
    fn whatever_a_member_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_page_of_the_list_is_small() {
        for text in HEAVY {
            let mut page = page(&text.repeat(1_000));
            page.rows = vec![
                Row {
                    public_id: "4f9Kd0aZ81b".to_owned(),
                    last_used_ip: "2001:db8::1".to_owned(),
                    ..page.rows[0].clone()
                };
                ROWS as usize
            ];
            let whom = Brief::of_person(&text.repeat(100), &text.repeat(250), false);
            page.members = vec![Choice::new("00000000-0000-7000-8000-000000000000", &*whom, false); CHOICES as usize];
            let size = page.render().expect("a page").len();
            assert!(size < 100_000, "{size} bytes of {text}");
        }
    }
}
