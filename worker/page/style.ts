/** How the page looks. */
export const style = `
:root {
  color-scheme: light dark;
  --back: light-dark(#fafaf9, #16181d);
  --card: light-dark(#ffffff, #1e2128);
  --text: light-dark(#1c1e22, #e6e7ea);
  --dim: light-dark(#63676f, #9a9fa9);
  --line: light-dark(#e2e3e6, #31353e);
  --error: light-dark(#b3261e, #ff8a80);
  --mark: light-dark(#fdecea, #3a2226);
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem }
p { margin: 0 }
.heading { color: var(--error); font-weight: 600 }
.heading span { color: var(--dim); font-weight: 400; margin-left: .5em; overflow-wrap: anywhere }
h1 { margin: .5rem 0 1.5rem; font-size: 1.35rem; line-height: 1.35; overflow-wrap: anywhere; max-height: 50vh; overflow-y: auto }
.more { max-height: 50vh; margin-bottom: 1.5rem; white-space: pre-wrap; overflow-wrap: anywhere }
pre, .where { font: 14px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
.where { overflow-wrap: anywhere; margin-bottom: .5rem; font-weight: 600 }
pre { margin: 0; overflow-x: auto; tab-size: 4 }
.excerpt { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 0; margin-bottom: 1.5rem }
.excerpt, .excerpt mark { white-space: pre }
.excerpt { padding-left: 1rem; padding-right: 1rem }
.excerpt i { font-style: normal; color: var(--dim); user-select: none; margin-right: .75em }
mark { display: inline-block; min-width: calc(100% + 2rem); margin: 0 -1rem; padding: 0 1rem; background: var(--mark); color: inherit; box-shadow: inset 3px 0 var(--error) }
mark b { color: var(--error) }
.stack { color: var(--text) }
details { color: var(--dim); margin: .25rem 0 }
details .stack { color: var(--dim); padding-left: 1rem }
summary { cursor: pointer; font-size: .875rem }
.state { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--dim); font-size: .875rem }
`
