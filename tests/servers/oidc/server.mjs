// An OpenID Connect server on loopback, with the package oidc-provider. It prints its URL when it
// listens. Refresh tokens rotate, and the use of an old one revokes the new one. With the argument
// `--submits-itself`, its pages are filled in and submitted by a script in them. It writes the private
// keys of its clients into the folder OIDC_KEYS.
import { Provider } from 'oidc-provider';
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

// A client that shows who it is by signing.
function signing(id, alg, type, options) {
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  if (process.env.OIDC_KEYS) {
    writeFileSync(`${process.env.OIDC_KEYS}/${id}.pem`, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  }
  return {
    client_id: id,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: `${id}-1`, use: 'sig' }] },
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

const SUBMIT = `<script>
  for (const input of document.querySelectorAll('input[type=text], input[type=password]')) input.value = 'alice';
  document.querySelector('form').submit();
</script>`;

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const native = {
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'https://app.example/callback'],
  };
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'cli', ...native },
      { client_id: 'backup', client_secret: 's3cret', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
      { client_id: 'job', client_secret: 'j0b:s3cret/+%&', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
      signing('RS256', 'RS256', 'rsa', { modulusLength: 2048 }),
      signing('ES256', 'ES256', 'ec', { namedCurve: 'P-256' }),
      signing('EdDSA', 'EdDSA', 'ed25519'),
      signing('gateway', 'ES256', 'ec', { namedCurve: 'P-256' }),
    ],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    scopes: ['openid', 'offline_access', 'read', 'write'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, resource) => resource ?? 'urn:keyward:opaque',
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({ scope: 'read write', accessTokenTTL: 60, accessTokenFormat: resource.split(':').pop() }),
      },
    },
    rotateRefreshToken: true,
    pkce: { required: () => true },
    issueRefreshToken: async (_context, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    cookies: { keys: ['a key that signs cookies of this test only'] },
  });
  if (process.argv.includes('--submits-itself')) {
    provider.use(async (context, next) => {
      await next();
      if (context.path.startsWith('/interaction/') && context.response.is('html')) context.body += SUBMIT;
    });
  }
  server.on('request', provider.callback());
  console.log(issuer);
});
