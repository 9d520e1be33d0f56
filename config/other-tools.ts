/** Names from other tools, and what to use here instead. */

const arbiter = 'its process is "tsicorn: arbiter" in ps, and its id is in the pidfile where one is set'

/** Sub-commands of other tools; here, an argument that is not a flag is the application. */
export const otherCommands: Readonly<Record<string, string>> = {
  start: 'write tsicorn ./app.js; it stays in the foreground, or leaves it with --daemon',
  ...forAll(['serve', 'run', 'dev'], 'write tsicorn ./app.js, and with --reload for development'),
  ...forAll(
    ['stop', 'delete', 'del', 'kill'],
    `write tsicornc shutdown, or send TERM to the arbiter: ${arbiter}`,
  ),
  ...forAll(['reload', 'gracefulReload'], `write tsicornc reload, or send HUP to the arbiter: ${arbiter}`),
  restart: `write tsicornc reload for new code and settings, tsicornc upgrade for a new version of tsicorn; or send HUP or USR2 to the arbiter: ${arbiter}`,
  scale: `write tsicornc scale N, or send TTIN or TTOU to the arbiter: ${arbiter}`,
  ...forAll(['list', 'ls', 'ps'], 'write tsicornc list'),
  ...forAll(['status', 'describe', 'info', 'show'], 'write tsicornc status'),
  monit: 'write tsicornc top',
  ...forAll(
    ['logs', 'log'],
    'write tsicornc logs -f; the logs are on standard output and error, or where errorlog and accesslog say',
  ),
  ...forAll(
    ['reloadLogs', 'flush'],
    `move the files away, and write tsicornc reopen or send USR1 to the arbiter: ${arbiter}`,
  ),
  ...forAll(
    ['startup', 'unstartup', 'save', 'resurrect'],
    'let systemd start it: units are in docs/systemd.md',
  ),
  init: 'a configuration is a file tsicorn.config.ts, and none is needed',
  ...forAll(['check', 'configtest'], 'write tsicorn --check-config'),
  help: 'write tsicorn --help',
  version: 'write tsicorn --version',
}

/** Configuration keys of other tools, mostly PM2. */
export const otherKeys: Readonly<Record<string, string>> = {
  apps: 'a configuration is for one application: put what is in the list here, and start one tsicorn for each',
  script: 'use app',
  cwd: 'use chdir',
  name: 'use proc_name',
  ...forAll(['port', 'host', 'hostname', 'listen', 'http'], "use bind, such as '127.0.0.1:3000'"),
  ...forAll(['instances', 'processes', 'worker_processes'], 'use workers'),
  exec_mode: 'leave it out: workers share their sockets always',
  ...forAll(
    ['interpreter', 'exec_interpreter'],
    'start tsicorn with the Node.js that the workers should have',
  ),
  ...forAll(
    ['interpreter_args', 'node_args', 'execArgv'],
    'start tsicorn as node ARGS node_modules/.bin/tsicorn, or set NODE_OPTIONS',
  ),
  args: 'use app_args, or write the arguments behind --',
  ...forAll(['watch', 'watch_delay', 'watch_options'], 'use reload'),
  ignore_watch: 'use reload, which watches source files outside node_modules, and reload_extra_files',
  max_memory_restart: 'use max_worker_rss',
  ...forAll(['env', 'env_production', 'env_development', 'env_file'], 'use raw_env'),
  kill_timeout: 'use graceful_timeout, in seconds',
  listen_timeout: 'use boot_timeout, in seconds',
  ...forAll(['error_file', 'err_file', 'error', 'log_file', 'log', 'stderr_path'], 'use errorlog'),
  ...forAll(
    ['out_file', 'output', 'stdout_path'],
    'use accesslog; what the app prints goes to standard output',
  ),
  log_type: "use log_format: 'json'",
  ...forAll(['combine_logs', 'merge_logs', 'time', 'log_date_format'], 'leave it out: there is one log'),
  pid_file: 'use pidfile',
  uid: 'use user',
  gid: 'use group',
  working_directory: 'use chdir',
  ...forAll(
    ['autorestart', 'min_uptime', 'max_restarts', 'restart_delay', 'exp_backoff_restart_delay'],
    'leave it out: workers that end are replaced, with a growing pause where they never serve',
  ),
  shutdown_with_message: 'leave it out: the arbiter asks workers by message always',
  cron_restart: 'use max_worker_lifetime, or send HUP from cron',
  ...forAll(['instance_var', 'increment_var'], 'leave it out'),
  ...forAll(['source_map_support', 'vizion', 'treekill', 'force', 'namespace'], 'leave it out'),
}

/** Flags of other tools. */
export const otherFlags: Readonly<Record<string, string>> = {
  ...forAll(['--port', '--host', '--hostname', '--listen'], 'write -b PORT or --bind HOST:PORT'),
  ...forAll(['--instances', '-i', '--processes', '--cluster'], 'write -w INT'),
  ...forAll(['--watch', '--hot'], 'write --reload'),
  '--max-memory-restart': 'write --max-worker-rss BYTES',
  '--kill-timeout': 'write --graceful-timeout SECONDS',
  '--listen-timeout': 'write --boot-timeout SECONDS',
  ...forAll(['--error', '--log'], 'write --error-logfile FILE'),
  '--output': 'write --access-logfile FILE',
  '--cwd': 'write --chdir FOLDER',
  '--node-args': 'set NODE_OPTIONS',
  '--env-file': 'set the variables with -e NAME=VALUE, or in the configuration',
}

/** The message for such a sub-command. */
export function whyNoCommand(name: string): string | undefined {
  if (!Object.hasOwn(otherCommands, name)) return undefined
  return `${name} is not a sub-command here: ${otherCommands[name]}`
}

function forAll(names: readonly string[], use: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map(name => [name, use]))
}
