// An OpenID Connect server on loopback, with the package oidc-provider. It prints its URL when it
// listens. Refresh tokens rotate, and the use of an old one revokes the new one. With the argument
// `--submits-itself`, its pages are filled in and submitted by a script in them.
import { Provider } from 'oidc-provider';
import { createServer } from 'node:http';

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
    ],
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
