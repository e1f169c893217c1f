import type Anthropic from '@anthropic-ai/sdk';
import type OlderAnthropic from '@anthropic-ai/sdk-of-the-older-api';
import type OpenAI from 'openai';

type Request = Anthropic.MessageCreateParams;
// What needs an anthropic-beta header, which the SDK sends by client.beta.messages.
type BetaRequest = Anthropic.Beta.MessageCreateParams;
// temperature, top_p and top_k: versions of the API before 2026-10-21 have them, and so have older SDKs.
type OlderRequest = OlderAnthropic.MessageCreateParams;

// What claudio adds to OpenAI's format, member by member. Blocks are Anthropic's, to be sent back as they are.
type Block = { type: string; [member: string]: unknown };
type MessageExtensions = { reasoning_content?: string; thinking_blocks?: Block[]; content_blocks?: Block[] };
type UsageDetailsExtensions = { cache_creation_tokens?: number };
type AnswerExtensions = { anthropic?: { [member: string]: unknown } };

type Usage = Omit<OpenAI.CompletionUsage, 'prompt_tokens_details'> & {
  prompt_tokens_details?: OpenAI.CompletionUsage.PromptTokensDetails & UsageDetailsExtensions;
};
type Choice = Omit<OpenAI.ChatCompletion.Choice, 'message'> & {
  message: OpenAI.ChatCompletionMessage & MessageExtensions;
};
type Answer = Omit<OpenAI.ChatCompletion, 'choices' | 'usage'> & AnswerExtensions & { choices: Choice[]; usage?: Usage };

// Of a message's members OpenAI's type of a delta lacks the annotations.
type DeltaExtensions = MessageExtensions & Pick<OpenAI.ChatCompletionMessage, 'annotations'>;
type ChunkChoice = Omit<OpenAI.ChatCompletionChunk.Choice, 'delta'> & {
  delta: OpenAI.ChatCompletionChunk.Choice.Delta & DeltaExtensions;
};
type Chunk = Omit<OpenAI.ChatCompletionChunk, 'choices' | 'usage'> & AnswerExtensions & {
  choices: ChunkChoice[];
  usage?: Usage | null;
};

// The checks bite at each depth: without a fault these lines are faults themselves.
const request: Request = { model: 'm', max_tokens: 1, messages: [] };
// @ts-expect-error
export const wrong_request: Request = { ...request, temperature: 1 };
export const wrong_block: Request = {
  model: 'm', max_tokens: 1,
  // @ts-expect-error
  messages: [{ role: 'user', content: [{ type: 'text', text: 't', unknown: 1 }] }],
};
export const wrong_older_request: OlderRequest = {
  model: 'm', max_tokens: 1, messages: [], temperature: 1,
  // @ts-expect-error
  unknown: 1,
};
const answer = { id: 'i', object: 'chat.completion' as const, created: 0, model: 'm' };
export const wrong_message: Answer = {
  ...answer,
  choices: [{
    index: 0, logprobs: null, finish_reason: 'stop',
    // @ts-expect-error
    message: { role: 'assistant', content: null, refusal: null, unknown: 1 },
  }],
};
export const wrong_delta: Chunk = {
  ...answer, object: 'chat.completion.chunk',
  // @ts-expect-error
  choices: [{ index: 0, finish_reason: null, delta: { content: '', unknown: 1 } }],
};
