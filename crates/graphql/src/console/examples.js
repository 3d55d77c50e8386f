// Documents to begin with. A test sends each of them to the server.

export const examples = [
  {
    name: "Who am I",
    query: `{
  viewer {
    user { name email }
    organizations { edges { node { id slug name } } }
  }
}`,
  },
  {
    name: "Organization id",
    query: `query GetOrgID($slug: ID!) {
  organization(slug: $slug) { id }
}`,
    variables: { slug: "acme" },
  },
  {
    name: "Agent tokens",
    query: `query GetAgentTokenID($slug: ID!) {
  organization(slug: $slug) {
    agentTokens(first: 50) {
      count
      edges { node { id uuid description state lastUsedAt agents(first: 1) { count } } }
    }
  }
}`,
    variables: { slug: "acme" },
  },
  {
    name: "Create an agent token",
    query: `mutation($organizationID: ID!) {
  agentTokenCreate(input: { organizationID: $organizationID, description: "A description" }) {
    tokenValue
    agentTokenEdge { node { id } }
  }
}`,
    variables: { organizationID: "the id of the organization" },
  },
  {
    name: "Rotate an agent token",
    query: `mutation($id: ID!) {
  agentTokenRotate(input: { id: $id }) { tokenValue oldValidUntil }
}`,
    variables: { id: "the id of the token" },
  },
  {
    name: "Revoke an agent token",
    query: `mutation($id: ID!) {
  agentTokenRevoke(input: { id: $id, reason: "A reason", connectedAgents: KEEP }) {
    agentToken { description revokedAt revokedReason }
    agentsTouched
  }
}`,
    variables: { id: "the id of the token" },
  },
  {
    name: "Agents",
    query: `query($slug: ID!) {
  organization(slug: $slug) {
    agents(first: 50) { edges { node { id name connectionState hostname queue isRunningJob } } }
  }
}`,
    variables: { slug: "acme" },
  },
];
