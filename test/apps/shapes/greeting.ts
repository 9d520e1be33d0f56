export const greeting: string = 'typescript'
