/**
 * What the demo shows: a few lines that are redrawn on a terminal, a line a second elsewhere, and events that
 * scroll by above.
 */
export function createScreen(stream = process.stdout) {
  const live = stream.isTTY === true;
  const startMs = performance.now();
  let drawn = 0;
  let lastLineMs = -1_000;

  const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1).padStart(5)} s`;
  const erase = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };

  return {
    /** Something happened. */
    event(text) {
      if (live) erase();
      stream.write(`${seconds()}  ${text}\n`);
    },
    /** How things stand now. */
    show(facts) {
      if (!live) {
        if (performance.now() - lastLineMs < 1_000) return;
        lastLineMs = performance.now();
        stream.write(`${seconds()}    ${facts.map(([name, value]) => `${name} ${value}`).join(' | ')}\n`);
        return;
      }
      erase();
      const width = Math.max(...facts.map(([name]) => name.length));
      const lines = ['', ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
      stream.write(`${lines.map((line) => line.slice(0, (stream.columns || 80) - 1)).join('\n')}\n`);
      drawn = lines.length;
    },
    /** The last words. */
    end(lines) {
      if (live) erase();
      stream.write(`\n${lines.join('\n')}\n`);
    },
  };
}
