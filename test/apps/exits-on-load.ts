console.error('no database')
process.exit(0)

export {}
