/** The exit codes of tsicorn, of arbiter and worker alike. `docs/exit-codes.md` is generated from this table. */
export const exitCodes = {
  ok: { code: 0, means: 'An orderly end: TERM, INT, QUIT, or a check that found nothing wrong' },
  failed: {
    code: 1,
    means:
      'The configuration is wrong, a socket cannot be bound, a log or pidfile cannot be used, or a check found a problem',
  },
  usage: { code: 2, means: 'The command line cannot be understood' },
  workerFailedToBoot: {
    code: 3,
    means:
      'At the first start a worker failed to boot: the app threw while it was imported, or a hook failed',
  },
  appFailedToLoad: {
    code: 4,
    means:
      'At the first start the app could not be used: the export is missing or has the wrong shape, or, with `preload_app`, it does not load',
  },
  internal: { code: 70, means: 'A defect in tsicorn itself; the log has the stack trace' },
} as const
