// Payloads to ask for documents with: a version's sample, each time a little different.

export class Samples {
  constructor(api, templates) {
    this.api = api;
    this.versions = new Map(templates.map((each) => [each.slug, each.version]));
    this.known = new Map();
  }

  async of(slug) {
    if (!this.known.has(slug)) {
      const version = await this.api.get(`/pdf/templates/${slug}/versions/${this.versions.get(slug)}`);
      this.known.set(slug, version.sample_payload ?? {});
    }
    return structuredClone(this.known.get(slug));
  }

  // A document of its own, so that no earlier one answers.
  async fresh(slug, mark) {
    return numbered(await this.of(slug), mark);
  }
}

export const runMark = () => Date.now().toString(36) + Math.random().toString(36).slice(2, 6);

export function numbered(payload, mark) {
  // What a sample calls its number is a text where its schema says so.
  const named = ["number", "reference", "title", "name"].find((key) => typeof payload[key] === "string");
  return named ? { ...payload, [named]: String(mark).slice(0, 32) } : { number: 1, rows: 3, ...payload, mark: String(mark) };
}
