// A provider of OpenID Connect: the package oidc-provider, with a page that takes anybody for whom they say they are. Started by provider.mjs,
// which says by IPC what it is to be; says `ready` there.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const tools = process.env.COUNTERSIGN_TEST_BROWSER_TOOLS;
const { Provider } = await import(pathToFileURL(`${tools}/node_modules/oidc-provider/lib/index.js`));

// What it calls somebody is this and their address.
const SUBJECT = "subject-of-";
// Of these it does not say that the address is theirs.
const UNVERIFIED = "unverified:";

function serve({ issuer, port, client, secret, callback }) {
  const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [callback], token_endpoint_auth_method: "client_secret_basic" }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    // Claims stand in the token itself, as most providers have it.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id.slice(SUBJECT.length).replace(UNVERIFIED, ""), email_verified: !id.includes(UNVERIFIED) }),
    }),
    // Nobody is asked whether this server may know who they are.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email");
      await grant.save();
      return grant;
    },
  });
  const rest = provider.callback();
  const server = createServer(async (request, answer) => {
    if (!request.url.startsWith("/interaction/")) {
      rest(request, answer);
      return;
    }
    if (request.method === "POST") {
      const accountId = SUBJECT + new URLSearchParams(await text(request)).get("login");
      await provider.interactionFinished(request, answer, { login: { accountId } }, { mergeWithLastSubmission: false });
      return;
    }
    const { prompt } = await provider.interactionDetails(request, answer);
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><title>Who are you?</title><form method="post"><label>Login (${prompt.name}) <input name="login"></label><button>Log in</button></form>`);
  });
  server.listen(port, "127.0.0.1", () => { process.send("ready"); });
}

process.on("message", serve);
