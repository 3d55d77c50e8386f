//! Who holds what, read from the rows by code of its own, and what no step of a member may make of it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_control::Control;
use countersign_domain::id::{DeploymentId, OrganizationId, TeamId, TokenId, UserId};
use countersign_store::{IntoValue, Row, Sql, StoreError};

/// Where something can be held: a deployment, or all branch deployments.
pub type Spot = Option<DeploymentId>;

/// What is held there: 0 for a Viewer to 3 for an Admin, and whether agent tokens come with it.
pub type Level = (usize, bool);

const ROLES: [&str; 4] = ["viewer", "launcher", "editor", "admin"];

/// What an agent token reaches: every deployment, or these spots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub every: bool,
    pub spots: BTreeSet<Spot>,
}

/// The rows that rights are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub everywhere: String,
    /// Which deployments are branch deployments.
    pub deployments: BTreeMap<DeploymentId, bool>,
    pub names: BTreeMap<DeploymentId, String>,
    pub admins: BTreeSet<UserId>,
    pub members: BTreeSet<UserId>,
    pub own: BTreeSet<(UserId, Spot, String, bool)>,
    pub of_teams: BTreeSet<(TeamId, Spot, String, bool)>,
    pub teams: BTreeSet<TeamId>,
    pub joined: BTreeSet<(TeamId, UserId)>,
    pub tokens: BTreeMap<TokenId, Reach>,
    /// From where the agent tokens may be used.
    pub networks: BTreeSet<(TokenId, String)>,
    /// How many ways into the organization there are: invitations, and user tokens of members.
    pub ways_in: i64,
}

const TEXTS: [&str; 9] = [
    "SELECT members_role FROM organizations WHERE id = $1",
    "SELECT id, parent_id, name FROM deployments WHERE organization_id = $1 AND deleted_at IS NULL",
    "SELECT user_id, role FROM members WHERE organization_id = $1",
    "SELECT user_id, team_id, deployment_id, role, tokens FROM deployment_roles WHERE organization_id = $1",
    "SELECT id FROM teams WHERE organization_id = $1",
    "SELECT team_id, user_id FROM team_members WHERE organization_id = $1",
    "SELECT id, every_deployment, all_branches FROM tokens WHERE organization_id = $1 AND kind = 'at' AND revoked_at IS NULL",
    "SELECT token_id, deployment_id FROM token_deployments
     WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1 AND kind = 'at' AND revoked_at IS NULL)",
    "SELECT token_id, network FROM token_networks
     WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1 AND kind = 'at' AND revoked_at IS NULL)",
];
const WAYS_IN: &str = "SELECT (SELECT COUNT(*) FROM invitations WHERE organization_id = $1)
     + (SELECT COUNT(*) FROM tokens WHERE organization_id = $1 AND kind = 'ut') AS n";

fn get<T: countersign_store::FromValue>(row: &Row, column: &str) -> T {
    row.get(column).expect("the column is there")
}

impl State {
    /// What it is now.
    pub async fn read(control: &Control, of: OrganizationId) -> Self {
        let answer: Result<Vec<Vec<Row>>, StoreError> = control
            .store()
            .read(of, |tx, of| {
                Box::pin(async move {
                    let mut all = Vec::new();
                    for text in TEXTS.into_iter().chain([WAYS_IN]) {
                        all.push(tx.all(Sql { name: "rights", text }, &[of.into_value()]).await?);
                    }
                    Ok(all)
                })
            })
            .await;
        Self::of(&answer.expect("the rows are read"))
    }

