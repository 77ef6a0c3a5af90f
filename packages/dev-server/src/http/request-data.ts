import { refused } from '../refusal.js';
import { JsonError, JsonTooComplex, scanJson } from './json-scan.js';

/** What a request says besides its path: the fields of its body or of its query. */
export type RequestData = Readonly<Record<string, unknown>>;

const MERGE_PATCH = 'application/merge-patch+json';

/**
 * The fields of a request's body.
 *
 * @throws Refusal 400 in the words of the server for anything but a JSON object or a form; 415 for a PATCH that is
 *   not declared as a merge patch
 */
export function bodyData(method: string, contentType: string, body: Buffer): RequestData {
  const mediaType = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (method === 'PATCH' && mediaType === '') throw refused('mime: no media type');
  if (method === 'PATCH' && mediaType !== MERGE_PATCH) {
    throw refused(`PATCH requires Content-Type of ${MERGE_PATCH}, provided ${mediaType}`, 415);
  }
  const text = body.toString('utf8');
  if (mediaType === 'application/x-www-form-urlencoded' && !text.startsWith('{')) return formData(text);
  return jsonData(text);
}

/** The fields of a query: repeated ones become lists. */
export function queryData(query: URLSearchParams): RequestData {
  const data: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    data[name] = values.length === 1 ? values[0] : values;
  }
  return data;
}

function formData(text: string): RequestData {
  const form = new URLSearchParams(text);
  return Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name).join(',')]));
}

function jsonData(text: string): RequestData {
  const value = decodeJson(text);
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as RequestData;
  throw refused(
    `failed to decode JSON input: json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`,
  );
}

function decodeJson(text: string): unknown {
  try {
    const end = scanJson(text);
    return end === undefined ? undefined : JSON.parse(text.slice(0, end));
  } catch (error) {
    if (error instanceof JsonTooComplex) {
      throw refused(`refused JSON input due to high complexity: ${error.message}`);
    }
    if (error instanceof JsonError) throw refused(`failed to decode JSON input: ${error.message}`);
    throw refused('failed to decode JSON input: unexpected EOF');
  }
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
