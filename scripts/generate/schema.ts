/** Generates the JSON schema of the settings. */
import { declarations, settingNames } from '../../config/table.ts'

/** The JSON schema of a configuration file in JSON. */
export function schema(): string {
  const properties = settingNames
    .filter(name => name !== 'config')
    .flatMap(name => {
      const { kind, doc, alias, default: usual } = declarations[name]
      const fragment = {
        ...kind.schema,
        description: doc.replaceAll('`', ''),
        ...(typeof usual === 'function' ? {} : { default: usual }),
      }
      const other =
        alias === undefined ? [] : [[alias, { ...fragment, description: `Another name of ${name}.` }]]
      return [[name, fragment], ...other]
    })
  return `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'tsicorn configuration',
      type: 'object',
      properties: { $schema: { type: 'string' }, ...Object.fromEntries(properties) },
      additionalProperties: false,
    },
    null,
    2,
  )}\n`
}
