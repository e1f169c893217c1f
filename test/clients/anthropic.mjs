// The official TypeScript SDK against claudio's fake server.
// Usage: node anthropic.mjs BASE_URL SCRIPTED_URL CLAUDIO; NODE_EXTRA_CA_CERTS names both servers' authorities.
import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

const [base, scripted, claudio] = process.argv.slice(2);
const client = (options = {}) => new Anthropic({ apiKey: 'sk-ant-test', baseURL: base, maxRetries: 0, ...options });
const hello = { model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hello!' }] };

test('an answer with usage and ids', async () => {
  const message = await client().messages.create(hello);
  assert.equal(message.type, 'message');
  assert.match(message.content[0].text, /You said: "Hello!"/);
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  assert.equal(message.stop_reason, 'end_turn');
  assert.match(message.id, /^msg_/);
  assert.match(message._request_id, /^req_/);
});

test('count_tokens', async () => {
  const { max_tokens, ...counted } = hello;
  assert.ok((await client().messages.countTokens(counted)).input_tokens > 0);
});

test('models, page by page', async () => {
  const ids = [];
  for await (const model of client().models.list({ limit: 5 })) ids.push(model.id);
  assert.ok(ids.length > 20);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal((await client().models.retrieve('claude-sonnet-4-6')).max_tokens, 128000);
});

test('refusals of the judge', async () => {
  const refused = (request, error, text) =>
    assert.rejects(client().messages.create(request), (e) => e instanceof error && e.message.includes(text));
  await refused({ ...hello, model: 'gpt-4o' }, Anthropic.NotFoundError, 'gpt-4o');
  await refused({ ...hello, temperature: 0.5 }, Anthropic.BadRequestError, 'temperature: Extra inputs');
  await refused({ ...hello, max_tokens: undefined }, Anthropic.BadRequestError, 'max_tokens');
  await assert.rejects(client({ apiKey: 'wrong' }).messages.create(hello), Anthropic.AuthenticationError);
});

// In the order of scripted.json.
const errors = [
  [400, 'BadRequestError'], [401, 'AuthenticationError'], [403, 'PermissionDeniedError'], [404, 'NotFoundError'],
  [409, 'ConflictError'], [422, 'UnprocessableEntityError'], [429, 'RateLimitError'], [500, 'InternalServerError'],
  [529, 'InternalServerError'],
];

test('an error of the right class for each status, then its own retries', async () => {
  for (const [status, name] of errors)
    await assert.rejects(client({ baseURL: scripted }).messages.create(hello), (error) => {
      assert.equal(error.status, status);
      assert.ok(error instanceof Anthropic[name], `${status} is a ${error.constructor.name}`);
      return true;
    });
  const message = await client({ baseURL: scripted, maxRetries: 2 }).messages.create(hello);
  assert.equal(message.content[0].text, 'third time lucky');
});

const weather = {
  name: 'weather',
  input_schema: { type: 'object', required: ['city', 'days'],
    properties: { city: { type: 'string' }, days: { type: 'integer' } } },
};

test('a stream of text', async () => {
  const stream = client().messages.stream(hello);
  let text = '';
  stream.on('text', (delta) => (text += delta));
  const message = await stream.finalMessage();
  const whole = await client().messages.create(hello);
  assert.equal(text, message.content[0].text);
  assert.deepEqual(message.content, whole.content);
  assert.equal(message.usage.output_tokens, whole.usage.output_tokens);
  assert.equal(message.stop_reason, 'end_turn');
});

test('the same stream, read by claudio', async () => {
  const prompt = 'Zürich, 東京 and "quotes"\nin two lines';
  const message = await client().messages.stream({ ...hello, messages: [{ role: 'user', content: prompt }] }).finalMessage();
  const environment = { ANTHROPIC_API_KEY: 'sk-ant-x', ANTHROPIC_BASE_URL: `${base}/v1`, SSL_CERT_FILE: process.env.NODE_EXTRA_CA_CERTS };
  const printed = execFileSync(claudio, ['chat', '--stream', prompt], { env: environment, encoding: 'utf8' });
  assert.equal(printed, `${message.content[0].text}\n`);
});

test('a thought, then a loop of tools', async () => {
  const model = 'claude-sonnet-4-6';
  const thinking = await client().messages.stream({ ...hello, model, thinking: { type: 'adaptive' } }).finalMessage();
  assert.deepEqual(thinking.content.map((block) => block.type), ['thinking', 'text']);
  assert.ok(thinking.content[0].thinking && thinking.content[0].signature);

  const asked = { ...hello, model, tools: [weather] };
  const called = await client().messages.stream({ ...asked, tool_choice: { type: 'any' } }).finalMessage();
  assert.equal(called.stop_reason, 'tool_use');
  assert.deepEqual(called.content[0].input, { city: 'x', days: 1 });
  const result = { type: 'tool_result', tool_use_id: called.content[0].id, content: 'sunny' };
  const turns = [{ role: 'assistant', content: called.content }, { role: 'user', content: [result] }];
  const answer = await client().messages.stream({ ...asked, messages: [...hello.messages, ...turns] }).finalMessage();
  assert.match(answer.content[0].text, /sunny/);
});

// The rest of scripted.json, after the errors.
test('scripted streams', async () => {
  const stream = () => client({ baseURL: scripted }).messages.stream(hello).finalMessage();
  const message = await stream();
  assert.deepEqual(message.content.map((block) => block.type), ['thinking', 'text', 'tool_use']);
  assert.deepEqual(message.content[2].input, { city: 'Zürich', days: 3 });
  await assert.rejects(stream(), (error) => error instanceof Anthropic.APIError && /overloaded_error/.test(error.message));
  await assert.rejects(stream(), /stream ended|request ended/);
  await assert.rejects(stream());
});
