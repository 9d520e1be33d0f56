/** The settings under "HTTP/2". */
import type { Group } from '../kinds/declaration.ts'
import { choice, integer } from '../kinds/kinds.ts'
import { csv } from '../kinds/lists.ts'

export const http2 = {
  http_protocols: {
    kind: csv(['h1', 'h2']),
    default: ['h1'],
    flag: '--http-protocols',
    doc: 'The protocols offered to TLS clients, preferred first: HTTP/1.1, HTTP/2 or both.',
    effect: 'on reload',
    sent: true,
  },
  http2_cleartext: {
    kind: choice(['off', 'prior-knowledge']),
    default: 'off',
    flag: '--http2-cleartext',
    doc: 'HTTP/2 without TLS, alongside HTTP/1.1, for clients that start with it (RFC 9113, section 3.3).',
    effect: 'on reload',
    sent: true,
  },
  http2_max_concurrent_streams: {
    kind: integer({ min: 1, max: 2 ** 32 - 1 }),
    default: 100,
    flag: '--http2-max-concurrent-streams',
    doc: 'The maximum number of concurrent streams per connection.',
    effect: 'on reload',
    sent: true,
  },
  http2_initial_window_size: {
    kind: integer({ min: 1, max: 2 ** 31 - 1 }),
    default: 65535,
    flag: '--http2-initial-window-size',
    doc: 'How many bytes a client may send on a stream before it has to wait; above 65535, also on the whole connection.',
    effect: 'on reload',
    sent: true,
  },
  http2_max_frame_size: {
    kind: integer({ min: 16384, max: 16777215 }),
    default: 16384,
    flag: '--http2-max-frame-size',
    doc: 'The maximum size of a frame, in bytes.',
    effect: 'on reload',
    sent: true,
  },
  http2_max_header_list_size: {
    kind: integer({ min: 1, max: 2 ** 32 - 1 }),
    default: 65536,
    flag: '--http2-max-header-list-size',
    doc: 'The maximum size of all header fields of a request together, in bytes; a request with more is refused.',
    effect: 'on reload',
    sent: true,
  },
} as const satisfies Group
