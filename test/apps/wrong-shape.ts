export default { answer: 42 }

export const version = '1.0.0'
