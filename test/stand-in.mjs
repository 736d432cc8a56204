// Answers for programs that tests have stand-ins for, all calls of a file's tests from one process: a Node.js for each call was
// most of what such tests took. The module that is named exports `answer`: from what the caller says to exit code and output,
// the latter for standard error where the former is not 0. Prints the port that it listens on. See stand-in.ts.
import { createServer } from "node:net";
import { pathToFileURL } from "node:url";

const { answer } = await import(pathToFileURL(process.argv[2]).href);

function reply(words) {
  try {
    return answer(words).join("\n");
  } catch (error) {
    return `1\n${error.stack}\n`;
  }
}

/** A call is the number of its words and the words, each with a NUL behind it. */
function serve(socket) {
  let call = "";
  socket.setEncoding("utf8").on("data", (text) => {
    call += text;
    const [count, ...words] = call.split("\0");
    if (words.length > Number(count)) socket.end(reply(words.slice(0, -1)));
  });
}

const server = createServer(serve).listen(0, "127.0.0.1", () => console.log(server.address().port));
