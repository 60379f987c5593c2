// A real OpenID provider on this machine, with a page of its own for signing
// in: whoever enters a name there is that person, with an e-mail address.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-expect-error: it comes without types.
import Provider from "oidc-provider";

export const CLIENT = { id: "keji", secret: "a secret of the stories, long enough" };

export type Running = { issuer: string; stop: () => Promise<void> };

/** `back` is where it sends people; for whom `isVerified` is false, the address counts for nothing. */
export async function startProvider(back: string): Promise<Running> {
  const server: Server = createServer();
  // Another name than the product's address, as it is in life: cookies tell sites apart by it.
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [back],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
    pkce: { methods: ["S256"], required: () => true },
    cookies: { keys: ["a key of the stories"] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: !id.startsWith("unverified"),
        preferred_username: id,
      }),
    }),
  });
  server.on("request", provider.callback());
  return {
    issuer,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