    fn of(rows: &[Vec<Row>]) -> Self {
        let mut it = Self { everywhere: get(&rows[0][0], "members_role"), ..Self::default() };
        for row in &rows[1] {
            it.deployments.insert(get(row, "id"), get::<Option<DeploymentId>>(row, "parent_id").is_some());
            it.names.insert(get(row, "id"), get(row, "name"));
        }
        for row in &rows[2] {
            let user = get(row, "user_id");
            it.members.insert(user);
            if get::<String>(row, "role") == "admin" {
                it.admins.insert(user);
            }
        }
        for row in &rows[3] {
            let (spot, role, tokens) = (get(row, "deployment_id"), get(row, "role"), get(row, "tokens"));
            if let Some(user) = get::<Option<UserId>>(row, "user_id") {
                it.own.insert((user, spot, role, tokens));
            } else {
                it.of_teams.insert((get(row, "team_id"), spot, role, tokens));
            }
        }
        it.teams = rows[4].iter().map(|row| get(row, "id")).collect();
        it.joined = rows[5].iter().map(|row| (get(row, "team_id"), get(row, "user_id"))).collect();
        for row in &rows[6] {
            let mut spots = BTreeSet::new();
            if get(row, "all_branches") {
                spots.insert(None);
            }
            it.tokens.insert(get(row, "id"), Reach { every: get(row, "every_deployment"), spots });
        }
        for row in &rows[7] {
            if let Some(reach) = it.tokens.get_mut(&get(row, "token_id")) {
                reach.spots.insert(Some(get(row, "deployment_id")));
            }
        }
        it.networks = rows[8].iter().map(|row| (get(row, "token_id"), get(row, "network"))).collect();
        it.ways_in = get(&rows[9][0], "n");
        it
    }

    /// Every spot.
    fn spots(&self) -> impl Iterator<Item = Spot> + '_ {
        self.deployments.keys().map(|id| Some(*id)).chain([None])
    }

    /// What somebody holds at a spot.
    pub fn level(&self, who: UserId, at: Spot) -> Level {
        if self.admins.contains(&who) {
            return (3, true);
        }
        let rank = |role: &str| ROLES.iter().position(|it| *it == role);
        let is_branch = at.is_none_or(|id| self.deployments.get(&id) == Some(&true));
        let counts = |spot: Spot| spot == at || (spot.is_none() && is_branch);
        let teams = self.of_teams.iter().filter(|(team, ..)| self.joined.contains(&(*team, who)));
        let granted =
            self.own.iter().filter(|(user, ..)| *user == who).map(|(_, spot, role, tokens)| (spot, role, tokens));
        let granted = granted.chain(teams.map(|(_, spot, role, tokens)| (spot, role, tokens)));
        let mut held = (rank(&self.everywhere).unwrap_or(0), false);
        for (spot, role, tokens) in granted {
            if counts(*spot)
                && let Some(rank) = rank(role)
            {
                held = (held.0.max(rank), held.1 || (rank == 3 && *tokens));
            }
        }
        held
    }

    /// Whether somebody manages the agent tokens of all that a token reaches.
    fn manages(&self, who: UserId, reach: &Reach) -> bool {
        let all = !reach.spots.is_empty() && reach.spots.iter().all(|spot| self.level(who, *spot).1);
        self.admins.contains(&who) || (!reach.every && all)
    }
}

