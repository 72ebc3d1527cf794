// Transcripts: documents that the server writes (`divisi:/transcript/...`) and that grow. Who looks at the end stays at the end.
// They have a language of their own, coloured as Markdown: in Markdown an agent could write links that run commands.

import * as vscode from 'vscode';
import type { Session } from './wire';

export function transcriptUri(session: Session): vscode.Uri {
  const name = session.name.replace(/[^\p{L}\p{N}_.-]/gu, '_');
  return vscode.Uri.from({ scheme: 'divisi', path: `/transcript/${session.id}/${name}.transcript` });
}

export async function openTranscript(session: Session): Promise<void> {
  const document = await vscode.workspace.openTextDocument(transcriptUri(session));
  const editor = await vscode.window.showTextDocument(document, { preview: true });
  toEnd(editor);
}

function toEnd(editor: vscode.TextEditor): void {
  const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
  editor.revealRange(new vscode.Range(end, end));
}

/** Keeps editors that show a transcript's end there while it grows. */
export function followTranscripts(): vscode.Disposable {
  /** How many lines each had when it changed last. */
  const lines = new Map<string, number>();
  return vscode.Disposable.from(
    vscode.workspace.onDidCloseTextDocument(({ uri }) => lines.delete(uri.toString())),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document.uri.scheme !== 'divisi' || !document.uri.path.startsWith('/transcript/')) {
        return;
      }
      const key = document.uri.toString();
      const before = lines.get(key) ?? document.lineCount;
      lines.set(key, document.lineCount);
      for (const editor of vscode.window.visibleTextEditors.filter((editor) => editor.document === document)) {
        if (editor.visibleRanges.some((range) => range.end.line >= before - 3)) {
          const end = document.lineAt(document.lineCount - 1).range;
          editor.revealRange(end);
        }
      }
    }),
  );
}
