// One call of the official client: a job as JSON on stdin, what came of it as JSON on stdout.
// Answers are validated against JSON schemas made of the client's own type declarations.
import { createReadStream, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import OpenAI, { APIError } from "openai";
import { createGenerator } from "ts-json-schema-generator";

const job = JSON.parse(readFileSync(0, "utf8"));
const client = new OpenAI({ baseURL: job.baseURL, apiKey: job.apiKey, maxRetries: 0 });

function withFiles(value) {
  if (Array.isArray(value)) return value.map(withFiles);
  if (value === null || typeof value !== "object") return value;
  if ("$file" in value) return createReadStream(value.$file);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withFiles(inner)]));
}

function validator({ module, name }) {
  const path = fileURLToPath(new URL(`node_modules/openai/resources/${module}.d.ts`, import.meta.url));
  const schema = createGenerator({
    path,
    type: name,
    skipTypeCheck: true,
    additionalProperties: true, // what a server adds is safe; what it leaves out is not
  }).createSchema(name);
  return new Ajv({ strict: false, allErrors: true }).compile(schema);
}

async function outcome() {
  const path = job.call.split(".");
  const method = path.pop();
  const resource = path.reduce((owner, name) => owner[name], client);
  try {
    const answer = await resource[method](...withFiles(job.args));
    if (!job.args.some((argument) => argument?.stream)) return { values: [answer] };
    const values = [];
    for await (const event of answer) values.push(event);
    return { values };
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    const { status, code, param, type, requestID } = error;
    return { error: { class: error.constructor.name, status, code, param, type, requestID } };
  }
}

const result = await outcome();
if (result.values && job.type) {
  const validate = validator(job.type);
  result.invalid = result.values.flatMap((value) => (validate(value) ? [] : validate.errors));
}
process.stdout.write(JSON.stringify(result));
