// Compares claudio's catalogue of models with the names, lifecycles and ends of life in Anthropic's SDK.
// Usage: node catalogue.mjs FAKE_SERVER   in the folder of node_modules; the server lists the catalogue
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

// Differences that were decided on. The SDK names no model that the API has ended; mirrors serve some of them, and
// whoever still asks for one is told its successor.
const decided = Object.fromEntries(
  ['claude-opus-4-1-20250805', 'claude-opus-4-20250514', 'claude-sonnet-4-20250514', 'claude-3-7-sonnet-20250219',
    'claude-3-5-sonnet-20241022', 'claude-3-5-haiku-20241022', 'claude-3-opus-20240229', 'claude-3-sonnet-20240229',
    'claude-3-haiku-20240307', 'claude-2.1', 'claude-2.0', 'claude-instant-1.2', 'claude-1.3',
  ].map((name) => [name, 'claudio: retired; the SDK: not there']));

const sdk = 'node_modules/@anthropic-ai/sdk';
const { DEPRECATED_MODELS: deprecated } = await import(pathToFileURL(resolve(sdk, 'internal/data/deprecated-models.mjs')));
const union = /^export type Model = (.*);$/m.exec(readFileSync(`${sdk}/resources/messages/messages.d.ts`, 'utf8'))[1];
// "January 22nd, 2027"
const day_of = (text) => new Date(`${text.replace(/(\d)(st|nd|rd|th)/, '$1')} UTC`).toISOString().slice(0, 10);
const theirs = Object.fromEntries([...union.matchAll(/'([^']+)'/g)].map(([, name]) => [
  name, name in deprecated ? `deprecated, ends ${day_of(deprecated[name])}` : 'active']));
for (const name in deprecated)
  theirs[name] ??= `deprecated, ends ${day_of(deprecated[name])}`;

const headers = { 'x-api-key': 'sk-ant-x', 'anthropic-version': '2023-06-01' };
const listed = await (await fetch(`${process.argv[2]}/models?limit=1000`, { headers })).json();
const ours = Object.fromEntries(listed.data.map((model) => [
  model.id, model.lifecycle === 'deprecated' ? `deprecated, ends ${model.retires_at?.slice(0, 10)}` : model.lifecycle]));

let faults = 0;
for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
  const [mine, other] = [ours[name] ?? 'not there', theirs[name] ?? 'not there'];
  const difference = mine === other ? undefined : `claudio: ${mine}; the SDK: ${other}`;
  if (difference)
    console.log(`${name}: ${difference}${decided[name] === difference ? ' (decided)' : ''}`);
  if (decided[name] !== difference) {
    ++faults;
    if (!difference)
      console.log(`${name}: no difference any more; take it off the list in catalogue.mjs`);
  }
}
console.log(`${Object.keys(ours).length} models of claudio, ${Object.keys(theirs).length} of the SDK`);
if (faults || Object.keys(theirs).length < 10)
  throw new Error(`${faults} differences that nobody has decided on`);
