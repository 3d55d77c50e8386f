//! Members, service users and teams: as many as an organization may have, or near it.

use countersign_control::access::actions::CreateTeam;
use countersign_control::teams::NewTeam;
use countersign_domain::id::{Id, UserId};
use countersign_domain::{Clock, Role};
use countersign_store::users::{self, User};
use countersign_store::{Lane, StoreError};
use countersign_testkit::{SeededEntropy, World};
use futures_util::StreamExt;

/// Members of the organization.
const MEMBERS: usize = 5_000;
/// Teams of it.
const TEAMS: usize = 1_000;
/// How many are made at one time.
const AT_ONCE: usize = 64;

/// Makes members and teams.
pub async fn invite(world: &World, part: usize) {
    let (of, entropy) = (world.acme.created.organization.id, SeededEntropy::new(33));
    let now = world.clock.now();
    let people: Vec<User> = (0..MEMBERS / part)
        .map(|number| User {
            id: Id::new(now, &entropy),
            email: format!("person-{number}@acme.example"),
            name: format!("Person {number}"),
            is_service: number % 10 == 0,
            description: None,
            created_at: now,
        })
        .collect();
    for some in people.chunks(500) {
        let done: Result<(), StoreError> = world
            .control
            .store()
            .transact(Lane::Normal, some.to_vec(), move |tx, people: &Vec<User>| {
                Box::pin(async move {
                    for person in people {
                        users::insert(tx, person).await?;
                        users::insert_member(tx, of, UserId::from_bytes(*person.id.as_bytes()), Role::Member).await?;
                    }
                    Ok(())
                })
            })
            .await;
        done.expect("they join");
    }
    let teams = (0..TEAMS / part).map(|number| async move {
        let new = NewTeam { name: format!("Team {number}"), description: Some("Who works on a part".to_owned()) };
        world.control.create_team(&world.admin::<CreateTeam>(), new).await.expect("a team");
    });
    futures_util::stream::iter(teams).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