/// What a step by somebody has made that they could not give, in words; nothing for a step that is as it should be. `learned`: the agent token
/// whose value they were told.
pub fn violations(before: &State, after: &State, by: UserId, learned: Option<TokenId>) -> Vec<String> {
    let mut found = Vec::new();
    if before.admins.contains(&by) {
        return found;
    }
    let mut wrong = |what: String| found.push(what);
    if before.everywhere != after.everywhere {
        wrong(format!("all members are {}s", after.everywhere));
    }
    if before.admins != after.admins || before.members != after.members || before.ways_in != after.ways_in {
        wrong("who is a member, or how to become one, is another than before".to_owned());
    }
    if before.teams != after.teams || before.joined != after.joined {
        wrong("teams are others than before".to_owned());
    }
    for who in &after.members {
        for spot in after.spots() {
            // What is made by somebody is held by them as all branch deployments are.
            let known = spot.is_none_or(|id| before.deployments.contains_key(&id));
            let was = if known { before.level(*who, spot) } else { before.level(*who, None) };
            let is = after.level(*who, spot);
            let giver = if known { before.level(by, spot) } else { before.level(by, None) };
            if is.0 > was.0 && (giver.0 < 3 || *who == by) {
                wrong(format!("{who} is {} at {spot:?} and was {}", ROLES[is.0], ROLES[was.0]));
            }
            if is.1 && !was.1 {
                wrong(format!("{who} manages the agent tokens of {spot:?}"));
            }
        }
    }
    // What they hold by one way they make no other way to.
    let own = after.own.difference(&before.own).filter(|(user, ..)| *user == by).count();
    let by_team =
        after.of_teams.difference(&before.of_teams).filter(|(team, ..)| before.joined.contains(&(*team, by))).count();
    if own + by_team > 0 {
        wrong(format!("{by} has given themself a role"));
    }
    // Branch deployments go by whoever edits them, and with them what reaches nothing else.
    let gone: BTreeSet<Spot> =
        before.deployments.keys().filter(|id| !after.deployments.contains_key(id)).map(|id| Some(*id)).collect();
    for spot in &gone {
        if spot.is_none_or(|id| before.deployments.get(&id) != Some(&true)) || before.level(by, *spot).0 < 2 {
            wrong(format!("the deployment {spot:?} is gone"));
        }
    }
    for (id, name) in &before.names {
        if after.names.get(id).is_some_and(|now| now != name) {
            wrong(format!("the deployment {name} has another name"));
        }
    }
    let left = |was: &Reach| Reach { spots: was.spots.difference(&gone).copied().collect(), ..was.clone() };
    for (token, reach) in &after.tokens {
        let was = before.tokens.get(token);
        if was == Some(reach) || was.is_some_and(|was| left(was) == *reach) {
            continue;
        }
        if !before.manages(by, reach) || was.is_some_and(|was| !before.manages(by, was)) {
            wrong(format!("the token {token} reaches {reach:?}, and was {was:?}"));
        }
    }
    for (token, was) in &before.tokens {
        let has_nothing_left = !was.every && left(was).spots.is_empty();
        if !after.tokens.contains_key(token) && !has_nothing_left && !before.manages(by, was) {
            wrong(format!("the token {token} is revoked"));
        }
    }
    for (token, network) in before.networks.symmetric_difference(&after.networks) {
        if let (Some(was), true) = (before.tokens.get(token), after.tokens.contains_key(token))
            && !before.manages(by, was)
        {
            wrong(format!("whether the token {token} is used from {network} is another than before"));
        }
    }
    if let Some(token) = learned
        && !after.tokens.get(&token).is_some_and(|reach| before.manages(by, reach))
    {
        wrong(format!("the value of the token {token} was told"));
    }
    found
}

/// Which members know the value of which agent token, and what it reached when they were told.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<TokenId, Vec<(UserId, Reach)>>);

impl Known {
    /// Somebody was told a value; what the token reaches is known of one that still stands.
    pub fn learn(&mut self, who: UserId, token: TokenId, after: &State) {
        if let Some(reach) = after.tokens.get(&token) {
            self.0.entry(token).or_default().push((who, reach.clone()));
        }
    }

    /// All values of a token have ended.
    pub fn forget(&mut self, token: TokenId) {
        self.0.remove(&token);
    }

    /// What somebody can do with a value that they know, and could not when they were told it, in words.
    pub fn grown(&self, after: &State) -> Vec<String> {
        let mut found = Vec::new();
        for (token, known) in &self.0 {
            let Some(reach) = after.tokens.get(token) else { continue };
            for (who, was) in known.iter().filter(|(_, was)| !was.holds(reach, after)) {
                found.push(format!("{who} knows the token {token}, which reaches {reach:?} and reached {was:?}"));
            }
        }
        found
    }
}

impl Reach {
    fn holds(&self, other: &Self, state: &State) -> bool {
        let is_branch = |spot: &Spot| spot.is_none_or(|id| state.deployments.get(&id) != Some(&false));
        let holds = |spot: &Spot| self.spots.contains(spot) || (self.spots.contains(&None) && is_branch(spot));
        self.every || (!other.every && other.spots.iter().all(holds))
    }
}
