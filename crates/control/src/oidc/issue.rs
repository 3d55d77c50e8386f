//! Issuing a token to a job.

use std::time::Duration;

use countersign_domain::Timestamp;
use countersign_domain::text::{FieldError, check_line};
use countersign_store::oidc_keys::{self, Key};
use countersign_store::{Lane, Tx, agents, builds, deployments, jobs, organizations};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::access::JobCaller;
use crate::access::actions::RequestOidcToken;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::claims::{Facts, SUBJECT_CLAIMS, Wanted, check_claim};

/// How long a token is good for when nothing was said.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// The longest that a token may be good for. Nothing ends it sooner, not even the end of its job.
pub const MAX_LIFETIME: Duration = Duration::from_secs(2 * 3600);
/// The most characters of an audience.
const MAX_AUDIENCE: usize = 1_000;
/// The most claims, and the most session tags, that can be asked for; AWS takes 50 session tags.
const MAX_CLAIMS: usize = 50;

/// What a job asks for.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// Who is to accept the token; the organization's address here when none is named.
    pub audience: Option<String>,
    /// For how many seconds; [`DEFAULT_LIFETIME`] for none or 0.
    pub lifetime: Option<i64>,
    /// Claims beyond the standard ones.
    pub claims: Vec<String>,
    /// Claims that are repeated as session tags for AWS.
    pub aws_session_tags: Vec<String>,
    /// The claim whose value is the subject.
    pub subject_claim: Option<String>,
}

/// A token that was issued: a credential, which is shown to its job alone.
pub struct IssuedToken(Zeroizing<String>);

impl IssuedToken {
    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IssuedToken(…)")
    }
}

struct Input {
    job: JobCaller,
    wanted: Wanted,
    lifetime: Duration,
}

impl Control {
    /// Issues a token that says what the grant's job is. The audit row is committed before the token leaves, and does not hold it.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the field; [`Error::Unavailable`] when no key can sign now.
    pub async fn request_oidc_token(
        &self,
        grant: &Grant<RequestOidcToken>,
        asked: TokenRequest,
    ) -> Result<IssuedToken> {
        let lifetime = lifetime(asked.lifetime)?;
        check(&asked)?;
        self.keep_first_oidc_key().await?;
        let wanted = Wanted {
            issuer: self.settings().public_url.clone(),
            audience: asked.audience.filter(|it| !it.is_empty()),
            claims: asked.claims,
            aws_session_tags: asked.aws_session_tags,
            subject_claim: asked.subject_claim.filter(|it| !it.is_empty()),
        };
        let input = Input { job: grant.job()?.clone(), wanted, lifetime };
        let (key, claims) = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(issue(tx, scene))).await?;
        // Outside of the transaction: signing takes as long as many a transaction.
        let sealed = key.sealed.ok_or_else(|| Error::internal("a key that signs has no private part"))?;
        let keys = self.keys();
        let signed = self.beside(move || {
            let signing = keys.open_signing_key(&sealed, key.id).map_err(Error::internal)?;
            signing.sign(key.id, &claims).map(Zeroizing::new).map_err(Error::internal)
        });
        Ok(IssuedToken(signed.await??))
    }
}

fn lifetime(seconds: Option<i64>) -> Result<Duration> {
    let most = MAX_LIFETIME.as_secs();
    match u64::try_from(seconds.unwrap_or_default()) {
        Ok(0) => Ok(DEFAULT_LIFETIME),
        Ok(seconds) if seconds <= most => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::invalid("lifetime", format!("must be 0 to {most} seconds"))),
    }
}

fn check(asked: &TokenRequest) -> Result<()> {
    let mut faults = Vec::new();
    if let Some(audience) = asked.audience.as_deref().filter(|it| !it.is_empty())
        && let Err(fault) = check_line(audience, MAX_AUDIENCE)
    {
        faults.push(FieldError::new("audience", fault));
    }
    for (field, names) in [("claims", &asked.claims), ("aws_session_tags", &asked.aws_session_tags)] {
        if names.len() > MAX_CLAIMS {
            faults.push(FieldError::new(
                field,
                format!("has {} members; at most {MAX_CLAIMS} are possible", names.len()),
            ));
            continue;
        }
        let checked = names.iter().enumerate().map(|(at, name)| check_claim(format!("{field}[{at}]"), name));
        faults.extend(checked.filter_map(std::result::Result::err));
    }
    if let Some(name) = asked.subject_claim.as_deref().filter(|it| !it.is_empty())
        && !SUBJECT_CLAIMS.contains(&name)
    {
        let known = SUBJECT_CLAIMS.join(", ");
        faults.push(FieldError::new("subject_claim", format!("is no claim that can be the subject: {known}")));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

async fn issue(tx: &mut Tx, scene: &Scene<Input>) -> Result<(Key, Value)> {
    let Input { job, wanted, lifetime } = &scene.input;
    let of = scene.organization;
    let no_key = Error::Unavailable { code: "signing_key", message: "The server has no key to sign with; try again." };
    let key = oidc_keys::signing(tx).await?.ok_or(no_key)?;
    let found = jobs::find(tx, of, job.job).await?.ok_or(Error::NotFound("job"))?;
    let build = builds::find(tx, of, job.build).await?.ok_or(Error::NotFound("build"))?;
    let organization = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    let deployment = deployments::find_any(tx, of, found.deployment).await?;
    let deployment = deployment.ok_or(Error::NotFound("deployment"))?;
    let agent = agents::find(tx, of, job.agent).await?.ok_or(Error::NotFound("agent"))?;
    let variables = builds::variables(tx, build.id).await?;
    let tag = variables.env.get("BUILDKITE_TAG").map(String::as_str);
    let facts = Facts::gather(&found, &build, &organization, &deployment, &agent, tag);
    let now = tx.now();
    let until: Timestamp = now.plus(*lifetime);
    let claims = wanted.say(&facts, now, until);
    let detail = json!({
        "key": key.id,
        "audience": claims["aud"],
        "subject": claims["sub"],
        "expires_at": until.to_string(),
        "claims": wanted.claims,
        "aws_session_tags": wanted.aws_session_tags,
    });
    let subject = Subject::of_job(&found);
    scene.audit(tx, "oidc_token.issued", subject, detail).await?;
    Ok((key, claims))
}
