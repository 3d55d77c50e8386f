//! Naming an agent token: by id, by public id, by value.

use countersign_control::Error;
use countersign_control::access::actions::{RevealAgentToken, RevokeAgentToken, RotateAgentToken};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, Rotation, TokenReference};
use countersign_control::agents::Reach;
use countersign_domain::{KeyRing, Kind, TokenSecret};
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{another_token, next, token};

fn revocation(token: TokenReference) -> Revocation {
    Revocation { token, reason: "named".to_owned(), connected_agents: Reach::Keep, expected: None }
}

pub async fn id_public_id_and_value_name_the_same_token(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    let id = issued.token.token.id;
    let rotation = Rotation { token: TokenReference::Id(id), old_valid_until: None, expected: None };
    let rotated = control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("rotated");
    let (old, new) = (&issued.secret, &rotated.secret);
    let padded = format!("  {id}\n");
    let names =
        [&id.to_string(), old.public_id().as_str(), new.public_id().as_str(), old.reveal(), new.reveal(), &padded];
    for name in names {
        let reference = TokenReference::parse(name).expect("a name of a token");
        let revealed = control.reveal_agent_token(&world.admin::<RevealAgentToken>(), reference).await;
        assert_eq!(revealed.expect("revealed").reveal(), new.reveal());
    }
    for name in names {
        let reference = TokenReference::parse(name).expect("a name of a token");
        let grant = world.admin::<RevokeAgentToken>();
        let revoked = control.revoke_agent_token(&grant, revocation(reference)).await.expect("revoked");
        assert_eq!(revoked.token.token.id, id, "a value that is revoked still names its token");
    }
}

pub async fn a_public_part_with_another_secret_names_nothing(world: &World) {
    let control = &world.control;
    let issued = token(world, NewAgentToken::default()).await;
    // A value of the right form and checksum, with this token's public id and a secret of somebody's own making.
    let head = issued.secret.reveal().split_at(18).0.to_owned();
    let forged =
        (0..).map(|seed| TokenSecret::mint(&control.settings().prefix, Kind::AgentToken, &SeededEntropy::new(seed)));
    let forged = forged.map(|other| format!("{head}{}", other.reveal().split_at(18).1)).next().expect("one");
    assert!(TokenSecret::parse(&forged).is_err(), "the checksum is over the public id too");
    assert!(matches!(TokenReference::parse(&forged), Err(Error::NotFound("agent token"))));
    // The row of this token under the public id of another value, as if the public ids were the same.
    let other = TokenSecret::mint(&control.settings().prefix, Kind::AgentToken, &SeededEntropy::new(next()));
    let text = "UPDATE token_secrets SET public_id = $1 WHERE public_id = $2";
    let ids = [other.public_id(), issued.secret.public_id()];
    let ids = ids.map(|id| countersign_store::IntoValue::into_value(id.as_str())).to_vec();
    crate::sql::change(control, text, ids).await;
    let reference = TokenReference::parse(other.reveal()).expect("a value");
    let outcome = control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation(reference)).await;
    assert!(matches!(outcome, Err(Error::NotFound("agent token"))), "{outcome:?}");
}

pub async fn other_kinds_and_garbage_are_not_found_in_the_same_words(world: &World) {
    let control = &world.control;
    let (user_value, _) = another_token(control, &world.acme.admin).await;
    let session = crate::acting::connect(control, world.acme.agent_token(), &[]).await.session;
    let unknown = KeyRing::generate(control.now(), &SeededEntropy::new(next())).newest().to_string();
    let own = world.acme.agent_token();
    let texts =
        [user_value.reveal(), session.reveal(), &own[1..], &unknown, "", "acme", "%", "\0", &"x".repeat(10_000)];
    for text in texts {
        assert!(matches!(TokenReference::parse(text), Err(Error::NotFound("agent token"))), "{text}");
    }
    // Public ids and ids of user tokens are well formed, and are found to be no agent token inside.
    let user = &world.acme.created.user_token;
    for reference in [TokenReference::Id(user.id), TokenReference::PublicId(user.public_id.clone())] {
        let outcome = control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation(reference)).await;
        assert!(matches!(outcome, Err(Error::NotFound("agent token"))), "{outcome:?}");
    }
}
