/** The elements of the page. Text is set as text: nothing that the server says becomes markup. */

/** An element of the page by its id, which it has. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: { readonly className?: string; readonly text?: string } = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (properties.className !== undefined) made.className = properties.className
  if (properties.text !== undefined) made.textContent = properties.text
  made.append(...children)
  return made
}

/** Sets a text, if it is another one. */
export function write(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** Sets `data-...`, if it is another value. */
export function mark(target: HTMLElement, name: string, value: string): void {
  if (target.dataset[name] !== value) target.dataset[name] = value
}

/** The local time of day. */
export function timeOfDay(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8)
}

/** How a phase or a state of a worker is meant. */
export function kindOf(state: string): 'good' | 'bad' | 'busy' {
  if (state === 'ready' || state === 'running') return 'good'
  return ['stopping', 'killed', 'exited', 'waiting'].includes(state) ? 'bad' : 'busy'
}

const probe = document.createElement('span')

/** What a colour of the style is in the scheme of now, for a canvas. */
export function colour(name: string): string {
  return computed(`var(--${name})`)
}

/** The same, for large areas. */
export function softColour(name: string): string {
  return computed(`color-mix(in srgb, var(--${name}) 50%, var(--card))`)
}

function computed(value: string): string {
  if (!probe.isConnected) document.body.append(probe)
  probe.hidden = true
  probe.style.color = value
  return getComputedStyle(probe).color
}
