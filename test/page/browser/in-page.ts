/** What runs in the page, to look at it. */

declare global {
  /** What has moved, and how far. */
  var shifts: string[]
  /** What the page has said about its connection. */
  var states: string[]
}

interface LayoutShift extends PerformanceEntry {
  readonly value: number
  readonly sources: readonly { readonly node: Element | null }[]
}

export function recordShifts(): void {
  globalThis.shifts = []
  new PerformanceObserver(list => {
    for (const { value, sources } of list.getEntries() as LayoutShift[]) {
      const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? node?.nodeName)
      globalThis.shifts.push(`${value.toFixed(5)}: ${moved.join(' | ')}`)
    }
  }).observe({ type: 'layout-shift', buffered: true })
}

export function recordStates(): void {
  globalThis.states = []
  const target = document.querySelector('#connection-text') as Element
  const record = () => globalThis.states.push(target.textContent ?? '')
  new MutationObserver(record).observe(target, { childList: true, subtree: true, characterData: true })
}

/** Puts a feed in place of the real one that says this, and stays open. */
export function fakeFeed(texts: readonly string[]): void {
  class FakeFeed extends EventTarget {
    static readonly CLOSED = 2
    readonly readyState = 1

    constructor() {
      super()
      setTimeout(() => {
        for (const data of texts) this.dispatchEvent(new MessageEvent('message', { data }))
      })
    }
  }
  Object.assign(globalThis, { EventSource: FakeFeed })
}

/** The texts whose contrast is less than 4.5 to 1, but for buttons that cannot be pressed. It runs in the page. */
export function faintTexts(): readonly string[] {
  const canvas = document
    .createElement('canvas')
    .getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
  const rgbOf = (colour: string) => {
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = rgbOf(colour).map(value => {
      const part = value / 255
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (start: Element): string => {
    for (let at: Element | null = start; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at)
      if (!/, 0\)$/.test(backgroundColor)) return backgroundColor
    }
    return 'white'
  }
  const isText = (element: Element) =>
    [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim())
  return [...document.querySelectorAll('body *')]
    .filter(element => isText(element) && element.checkVisibility() && !element.matches(':disabled, script'))
    .flatMap(element => {
      const [one = 0, other = 0] = [getComputedStyle(element).color, behind(element)]
        .map(luminance)
        .sort((a, b) => b - a)
      const contrast = (one + 0.05) / (other + 0.05)
      return contrast < 4.5 ? [`${element.textContent?.slice(0, 30)}: ${contrast.toFixed(1)}`] : []
    })
}
