/** NestJS with the files of its starter: it listens itself or is made by a factory, on Express or on Fastify. */
import type { Application } from './application.ts'

const packages = {
  '@nestjs/core': '12.5.1',
  '@nestjs/common': '12.5.1',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  typescript: '5.9.3',
}
const express = { ...packages, '@nestjs/platform-express': '12.5.1' }
const fastify = { ...packages, '@nestjs/platform-fastify': '12.5.0' }

const compilerOptions = {
  target: 'es2023',
  module: 'nodenext',
  moduleResolution: 'nodenext',
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  skipLibCheck: true,
  types: [],
  outDir: 'dist',
}

const starter = {
  'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
  'src/app.service.ts': `import { Injectable } from '@nestjs/common';

@Injectable()
export class AppService {
  getHello(): string {
    return 'Hello World!';
  }
}
`,
  'src/app.controller.ts': `import { Controller, Get } from '@nestjs/common';
import { AppService } from './app.service.js';

@Controller()
export class AppController {
  constructor(private readonly appService: AppService) {}

  @Get()
  getHello(): string {
    return this.appService.getHello();
  }
}
`,
  'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller.js';
import { AppService } from './app.service.js';

@Module({ imports: [], controllers: [AppController], providers: [AppService] })
export class AppModule {}
`,
}

const onFastify = `import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const make = () => NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter());
`

const onExpress = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const make = () => NestFactory.create(AppModule);
`

const listens = `async function bootstrap() {
  const app = await make();
  app.enableShutdownHooks();
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`

/** Node alone needs the second file. */
const factory = 'export const create = make;\n'
const alone = "import { create } from './factory.js';\n(await create()).listen(process.env.PORT ?? 3000);\n"

export const nest: readonly Application[] = [
  listening('nestjs-express', express, onExpress),
  made('nestjs-express-factory', express, onExpress),
  listening('nestjs-fastify', fastify, onFastify),
  { ...made('nestjs-fastify-factory', fastify, onFastify), short: true },
]

function listening(name: string, packages: Application['packages'], begin: string): Application {
  return {
    ...compiled(name, packages, { 'src/main.ts': begin + listens }),
    start: ['./dist/main.js'],
    env: { PORT: '{port}' },
  }
}

function made(name: string, packages: Application['packages'], begin: string): Application {
  return {
    ...compiled(name, packages, { 'src/factory.ts': begin + factory, 'src/main.ts': alone }),
    start: ['./dist/factory.js:create()'],
    options: ['-b', '127.0.0.1:{port}'],
    yardstick: ['./dist/main.js'],
    env: { PORT: '{port}' },
  }
}

function compiled(name: string, packages: Application['packages'], files: Readonly<Record<string, string>>) {
  return {
    name,
    packages,
    // Since version 12, the NestJS generator makes ECMAScript modules.
    module: true,
    files: { ...starter, 'src/globals.d.ts': 'declare const process: any;\n', ...files },
    prepare: [['./node_modules/.bin/tsc']],
    says: 'Hello World!',
  }
}
