// Runs beside handlebars.js in an interpreter that has no files, no network and no clock of ours.
// Python calls run(); it always returns JSON: {"html"} or {"error", "message", "line", "column", "file"}.
(function (global) {
  "use strict";
  const MAX_COMPILED = 32, MAX_HTML_CHARS = 64 << 20, SOURCE = "html_source";
  const compiled = new Map();

  // The lexer tries each rule at the start of what is left, and copies what is left for each token: quadratic. Sticky
  // rules stop a failed match at once (200 blocks: 5 s without, 0.16 s with).
  const lexer = Handlebars.Parser.lexer;
  lexer.rules = lexer.rules.map(function (rule) {
    const sticky = new RegExp(rule.source, rule.flags.replace("y", "") + "y");
    return { [Symbol.match](text) { sticky.lastIndex = 0; return sticky.exec(text); } };
  });

  class Fault extends Error {
    constructor(code, message, loc) { super(message); this.code = code; this.loc = loc; }
  }
  const wrong = (message, loc) => new Fault("template_error", message, loc);

  Handlebars.Parser.parseError = function (message, hash) {
    const where = hash.loc || { last_line: hash.line + 1 }, expected = /\nExpecting (.*)$/.exec(message);
    const said = expected ? `unexpected ${hash.token || "end"}, expecting ${expected[1]}` : message.split("\n")[0];
    throw wrong(said, { start: { line: where.last_line, column: where.last_column } });
  };

  Handlebars.unregisterHelper("log");
  Handlebars.registerHelper("helperMissing", function (...args) {
    const options = args.pop();
    if (args.length) throw wrong(`there is no helper "${options.name}"`, options.loc);
  });
  Handlebars.registerHelper("lookup", function (object, field, options) {
    if (options === undefined) throw wrong("lookup needs an object and a name", (field || object || {}).loc);
    // As a block its result would be printed without escaping.
    if (options.fn) throw wrong("lookup is not a block helper", options.loc);
    return object ? options.lookupProperty(object, field) : object;
  });
  // Every {{{value}}} is compiled to a call of this.
  Handlebars.registerHelper("safe", function (value, options) {
    if (options === undefined || options.fn) throw wrong("safe takes one value, and is not a block helper", (options || value).loc);
    if (value instanceof Handlebars.SafeString) return value;
    if (value === null || value === undefined) return "";
    return new Handlebars.SafeString(JSON.parse(pythonClean(JSON.stringify(String(value)))));
  });
  for (const name of JSON.parse(pythonHelperNames())) {
    Handlebars.registerHelper(name, function (...args) {
      const options = args.pop();
      // Without arguments {{date}} is the payload's own `date`, if it has one.
      if (!args.length && !Object.keys(options.hash).length && this && Object.hasOwn(Object(this), name))
        return options.fn ? Handlebars.helpers.blockHelperMissing.call(this, this[name], options) : this[name];
      if (options.fn) throw wrong(`${name} is not a block helper`, options.loc);
      const plain = (key, value) => value instanceof Handlebars.SafeString ? value.toString() : value === undefined ? null : value;
      const reply = JSON.parse(pythonHelper(JSON.stringify([name, args.map((a) => a === undefined ? null : a), options.hash], plain)));
      if (reply.error) throw new Fault(reply.error, reply.message, options.loc);
      return reply.html === undefined ? reply.text : new Handlebars.SafeString(reply.html);
    });
  }
  const helpers = new Set([...Object.keys(Handlebars.helpers)]);

  const place = (loc) => ({ ...loc, start: loc.start, end: loc.end });

  class Cleaning extends Handlebars.Visitor {
    constructor() { super(); this.mutating = true; }
    MustacheStatement(node) {
      super.MustacheStatement(node);
      if (node.escaped || node.type !== "MustacheStatement") return;
      const path = node.path, called = node.params.length || node.hash ||
        (path.type === "PathExpression" && path.parts.length === 1 && !path.depth && !path.data && helpers.has(path.original));
      const value = called ? { type: "SubExpression", path, params: node.params, hash: node.hash, loc: place(node.loc) } : path;
      node.path = { type: "PathExpression", data: false, depth: 0, parts: ["safe"], original: "safe", loc: place(node.loc) };
      node.params = [value];
      node.hash = undefined;
    }
  }

  class Checking extends Handlebars.Visitor {
    constructor(known) { super(); this.known = known; }
    DecoratorBlock(node) {
      if (node.path.original === "inline" && node.params[0]) this.known.add(String(node.params[0].value));
      super.DecoratorBlock(node);
    }
  }
  class Partials extends Checking {
    PartialStatement(node) {
      const name = node.name.original;
      if (node.name.type !== "SubExpression" && !this.known.has(String(name)) && name !== "@partial-block")
        throw wrong(`there is no partial "${name}"`, node.loc);
      super.PartialStatement(node);
    }
  }

  function parse(name, source) {
    try {
      return Handlebars.parse(source, { srcName: name });
    } catch (error) {
      throw Object.assign(error, { file: name });
    }
  }

  function compile(sources) {
    const trees = Object.entries(sources).map(([name, source]) => [name, parse(name, source)]);
    const known = new Set(Object.keys(sources).filter((n) => n !== SOURCE).map((n) => n.slice("partials/".length)));
    for (const [, tree] of trees) new Checking(known).accept(tree);
    for (const [, tree] of trees) new Partials(known).accept(tree);
    const partials = Object.create(null);
    let main;
    for (const [name, tree] of trees) {
      new Cleaning().accept(tree);
      const template = Handlebars.compile(tree);
      if (name === SOURCE) main = template; else partials[name.slice("partials/".length)] = template;
    }
    return (data) => main(data, { partials });
  }

  function explain(error) {
    const loc = error.loc || {}, start = loc.start || {};
    // Handlebars' own words end with the place, or begin with it.
    const message = String(error.message).replace(/ - \d+:\d+$/, "");
    const parsed = /^(?:Parse|Lexical) error on line (\d+)/.exec(message);
    const partial = /^The partial (.*) could not be found/.exec(message);
    if (partial) return explain(wrong(`there is no partial "${partial[1]}"`, loc));
    const line = start.line || error.lineNumber || (parsed && Number(parsed[1]));
    const column = start.column !== undefined ? start.column : error.lineNumber ? error.column : undefined;
    return {
      error: error.code || "template_error",
      message: error.code || error.lineNumber || parsed ? message : `${error.name}: ${message}`,
      line: line || null, column: column === undefined ? null : column + 1, file: loc.source || error.file || SOURCE,
    };
  }

  global.run = function (key, sourcesText, dataText) {
    try {
      if (!compiled.has(key)) {
        if (compiled.size >= MAX_COMPILED) compiled.clear();
        compiled.set(key, compile(JSON.parse(sourcesText)));
      }
      const html = compiled.get(key)(JSON.parse(dataText));
      if (html.length > MAX_HTML_CHARS) throw new Fault("too_large", "the template wrote more than 64 million characters of HTML");
      // A long text is a tree of pieces, which only JSON.stringify makes one of.
      return JSON.stringify({ html });
    } catch (error) {
      // With no memory left there is not even an error object: null is thrown.
      if (error === null || error instanceof InternalError || (error instanceof RangeError && /call stack/.test(error.message))) throw error;
      return JSON.stringify(explain(error));
    }
  };
})(globalThis);
