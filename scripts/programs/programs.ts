/** The programs that are tried as workers: those of `examples/programs`, with what Debian has to run them. */

export interface Program {
  readonly name: string
  /** The command that has to be there; `package` is what brings it on Debian. */
  readonly needs: string
  readonly package: string
  /** Prints its version. */
  readonly version: readonly [string, ...string[]]
  /** Makes the program, in its folder. */
  readonly build?: readonly [string, ...string[]]
  readonly flags: readonly string[]
  readonly command: readonly string[]
}

export const programs: readonly Program[] = [
  {
    name: 'uvicorn with Starlette',
    needs: 'uvicorn',
    package: 'uvicorn python3-starlette',
    version: ['uvicorn', '--version'],
    flags: ['--ready-line', 'startup complete'],
    command: ['uvicorn', 'starlette_app:app', '--fd', '3'],
  },
  {
    name: 'Gunicorn, gthread',
    needs: 'gunicorn',
    package: 'gunicorn',
    version: ['gunicorn', '--version'],
    flags: ['--ready-line', 'Booting worker'],
    command: ['gunicorn', '-k', 'gthread', '--threads', '4', '-b', 'fd://3', 'wsgi_app:app'],
  },
  {
    name: 'hypercorn',
    needs: 'hypercorn',
    package: 'python3-hypercorn',
    version: [
      '/usr/bin/python3',
      '-c',
      'from importlib.metadata import version; print(version("hypercorn"))',
    ],
    flags: ['--ready-line', 'Running on'],
    command: ['hypercorn', '-b', 'fd://3', '--graceful-timeout', '5', 'asgi_app:app'],
  },
  {
    name: 'Go, net/http',
    needs: 'go',
    package: 'golang-go',
    version: ['go', 'version'],
    build: ['go', 'build', '-o', 'server', 'main.go'],
    flags: ['--ready-fd', '4'],
    command: ['./server'],
  },
  {
    name: 'Node, node:http',
    needs: 'node',
    package: 'nodejs',
    version: ['node', '--version'],
    flags: ['--ready-line', 'serves'],
    command: ['node', 'server.mjs'],
  },
  {
    name: 'sh, with Perl to accept',
    needs: 'perl',
    package: 'perl',
    version: ['perl', '-e', 'printf("%vd", $^V)'],
    flags: [],
    command: ['./serve.sh'],
  },
]
