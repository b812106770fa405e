// Calls to the service: JSON both ways, Django's CSRF token, refusals as errors that carry their problem document.

export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail || `The service answered ${status}.`);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]").value;
}

export async function call(url, { body, form, signal } = {}) {
  const options = { signal, headers: {}, credentials: "same-origin" };
  if (body !== undefined || form) {
    options.method = "POST";
    options.headers["X-CSRFToken"] = csrfToken();
    options.body = form || JSON.stringify(body);
    if (!form) options.headers["Content-Type"] = "application/json";
  }
  const response = await fetch(url, options);
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  const answer = isJson ? await response.json() : {};
  if (!response.ok || !isJson) {
    const signedOut = response.redirected ? { detail: "You are signed out. Sign in again in another tab." } : answer;
    throw new Refusal(response.status, signedOut, Number(response.headers.get("Retry-After")) || 0);
  }
  return answer;
}

/** As `call`, and once more after a pause for as long as the service is busy; `signal` ends the waiting too. */
export async function callPatiently(url, options, busy) {
  for (;;) {
    try {
      return await call(url, options);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 429) throw error;
      busy?.();
      await pause(400, options.signal);
    }
  }
}

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stale", "AbortError"));
    });
  });
}

export function debounced(milliseconds, act) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), milliseconds);
  };
}
