// The public API with the session's cookie.

export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    const faults = (problem.errors ?? []).slice(0, 5).map((each) => `${each.pointer || "/"}: ${each.message}`);
    super([problem.detail ?? `The service answered ${status}.`, ...faults].join(" "));
    this.status = status;
    this.code = problem.code ?? "";
    this.retryAfter = retryAfter;
  }
}

export class Api {
  constructor(team) {
    this.team = team;
  }

  async send(method, path, body, headers = {}) {
    const token = document.querySelector('input[name="csrfmiddlewaretoken"]').value;
    const answer = await fetch(path, {
      method,
      headers: {
        "X-Team": this.team,
        "X-CSRFToken": token,
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
    const found = isJson ? await answer.json() : {};
    if (!answer.ok) throw new Refused(answer.status, found, Number(answer.headers.get("Retry-After")) || null);
    return found;
  }

  get(path) {
    return this.send("GET", path);
  }

  post(path, body, headers) {
    return this.send("POST", path, body, headers);
  }

  remove(path) {
    return this.send("DELETE", path);
  }
}
