export function create() {
  return undefined
}
