// Reading a transcript: its turns as an outline that folds and that stays in sight, and links to the files it names.

import { access } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Sessions } from './sessions';

const LANGUAGE = { language: 'divisi-transcript', scheme: 'divisi' };
/** Files that are looked for, in one transcript. */
const MOST = 2000;
/** A file's name, in a folder or with an ending, and the line that may follow. */
const NAMED = /(?<=^|[\s`'"(*])(\/?(?:[\w@.+-]+\/)*[\w@.+-]+)(?::(\d+)(?::(\d+))?)?(?=$|[\s`'"),:;*]|\.(?:\s|$))/gu;

interface Part {
  first: number;
  last: number;
  /** Of a heading. */
  depth?: number;
  words?: string;
}

/** Headings with what is below them, and blocks between fences. */
function partsOf(document: vscode.TextDocument): Part[] {
  const parts: Part[] = [];
  const open: Part[] = [];
  let fence: { ticks: number; first: number } | undefined;
  const close = (depth: number, last: number) => {
    for (let top = open.at(-1); top && (top.depth ?? 0) >= depth; top = open.at(-1)) {
      top.last = last;
      open.pop();
    }
  };
  for (let line = 0; line < document.lineCount; line += 1) {
    const { text } = document.lineAt(line);
    const ticks = /^\s*(`{3,})/.exec(text)?.[1]?.length ?? 0;
    if (fence) {
      if (ticks >= fence.ticks && /^\s*`+\s*$/.test(text)) {
        parts.push({ first: fence.first, last: line });
        fence = undefined;
      }
      continue;
    }
    if (ticks > 0) {
      fence = { ticks, first: line };
      continue;
    }
    const [, marks, words] = /^(#{1,6}) +(.+)$/.exec(text) ?? [];
    if (marks !== undefined && words !== undefined) {
      close(marks.length, line - 1);
      const part = { first: line, last: line, depth: marks.length, words };
      parts.push(part);
      open.push(part);
    }
  }
  close(1, document.lineCount - 1);
  return parts;
}

function outline(document: vscode.TextDocument): vscode.DocumentSymbol[] {
  const roots: vscode.DocumentSymbol[] = [];
  const above: { depth: number; symbol: vscode.DocumentSymbol }[] = [];
  for (const { first, last, depth, words } of partsOf(document)) {
    if (depth === undefined || words === undefined) {
      continue;
    }
    const whole = new vscode.Range(document.lineAt(first).range.start, document.lineAt(last).range.end);
    const symbol = new vscode.DocumentSymbol(words, '', vscode.SymbolKind.String, whole, document.lineAt(first).range);
    while ((above.at(-1)?.depth ?? 0) >= depth) {
      above.pop();
    }
    (above.at(-1)?.symbol.children ?? roots).push(symbol);
    above.push({ depth, symbol });
  }
  return roots;
}

/** Links to files of the session's worktree that are there. Nothing else becomes one. */
async function links(sessions: Sessions, document: vscode.TextDocument): Promise<vscode.DocumentLink[]> {
  const [, id] = /^\/transcript\/([^/]+)\//.exec(document.uri.path) ?? [];
  const root = id === undefined ? undefined : sessions.get(id)?.worktree.path;
  if (root === undefined) {
    return [];
  }
  const known = new Map<string, Promise<boolean>>();
  const found: { range: vscode.Range; file: string; place: string }[] = [];
  for (let line = 0; line < document.lineCount; line += 1) {
    for (const match of document.lineAt(line).text.matchAll(NAMED)) {
      const [whole, name = '', row, column] = match;
      const file = path.resolve(root, name);
      const within = file.startsWith(`${root}${path.sep}`);
      if (!within || (!name.includes('.') && !name.includes('/') && row === undefined)) {
        continue;
      }
      if (!known.has(file)) {
        if (known.size >= MOST) {
          continue;
        }
        known.set(
          file,
          access(file).then(
            () => true,
            () => false,
          ),
        );
      }
      const range = new vscode.Range(line, match.index, line, match.index + whole.length);
      found.push({ range, file, place: row === undefined ? '' : `L${row}${column === undefined ? '' : `,${column}`}` });
    }
  }
  const there = await Promise.all(found.map(({ file }) => known.get(file)));
  return found
    .filter((_, at) => there[at])
    .map(({ range, file, place }) => new vscode.DocumentLink(range, vscode.Uri.file(file).with({ fragment: place })));
}

export function readTranscripts(sessions: Sessions): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.languages.registerFoldingRangeProvider(LANGUAGE, {
      provideFoldingRanges: (document) =>
        partsOf(document)
          .filter(({ first, last }) => last > first)
          .map(({ first, last }) => new vscode.FoldingRange(first, last)),
    }),
    vscode.languages.registerDocumentSymbolProvider(LANGUAGE, { provideDocumentSymbols: outline }),
    vscode.languages.registerDocumentLinkProvider(LANGUAGE, {
      provideDocumentLinks: (document) => links(sessions, document),
    }),
  );
}
