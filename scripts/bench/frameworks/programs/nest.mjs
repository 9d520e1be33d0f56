/** Decorators are plain functions, so that nothing has to be compiled. */
import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'

class Hello {
  hello() {
    return 'hello'
  }

  json() {
    return { hello: 'world' }
  }
}
decorate(Hello, 'hello', Get('/'))
decorate(Hello, 'json', Get('/json'))
Controller()(Hello)

class App {}
Module({ controllers: [Hello] })(App)

export async function createApp() {
  return NestFactory.create(App, { logger: false })
}

export async function listen({ port, host }) {
  const app = await createApp()
  await app.listen(port, host)
  return app.getHttpServer()
}

function decorate({ prototype }, name, decorator) {
  decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name))
}
