/** JavaScript that imports TypeScript which Node alone would not run. */
import app from './typescript.ts'

export default app
