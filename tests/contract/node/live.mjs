// The official client in a transcription session, which it opens by TLS only: prints the text of a turn that the
// server ends, of one that is committed, and of one in which nobody speaks.
// Arguments: base URL, speech (16-bit, 24 kHz).
import { readFileSync } from "node:fs";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const [baseURL, path] = process.argv.slice(2);
const speech = readFileSync(path);
const second = Buffer.alloc(48_000);
const texts = {};

const live = new OpenAIRealtimeWS({ intent: "transcription" }, new OpenAI({ baseURL, apiKey: "unused" }));
live.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

const update = (input) => live.send({ type: "session.update", session: { type: "transcription", audio: { input } } });
const append = (audio) => live.send({ type: "input_audio_buffer.append", audio: audio.toString("base64") });

async function turn(name, { commit }, ...audio) {
  const completed = new Promise((resolve) => live.once("conversation.item.input_audio_transcription.completed", resolve));
  audio.forEach(append);
  if (commit) live.send({ type: "input_audio_buffer.commit" });
  texts[name] = (await completed).transcript;
}

await new Promise((resolve) => live.once("session.created", resolve));
update({ transcription: { model: "gpt-4o-transcribe", language: "en" } });
await turn("detected", { commit: false }, speech, second);
update({ turn_detection: null });
await turn("committed", { commit: true }, speech);
await turn("empty", { commit: true }, second);
console.log("TEXT:", JSON.stringify(texts));
live.close();
