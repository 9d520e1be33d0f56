/** Gunicorn settings that do not exist here: why, and what to do instead. */

/** Using one, in the file or as a flag, is an error: `sendfile cannot exist in Node: <reason>: <cure>`. */
export interface Missing {
  /** The flags in Gunicorn. */
  readonly flags: readonly string[]
  /** The flags take a value. */
  readonly value?: true
  readonly verdict?: string
  readonly reason: string
  readonly cure: string
}

const pythonLogging = "it configures Python's logging module"

export const missing: Readonly<Record<string, Missing>> = {
  asgi_loop: {
    flags: ['--asgi-loop'],
    value: true,
    reason: 'libuv is the only event loop',
    cure: 'leave it out',
  },
  http_parser: {
    flags: ['--http-parser'],
    value: true,
    reason: 'the parser llhttp is built in',
    cure: 'leave it out',
  },
  spew: {
    flags: ['--spew'],
    reason: 'it traces Python line by line',
    cure: "profile with NODE_OPTIONS='--cpu-prof'",
  },
  sendfile: {
    flags: ['--sendfile', '--no-sendfile'],
    reason: 'Node offers no sendfile call',
    cure: 'leave it out, and let the proxy in front serve large files',
  },
  tmp_upload_dir: {
    flags: [],
    reason: 'request bodies are streamed and never stored by the server',
    cure: 'leave it out',
  },
  protocol: {
    flags: ['--protocol'],
    value: true,
    reason: 'node:http speaks HTTP, not uwsgi',
    cure: 'leave it out, and let the proxy in front speak HTTP (proxy_pass)',
  },
  uwsgi_allow_ips: {
    flags: ['--uwsgi-allow-from'],
    value: true,
    reason: 'node:http speaks HTTP, not uwsgi',
    cure: 'leave it out, and name trusted proxies with forwarded_allow_ips',
  },
  permit_unconventional_http_method: {
    flags: ['--permit-unconventional-http-method'],
    reason: 'the parser llhttp has a fixed list of methods',
    cure: 'leave it out',
  },
  casefold_http_method: {
    flags: ['--casefold-http-method'],
    reason: 'the parser llhttp refuses methods in lower case',
    cure: 'leave it out',
  },
  permit_obsolete_folding: {
    flags: ['--permit-obsolete-folding'],
    reason: 'the parser llhttp only accepts folded fields together with other malformed ones',
    cure: 'leave it out, and let the proxy in front unfold them',
  },
  strip_header_spaces: {
    flags: ['--strip-header-spaces'],
    reason:
      'a space before the colon permits request smuggling (RFC 9112, section 5.1), and the parser llhttp refuses it',
    cure: 'leave it out, and fix the client',
  },
  permit_unconventional_http_version: {
    flags: ['--permit-unconventional-http-version'],
    reason: 'the parser llhttp knows no other versions',
    cure: 'leave it out, and fix the client',
  },
  logconfig: {
    flags: ['--log-config'],
    value: true,
    reason: pythonLogging,
    cure: 'use logger_class',
  },
  logconfig_dict: { flags: [], reason: pythonLogging, cure: 'use logger_class' },
  logconfig_json: {
    flags: ['--log-config-json'],
    value: true,
    reason: pythonLogging,
    cure: 'use logger_class',
  },
  suppress_ragged_eofs: {
    flags: ['--suppress-ragged-eofs'],
    reason: 'it always tolerates connections that end without a TLS goodbye',
    cure: 'leave it out',
  },
  do_handshake_on_connect: {
    flags: ['--do-handshake-on-connect'],
    reason: 'the TLS handshake always happens when a client connects',
    cure: 'leave it out',
  },
  default_proc_name: {
    flags: [],
    verdict: 'is not for configurations',
    reason: 'tsicorn fills it in from the application',
    cure: 'set proc_name',
  },
}

/** The message for such a name, in this spelling. */
export function whyMissing(name: string, spelling: string): string {
  const { verdict = 'cannot exist in Node', reason, cure } = missing[name]!
  return `${spelling} ${verdict}: ${reason}: ${cure}`
}
