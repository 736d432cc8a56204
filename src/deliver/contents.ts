/** What is in a tree, for one who shows it. */
import { contentOf, type OutputFile, sizeOf } from "../emit/file.ts";
import { describeFile, hostOf } from "../write/manifest.ts";

/** Each file with its host, its path there without the `/` in front, and its text where that is asked for. */
export function contentsOf(files: readonly OutputFile[], hasTexts: boolean) {
  const decoder = new TextDecoder();
  return files.map((file) => {
    const host = hostOf(file.path);
    return {
      host,
      path: file.path.slice(host.length + 1),
      bytes: sizeOf(file.content),
      sha256: describeFile(file).sha256,
      text: hasTexts ? decoder.decode(contentOf(file)) : undefined,
    };
  });
}
