// Writes every translated request, answer and chunk of test/translation as a fresh literal of the SDKs' types, and has
// them checked by tsc: a literal may have no member that its type does not name. Then compares the catalogue of models.
// Usage: node check.mjs CLAUDIO TABLES_FOLDER   in the folder of node_modules
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [claudio, tables] = process.argv.slice(2);
const usual = { model: 'claude-sonnet-4-6', messages: [{ role: 'user', content: 'Hi' }] };
const usual_answer = {
  id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-4-6', content: [], stop_reason: 'end_turn',
  usage: { input_tokens: 1, output_tokens: 2 },
};
const read_table = (name) => JSON.parse(readFileSync(join(tables, name), 'utf8'));

// Rows with the lines that they are for `claudio translate`, and what that made of each.
function translate(rows, line_of) {
  const lines = rows.map((row) => JSON.stringify(line_of(row)));
  const out = execFileSync(claudio, ['translate'], { input: lines.join('\n') + '\n', maxBuffer: 1 << 28 });
  return out.toString().trimEnd().split('\n').map((text, i) => ({ row: rows[i], made: JSON.parse(text) }));
}

const request_of = (row) => ({ ...usual, ...(row.model ? { model: row.model } : {}), ...row.given });
const sampling = ['temperature', 'top_p', 'top_k'];
const literals = [];
let unnamed = 0;
// On one line for TypeScript, too, for which these two are line breaks.
const literal = (value) => JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => '\\u' + c.charCodeAt().toString(16));
function add(type, row, value) {
  literals.push(`// ${row.rule}: ${row.name}`.replace(/\s+/g, ' '),
    `export const value_${++unnamed}: ${type} = ${literal(value)};`);
}

const counts = { requests: 0, 'beta requests': 0, 'requests of the older API': 0, answers: 0, chunks: 0 };
for (const { row, made } of translate(read_table('requests.json').filter((row) => row.gives), (row) => (
  { op: 'request', openai_request: request_of(row) }))) {
  const request = made.anthropic_request;
  const is_older = sampling.some((name) => name in request);
  const is_beta = made.headers?.['anthropic-beta'] !== undefined;
  add(is_older ? 'OlderRequest' : is_beta ? 'BetaRequest' : 'Request', row, request);
  ++counts[is_older ? 'requests of the older API' : is_beta ? 'beta requests' : 'requests'];
}
for (const { row, made } of translate(read_table('answers.json'), (row) => (
  { op: 'response', anthropic_response: { ...usual_answer, ...row.given },
    ...(row.request ? { openai_request: { ...usual, ...row.request } } : {}) }))) {
  add('Answer', row, made.openai_response);
  ++counts.answers;
}
for (const { row, made } of translate(read_table('streams.json').filter((row) => row.events), (row) => {
  const bytes = row.events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  return { op: 'stream', reads: [Buffer.from(bytes).toString('base64')],
    ...(row.request ? { openai_request: { ...usual, ...row.request } } : {}) };
}))
  for (const line of made.openai_sse.split('\n')) {
    if (!line.startsWith('data: {'))
      continue;
    const chunk = JSON.parse(line.slice(6));
    if ('error' in chunk)
      continue; // the client throws it before it looks for choices
    add('Chunk', row, chunk);
    ++counts.chunks;
  }
for (const [what, count] of Object.entries(counts))
  if (count === 0)
    throw new Error(`no ${what} to check`);

writeFileSync('literals.ts', `${readFileSync(new URL('types.ts', import.meta.url), 'utf8')}\n${literals.join('\n')}\n`);
const checked = spawnSync('node_modules/.bin/tsc', ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022',
  '--module', 'nodenext', '--moduleResolution', 'nodenext', '--pretty', 'false', 'literals.ts'], { encoding: 'utf8' });
const lines = readFileSync('literals.ts', 'utf8').split('\n');
for (const fault of checked.stdout.split('\n')) {
  const at = /^literals\.ts\((\d+),/.exec(fault);
  console.log((at ? `${lines[at[1] - 2]}\n` : '') + fault.slice(0, 600));
}
if (checked.status !== 0)
  throw new Error(`tsc ended with ${checked.status} ${checked.stderr ?? ''}`);
console.log(Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', '));
