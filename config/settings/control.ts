/** The settings under "Control". */
import type { Group } from '../kinds/declaration.ts'
import { boolean, mode, optionalText } from '../kinds/kinds.ts'

export const control = {
  control_socket: {
    kind: optionalText('FILE'),
    default: null,
    default_words: 'a socket of its own in a private folder',
    flag: '--control-socket',
    doc: 'The unix socket where `tsicornc` asks and commands this server; a path is relative to `chdir`. By default each server has one of its own, `PID.sock`, in a folder that only its user can enter: `tsicorn/` in `$XDG_RUNTIME_DIR`, else `~/.tsicorn`, or `/run/tsicorn` for root. During an upgrade, the new arbiter has it with `.2` at the end. Where the usual folders cannot be used, there is none, and the server serves without.',
    effect: 'on restart',
  },
  control_socket_mode: {
    kind: mode,
    default: 0o600,
    flag: '--control-socket-mode',
    doc: 'The permission bits of the control socket: who may connect may do everything.',
    effect: 'on restart',
  },
  control_socket_disable: {
    kind: boolean,
    default: false,
    flag: '--control-socket-disable',
    also: ['--no-control-socket'],
    doc: 'Do not open the control socket.',
    effect: 'on restart',
  },
  metrics_bind: {
    kind: optionalText('ADDRESS'),
    default: null,
    flag: '--metrics-bind',
    doc: 'Where the arbiter serves the status page at `/`, `/metrics` for Prometheus, and the health checks `/-/live`, `/-/ready` and `/-/startup`: an address as in `bind`, but no descriptor. Whoever can connect can read it, so name a private address. Off by default. Not in Gunicorn.',
    effect: 'on restart',
  },
  status_token_file: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--status-token-file',
    doc: 'A file with the token that the status page of `metrics_bind` asks for when it is to reload or scale: 16 visible ASCII characters or more, and nothing else but white space around them. It is read for each of these, so it can be changed at any time; keep it from other users. A path is relative to `chdir`. Without it, the page only shows. Not in Gunicorn.',
    effect: 'on restart',
  },
  app_metrics: {
    kind: boolean,
    default: false,
    flag: '--app-metrics',
    sent: true,
    doc: 'Add what the app measures with `prom-client` to `/metrics`: workers are asked for their default registries, and the arbiter adds them up. Not in Gunicorn.',
    effect: 'on reload',
  },
} as const satisfies Group
