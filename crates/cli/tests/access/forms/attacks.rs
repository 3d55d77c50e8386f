//! What a page of another site, another person and an old sign-in can try with a form, and what they have changed.

use axum::Router;

use super::browser::{Answer, Call, GRACE, GRACES, Server, send};
use super::targets::{By, Form};

/// One way to send a form that is not for its sender to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// A page of another site, as browsers say it.
    CrossSite,
    /// A page of another host of the same site.
    Sibling,
    /// A page of another site in a browser too old to say so.
    OldBrowser,
    /// A page of another site in a frame without an origin.
    Sandbox,
    /// A page of another site in a browser that says nothing at all.
    Bare,
    /// What a bookmark or another program opens.
    Typed,
    /// A body that a page of another site may send as it likes, in a browser that says nothing of it.
    PlainText,
    /// The same kind of body, from a page of this server.
    OwnPlainText,
    OwnParts,
    OwnJson,
    /// No body and no kind of one: what a script sends by default.
    OwnNothing,
    /// The form in a link.
    Link,
    /// Somebody of another organization, who is signed in.
    Stranger,
    Nobody,
    /// By a sign-in that was ended.
    Ended,
    /// By a sign-in that is at its end.
    Expired,
}

/// Whose sign-ins are tried.
pub struct Thieves {
    /// Of Grace, who is signed in.
    pub stranger: String,
    /// Of Ada.
    pub ended: String,
    /// Of Ada.
    pub expired: String,
}

const PLAIN: &str = "text/plain";
const PARTS: &str = "multipart/form-data; boundary=x";
const JSON: &str = "application/json";

impl Attack {
    pub const ALL: [Self; 16] = [
        Self::CrossSite,
        Self::Sibling,
        Self::OldBrowser,
        Self::Sandbox,
        Self::Bare,
        Self::Typed,
        Self::PlainText,
        Self::OwnPlainText,
        Self::OwnParts,
        Self::OwnJson,
        Self::OwnNothing,
        Self::Link,
        Self::Stranger,
        Self::Nobody,
        Self::Ended,
        Self::Expired,
    ];

    const fn is_of_a_sign_in(self) -> bool {
        matches!(self, Self::Stranger | Self::Nobody | Self::Ended | Self::Expired)
    }

    /// The form as it is sent so; none where that is nothing but its use.
    fn call(self, form: &Form, thieves: &Thieves) -> Option<Call> {
        if form.by == By::Anyone && self.is_of_a_sign_in() {
            return None;
        }
        // Also where the form asks for none: whoever signs somebody in ends what their browser holds.
        let call = form.rightly().of(&form.cookie);
        let of_kind = |kind| Call { kind: Some(kind), ..call.clone() };
        Some(match self {
            Self::CrossSite => call.saying(&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]),
            Self::Sibling => call.saying(&[("sec-fetch-site", "same-site"), ("origin", "http://other.localhost:8420")]),
            Self::OldBrowser => call.saying(&[("origin", "https://evil.example")]),
            Self::Sandbox => call.saying(&[("origin", "null")]),
            Self::Bare => call.saying(&[]),
            Self::Typed => call.saying(&[("sec-fetch-site", "none")]),
            Self::PlainText => of_kind(PLAIN).saying(&[]),
            Self::OwnPlainText => of_kind(PLAIN),
            Self::OwnParts => of_kind(PARTS),
            Self::OwnJson => of_kind(JSON),
            Self::OwnNothing => Call { kind: None, body: String::new(), ..call },
            Self::Link => {
                let path = format!("{}?{}", call.path, call.body);
                let link = Call { method: "GET", path, kind: None, body: String::new(), ..call };
                link.saying(&[("sec-fetch-site", "cross-site")])
            }
            Self::Stranger => call.of(&thieves.stranger),
            Self::Nobody => Call { cookie: None, ..call },
            Self::Ended => call.of(&thieves.ended),
            Self::Expired => call.of(&thieves.expired),
        })
    }

    /// What is wrong with the answer.
    fn wrong(self, form: &Form, answer: &Answer) -> Option<String> {
        let status = answer.status.as_u16();
        let as_said = match self {
            Self::OwnPlainText | Self::OwnParts | Self::OwnJson | Self::OwnNothing => status == 400,
            Self::Link => status < 500 && answer.sign_in().is_none(),
            Self::Nobody | Self::Ended | Self::Expired => status == 303 && answer.location().starts_with("/sign-in"),
            Self::Stranger => form.by == By::Oneself || status == 404,
            _ => status == 403 && answer.cookies().is_empty(),
        };
        (!as_said).then(|| format!("answered {status}, {:?}, {:?}", answer.location(), answer.cookies()))
    }
}

impl Form {
    /// As a browser sends it from a page of this server.
    pub fn rightly(&self) -> Call {
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let form = Call::form(&self.path, &fields);
        if self.by == By::Anyone { form } else { form.of(&self.cookie) }
    }
}

/// Tries every attack on every form; answers what was done by one, or is answered otherwise than it is to be, in words that begin with the form.
pub async fn found(server: &Server, router: &Router, forms: &[Form], thieves: &Thieves) -> Vec<String> {
    let mut found = Vec::new();
    // Rows that hold one of these are the attacked ones'.
    let acme = &server.world.acme.created;
    let theirs =
        [acme.organization.id.to_string(), acme.admin.id.to_string()].map(|id| format!("={}", id.replace('-', "")));
    let mut before = server.rows().await;
    let mut tried = 0;
    for form in forms {
        for attack in Attack::ALL {
            let Some(mut call) = attack.call(form, thieves) else { continue };
            let is_own = attack == Attack::Stranger && form.by == By::Oneself;
            if is_own {
                // It does to Grace what it would do to Ada, and may end this very sign-in.
                call = call.of(&server.signs_in(GRACE, GRACES).await);
                before = server.rows().await;
            }
            let answer = send(router, &call).await;
            let after = server.rows().await;
            tried += 1;
            let mut changes = before.changes(&after);
            if is_own {
                changes.retain(|row| theirs.iter().any(|id| row.contains(id)));
            }
            let wrongs =
                [attack.wrong(form, &answer), changes.first().map(|row| format!("{} rows: {row}", changes.len()))];
            found.extend(wrongs.into_iter().flatten().map(|what| format!("{} × {attack:?}: {what}", form.route)));
            before = after;
        }
    }
    assert!(tried >= forms.len() * (Attack::ALL.len() - 4), "only {tried} were tried");
    found
}
