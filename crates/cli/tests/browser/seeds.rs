//! What the scripts have to follow, part by part. `dagster` is the guide of Dagster+ on managing user and agent tokens, `buildkite` is
//! Buildkite's page on agent tokens. What those pages have people do by an API is done here by clicks.

/// The guide of Dagster+.
pub const DAGSTER: &[&str] = &[
    "creating agent tokens, 1: signing in",
    "creating agent tokens, 2: the user menu leads to Organization Settings",
    "creating agent tokens, 3: the tab Tokens",
    "creating agent tokens, 4: + Create agent token",
    "after creation: Reveal token shows the value",
    "after creation: long after it too, where the policy is always",
    "after creation: a click on the value copies it to the clipboard",
    "after creation: the pencil edits the description",
    "permissions, 1 to 4: Edit beside the token opens the dialog",
    "permissions: by default a token reaches every deployment and branch deployment, which is called Org Agent",
    "permissions: the toggle is at the top right of the dialog",
    "permissions: single deployments can be edited once Org Agent is off",
    "revoking, 1 to 5: Revoke is at the bottom left of the permissions dialog",
    "revoking, 5: one is asked to confirm",
    "user tokens, 1 to 4: + Create user token",
    "user tokens: the pencil edits the description",
    "user tokens: Reveal token shows the value",
    "user tokens: a click on the value copies it to the clipboard",
    "user tokens: Revoke",
    "user tokens: managing those of others needs an Organization Admin",
    "user tokens: Manage tokens for selects another member",
    "no page shows a dialog of the browser, throws, or runs into its own policy",
];

/// Buildkite's page.
pub const BUILDKITE: &[&str] = &[
    "an admin sees the organization's tokens on the page of agents",
    "the default token: there is one from the beginning, and it works",
    "creating tokens: the description names the environment, and is needed",
    "using tokens: the start command has the value in BUILDKITE_AGENT_TOKEN",
    "creating tokens: within ten minutes the value stays visible when the page is reloaded",
    "creating tokens: after ten minutes the value is gone",
    "creating tokens: the organization's id is on the page of its settings",
    "creating tokens: the description is shown on the page of agents",
    "creating tokens: there can be several, and all are on the page of agents",
    "revoking tokens: Agents > Reveal Agent Token",
    "revoking tokens: with a reason, which is kept",
    "revoking tokens: no new agent can start with the token",
    "revoking tokens: connected agents are not affected",
    "scope of access: another organization's tokens are not there",
    "no page shows a dialog of the browser, throws, or runs into its own policy",
];

/// The stories that are told once more without script.
pub const WITHOUT_SCRIPT: &[&str] = &[
    "signing in: the link is pasted",
    "the user menu opens",
    "creating: the value is shown, and selecting it is all that is offered",
    "revealing",
    "the pencil",
    "permissions: a page of its own, on which every box can be ticked",
    "revoking: from the permissions, with its confirmation",
    "a user token is created and revoked",
    "a look is chosen, and one signs out",
];

/// The fields that strangers fill.
pub const STRANGERS: &[&str] = &[
    "there are enough of them",
    "descriptions of agent tokens",
    "names, hosts, versions and tags of agents",
    "reasons, on the page of the token and in the audit log",
    "descriptions of deployments, service users, teams and user tokens",
    "names of members, chosen by whoever accepts an invitation",
    "builds and jobs: messages, branches, commits, authors, labels, commands, variables",
    "meta-data of builds: keys and values",
    "annotations: Markdown, HTML and contexts",
    "lines of logs: colours, links of terminals, cursors, headings",
    "paths of artifacts",
    "Dagster+ agents: labels, what they say of their code and of their own faults",
    "names of code locations, in the audit log",
    "what browsers call themselves",
    "what is searched for, and where one is led",
    "0 dialogs, 0 reports of the pages' own policy, 0 faults of a script",
    "control: a page that writes them raw is found out, with a policy and without",
];

/// What keyboard.mjs checks.
pub const KEYBOARD: &[&str] = &[
    "Tab goes through a page from its beginning to its end, and what has the focus is seen",
    "the skip link is the first stop",
    "the user menu opens by Enter and closes by Escape, which gives the focus back",
    "a dialog keeps the focus inside",
    "Escape closes a dialog, and the focus is where it was",
    "Cancel closes a dialog, and the focus is where it was",
    "the first field that is wrong has the focus, and says what is wrong with it",
    "control: a focus that cannot be seen is found out",
    "nothing moves where motion is not wanted",
    "control: motion is found out",
    "times are in the reader's zone, with the exact one on hover",
    "without script times are said by their distance, with the exact one on hover",
    "nothing shifts while a page comes up",
];

/// The story of a passkey.
pub const PASSKEYS: &[&str] = &[
    "a browser without passkeys, or without script, is offered none",
    "adding: one proves first who one is, and is told what a passkey is",
    "adding: it has a name, and is listed",
    "adding: what is on the device already is said, and nothing is added twice",
    "signing in: without an address, to where one wanted to go, with a new cookie",
    "signing in: whoever does not show a finger is told so by the page",
    "signing in: a question that has gone stale is asked anew",
    "signing in: what comes too late is not taken, and the next try is",
    "proving: the passkey stands for the password, and leads back",
    "a passkey of somebody else proves nothing",
    "a passkey that was copied, and counts from the beginning, is refused",
    "renaming",
    "removing: what it means is said first, and it is worth nothing afterwards",
    "no page shows a dialog of the browser, throws, or runs into its own policy",
];

/// The story of a provider.
pub const PROVIDER: &[&str] = &[
    "signing in: to the provider, and back to where one wanted to go",
    "signing in: what the browser held for the way is gone, and nothing of it is in an address",
    "the account says who vouches for one",
    "proving: the provider asks again who one is, and leads back",
    "an address that nobody has here, and one that is not verified, are answered alike",
    "an answer that is brought into another browser is not taken",
    "an invitation is accepted without a password",
    "what the provider calls one is forgotten",
    "all of it needs no script",
    "while the provider does not answer this is said, and the password still works",
    "no page shows a dialog of the browser, throws, or runs into its own policy",
];
