// Something of everything, so that no page is looked at empty.
import { connect, createToken, graphql, organization, register, revokeToken } from "./api.mjs";
import { home, settings } from "./lib.mjs";

// Answers pages that show what nothing else does.
export async function populate() {
  const id = await organization();
  await graphql('mutation { a: deploymentCreate(input: {name: "prod", description: "What customers see"}) { deployment { id } } b: deploymentCreate(input: {name: "try out"}) { deployment { id } } }');
  await graphql('mutation { serviceUserCreate(input: {name: "deployer", description: "Deploys at night"}) { serviceUser { id } } }');
  await graphql('mutation($id: ID!) { teamCreate(input: {organizationID: $id, name: "platform", description: "Those who run the build farm"}) { team { id } } }', { id });
  const used = await createToken("Build farm in Oslo, with a description as long as people write them when they mean to be helpful", ", revealPolicy: ALWAYS");
  for (const name of ["oslo-1", "oslo-2-with-a-name-that-has-no-end-and-no-place-to-break-it-anywhere"]) {
    const session = await register(used.value, name, { hostname: `${name}.build.example.internal` });
    await connect(session);
  }
  const revoked = await createToken("Laptop");
  await revokeToken(revoked.id, "Left in a public log");
  await register(revoked.value, "too-late");
  return [
    `${settings}/tokens?filter=all`,
    `${settings}/tokens?search=nothing+like+it`,
    `${settings}/tokens/${used.uuid}`,
    `${settings}/tokens/${used.uuid}/revoke`,
    `${settings}/tokens/${revoked.uuid}`,
    `${settings}/audit-log?check=chain`,
    `${home}/agents?search=oslo`,
    `${home}/nowhere`,
  ];
}
