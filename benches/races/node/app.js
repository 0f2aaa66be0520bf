// The pages with express-session; ends with its standard input.
//
//   node app.js --store memory:|redis://HOST:PORT

import { randomBytes } from "node:crypto";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";

const [flag, url] = process.argv.slice(2);
if (flag !== "--store") throw new Error("usage: node app.js --store URL");

let store;
if (url.startsWith("redis:")) {
  const client = createClient({ url });
  // Without a listener, the first error ends the process.
  client.on("error", () => {});
  await client.connect();
  store = new RedisStore({ client });
} else if (url !== "memory:") {
  throw new Error(`${url.split(":")[0]}: is no store: memory: or redis://HOST:PORT`);
}

const app = express();
const secret = randomBytes(32).toString("hex");
// What its documents recommend.
app.use(session({ store, secret, resave: false, saveUninitialized: false }));

// Whole milliseconds: two moments that differ even so came in this order.
const micros = () => String(Date.now() * 1000);

// Waits, so that others overlap: the session is open, and not yet changed.
async function overlap(request, response) {
  response.set("opened", micros());
  await new Promise((done) => setTimeout(done, Number(request.query.ms ?? 0)));
  response.set("worked", micros());
}

// What a session holds, without express-session's own part.
function members({ session }) {
  const { cookie, ...rest } = session;
  return rest;
}

const text = (response, words) => response.type("text").send(words);

app.get("/login", (request, response) => {
  request.session.user = "ada";
  text(response, "logged in\n");
});

app.get("/set", async (request, response) => {
  await overlap(request, response);
  request.session[request.query.k] = 1;
  text(response, "set\n");
});

app.get("/read", async (request, response) => {
  const number = Object.keys(members(request)).length;
  await overlap(request, response);
  text(response, `${number} keys\n`);
});

app.get("/rotate", async (request, response, next) => {
  await overlap(request, response);
  // What was in it, express-session leaves to the application.
  const kept = members(request);
  request.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(request.session, kept, { role: "admin" });
    text(response, "rotated\n");
  });
});

app.get("/logout", async (request, response, next) => {
  await overlap(request, response);
  request.session.destroy((error) => (error ? next(error) : text(response, "logged out\n")));
});

app.get("/dump", (request, response) => response.json(members(request)));
app.get("/plain", (request, response) => text(response, "no session here\n"));

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening 127.0.0.1:${server.address().port}`);
});
process.stdin.resume().on("end", () => process.exit(0));
