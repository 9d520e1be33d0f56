/** The buttons that do something, and the dialog that asks for the token. */
import { byId, write } from './elements.ts'

type Action = 'reload' | 'scale'

const words: Readonly<Record<Action, { readonly title: string; readonly text: string }>> = {
  reload: {
    title: 'Reload',
    text: 'New workers take the place of the old ones, one after the other, and no request is lost. If the new code cannot start, the old workers stay.',
  },
  scale: { title: 'Scale', text: 'So many workers are wanted until the next restart.' },
}

/** Kept for as long as the page is open. */
let token = ''
let action: Action = 'reload'

/** @param wanted how many workers there should be now */
export function prepareActions(wanted: () => number): void {
  for (const name of ['reload', 'scale'] as const) byId(name).onclick = () => open(name, wanted())
  byId('cancel').onclick = () => byId<HTMLDialogElement>('dialog').close()
  byId<HTMLFormElement>('form').onsubmit = event => {
    event.preventDefault()
    void submit()
  }
}

/** Whether the server has a token; without one there is nothing to press. */
export function allowActions(isAllowed: boolean): void {
  for (const name of ['reload', 'scale']) byId<HTMLButtonElement>(name).disabled = !isAllowed
  write(
    byId('hint'),
    isAllowed ? '' : 'This page is read-only: with --status-token-file, it can reload and scale.',
  )
}

function open(name: Action, wanted: number): void {
  action = name
  const { title, text } = words[name]
  write(byId('dialog-title'), title)
  write(byId('submit'), title)
  write(byId('dialog-text'), text)
  write(byId('dialog-error'), '')
  byId('number-field').hidden = name !== 'scale'
  byId<HTMLInputElement>('number').value = `${wanted}`
  byId('token-field').hidden = token !== ''
  byId<HTMLDialogElement>('dialog').showModal()
  const first = name === 'scale' ? 'number' : token === '' ? 'token' : 'submit'
  byId(first).focus()
}

async function submit(): Promise<void> {
  const submitButton = byId<HTMLButtonElement>('submit')
  const field = byId<HTMLInputElement>('token')
  if (token === '') token = field.value.trim()
  submitButton.disabled = true
  const problem = await post().catch((error: Error) => `The server cannot be asked: ${error.message}`)
  submitButton.disabled = false
  field.value = ''
  write(byId('dialog-error'), problem ?? '')
  if (problem === undefined) byId<HTMLDialogElement>('dialog').close()
}

/** What is wrong, if anything is. */
async function post(): Promise<string | undefined> {
  const workers = byId<HTMLInputElement>('number').valueAsNumber
  const answer = await fetch(`/-/${action}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(action === 'scale' ? { workers } : {}),
  })
  if (answer.ok) return undefined
  if (answer.status === 401) {
    token = ''
    byId('token-field').hidden = false
    byId('token').focus()
  }
  return ((await answer.json()) as { readonly error: string }).error
}
