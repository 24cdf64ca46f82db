// The titles of packs' words, asked once for each pack.

import { ask } from "/board/files/parts.js";
import { query } from "/board/files/state.js";
import { titled } from "/board/files/words.js";

export const packs = new Map();
/** The vocabulary of the house's own pack. */
export let house = null;

export async function learn(pack = null) {
  if (packs.has(pack)) return;
  packs.set(pack, null);
  const found = await ask(`/v1/vocabulary${pack ? `?${query({ pack })}` : ""}`);
  house ??= found;
  packs.set(pack, found).set(found.pack, found);
}

export function title(kind, id, pack) {
  if (id === null || id === undefined) return null;
  const own = packs.get(pack)?.[kind]?.[id];
  const any = [...packs.values()].find((each) => each?.[kind]?.[id])?.[kind][id];
  return titled(own ?? any) ?? id;
}

/** The titles of all packs that were heard of, for choosing: [id, title]. */
export function choices(kind) {
  const found = new Map();
  for (const each of packs.values()) for (const [id, titles] of Object.entries(each?.[kind] ?? {})) found.set(id, titled(titles));
  return [...found];
}

/** Learn the words of these complaints; whether there were new ones. */
export async function learnOf(entries) {
  const unknown = [...new Set(entries.map((each) => each.pack))].filter((pack) => !packs.has(pack));
  await Promise.allSettled(unknown.map(learn));
  return unknown.length > 0;
}
