/** Formats the lines of the error log: text as Gunicorn writes it, or one JSON object each. */
import { inspect } from 'node:util'
import type { LogLevel } from '../../worker/protocol/messages.ts'

export type LogFormat = 'text' | 'json'

export interface Line {
  readonly level: LogLevel
  readonly message: string
  readonly pid: number
}

/** A line without its line end; in text, further lines of the message follow as they are. */
export const formatLine: Readonly<Record<LogFormat, (line: Line) => string>> = {
  text: logLine,
  json: jsonLine,
}

/** What is logged of a message: hooks may pass anything, and a part of a text may come from an app, or from a client. */
export function textOf(message: unknown): string {
  return printable(typeof message === 'string' ? message : inspect(message))
}

/** Further lines must not look like log lines of another process, and must not control a terminal. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[^\P{Cc}\n\t]|[\u2028\u2029]/gu, visible)
    .replace(/\n(?=\[)/g, '\n  ')
}

function visible(character: string): string {
  const code = character.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
}

export function logLine({ level, message, pid }: Line): string {
  return `[${localTime(new Date())}] [${pid}] [${level.toUpperCase()}] ${message.replace(/\n+$/, '')}`
}

function jsonLine({ level, message, pid }: Line): string {
  return JSON.stringify({ time: new Date().toISOString(), pid, level, message: message.replace(/\n+$/, '') })
}

/** Converts lines that workers print to JSON; a line that is an object already stays as it is, unless it looks like ours. */
export function jsonLines(printed: string, pid?: number): string {
  const lines = printed.split('\n').filter(line => line.trim() !== '')
  const time = new Date().toISOString()
  const object = (message: string) =>
    JSON.stringify({ time, ...(pid === undefined ? {} : { pid }), level: 'info', message })
  return lines.map(line => `${isOwnObject(line) ? line : object(line)}\n`).join('')
}

/** Lines that a process printed, as lines of the log. */
export function printedLines(printed: string, pid: number): string {
  const lines = printed.trimEnd().split('\n')
  return lines.map(message => `${logLine({ level: 'info', message, pid })}\n`).join('')
}

function isOwnObject(line: string): boolean {
  if (!line.startsWith('{')) return false
  try {
    const fields = JSON.parse(line) as object
    return !['time', 'pid', 'level', 'message'].every(name => Object.hasOwn(fields, name))
  } catch {
    // Plain text may begin with a bracket too.
    return false
  }
}

/** `2026-03-01 09:05:07 +0100` */
function localTime(date: Date): string {
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const minutesEast = -date.getTimezoneOffset()
  const distance = Math.abs(minutesEast)
  const zone = `${minutesEast < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}${two(distance % 60)}`
  return `${day} ${time} ${zone}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
