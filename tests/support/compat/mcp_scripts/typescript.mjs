// Session of a client of the TypeScript SDK: `node typescript.mjs LINE URL KEY ARGUMENTS`, where LINE is 1, 2, 2-auto, 2-modern or remote.
const [line, url, key, given] = process.argv.slice(2)
const isRemote = line === 'remote'
const headers = key ? { Authorization: `Bearer ${key}` } : {}

async function parts() {
  if (line.startsWith('2')) return import('@modelcontextprotocol/client')
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  return { Client, StreamableHTTPClientTransport, StdioClientTransport }
}

const { Client, StreamableHTTPClientTransport, StdioClientTransport } = await parts()
const modes = { '2-auto': { versionNegotiation: { mode: 'auto' } }, '2-modern': { versionNegotiation: { mode: { pin: '2026-07-28' } } } }
const client = new Client({ name: 'test', version: '1.0.0' }, modes[line] ?? {})
const transport = isRemote
  ? new StdioClientTransport({
      command: 'npx',
      args: ['mcp-remote', url, '--allow-http', ...(key ? ['--header', 'Authorization:${AUTH}'] : [])],
      env: { ...process.env, AUTH: `Bearer ${key}` },
    })
  : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
await client.connect(transport)
const tools = await client.listTools()
const progress = []
const options = { onprogress: ({ progress: done }) => progress.push(done), resetTimeoutOnProgress: true }
const call = { name: 'generate_image', arguments: JSON.parse(given) }
const result = line.startsWith('2') ? await client.callTool(call, options) : await client.callTool(call, undefined, options)
const wrong = await client.callTool({ name: 'generate_image', arguments: { prompt: 'x', count: 9 } })
const version = client.getNegotiatedProtocolVersion?.() ?? null
await client.close()
const found = {
  version,
  tools: tools.tools.map((tool) => tool.name),
  blocks: result.content.map((block) => block.type),
  image: result.content.find((block) => block.type === 'image').data,
  progress,
  error: wrong.isError ? wrong.content[0].text : null,
}
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0))
