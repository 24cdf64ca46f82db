// A subscriber with amqplib: one line for every event, each once; TEAM_URL is the connection string.
import { DatabaseSync } from "node:sqlite";
import amqp from "amqplib";

const url = process.env.TEAM_URL;
const done = new DatabaseSync("done.db");
done.exec("create table if not exists done (source, id, primary key (source, id))");
const note = done.prepare("insert or ignore into done values (:source, :id)");

function take(given) {
  try {
    if (Buffer.isBuffer(given)) return JSON.parse(given).forEach(take);
    done.exec("begin"); // your own changes belong into this transaction: all is kept, or nothing
    const { source, id, time, type, subject } = given;
    if (note.run({ source, id }).changes) console.log(time, type, subject, id);
    done.exec("commit");
  } catch (why) {
    if (done.isTransaction) done.exec("rollback");
    if (why.code === "ERR_SQLITE_ERROR") throw why;
    console.error("left out, because it would never go well:", why.message);
  }
}

async function setup(connection) {
  const channel = await connection.createChannel();
  await channel.prefetch(10);
  await channel.consume(new URL(url).username, (message) => {
    take(message.content);
    channel.ack(message);
  });
  channel.on("handler-error", (why) => process.exit(console.error(why) ?? 1)); // what is not acknowledged comes again
}

const connection = await amqp.connect(url, { recovery: { setup, maxDelay: 2000, waitForConnect: false } });
for (const away of ["connect-failed", "disconnect", "error"])
  connection.on(away, (why) => console.error("the broker is away:", why.message));
