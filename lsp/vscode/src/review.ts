// The review: files as the editor's own diffs, decisions on the hunk under the cursor.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { HERE } from './pick';
import type { Reviews } from './reviews';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { count, type FileDiff, type Hunk, plain, type Review, type Session } from './wire';

/** The file as it was where the session began, or when a round was sent. */
export function baseUri(session: Session, file: FileDiff, round = 0): vscode.Uri {
  return vscode.Uri.from({ scheme: 'divisi', path: `/base/${session.id}/${round}/${file.old_path ?? file.path}` });
}

/** The file as it is in the session's worktree; an empty document for one that is gone. */
export function nowUri(session: Session, file: FileDiff): vscode.Uri {
  return file.status === 'deleted'
    ? vscode.Uri.from({ scheme: 'divisi', path: `/gone/${session.id}/${file.path}` })
    : vscode.Uri.file(path.join(session.worktree.path, file.path));
}

/** First and last line of a hunk in the new file, zero-based. What only removes stands at the line after which it was. */
function lines(hunk: Hunk): [number, number] {
  const first = Math.max(hunk.new_start - 1, 0);
  return [first, first + Math.max(hunk.new_lines - 1, 0)];
}

/** The lines of a hunk that changed: without the context around them. */
function changed(hunk: Hunk): [number, number] {
  let line = Math.max(hunk.new_start - 1, 0);
  let first: number | undefined;
  let last = line;
  for (const text of hunk.lines) {
    if (text.startsWith('+') || text.startsWith('-')) {
      first ??= line;
      last = line;
    }
    if (text.startsWith('+') || text.startsWith(' ')) {
      line += 1;
    }
  }
  return [first ?? line, last];
}

export class Reviewing {
  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly reviews: Reviews,
  ) {}

  /** Opens the review of a session: its only file, or the one that is chosen. */
  async open(session: Session): Promise<void> {
    const review = await this.reviews.get(session.id);
    const { files } = review.diff;
    if (files.length <= 1 && review.round === 0) {
      return files[0] ? this.openFile(session, files[0]) : this.nothing(session);
    }
    const undecided = (file: FileDiff) => (file.hunks ?? []).filter(({ decision }) => !decision).length;
    const rows = files.map((file) => ({
      label: plain(file.path),
      description: `+${file.added} −${file.removed}`,
      detail: undecided(file) === 0 ? 'decided' : `${count(undecided(file), 'hunk')} to decide`,
      open: () => this.openFile(session, file),
    }));
    const wholes = [{ label: '$(files) All files at once', open: () => this.openAll(session) }];
    if (review.round > 0) {
      const label = `$(reply) Only the answer to round ${review.round}`;
      wholes.push({ label, open: () => this.openAll(session, review.round) });
    }
    const chosen = await vscode.window.showQuickPick<vscode.QuickPickItem & { open: () => Promise<void> }>(
      [...wholes, ...rows],
      { title: `Review of ${plain(session.name, 60)}`, placeHolder: 'Which file?', matchOnDescription: true },
    );
    await chosen?.open();
  }

  async openFile(session: Session, file: FileDiff): Promise<void> {
    const title = `${plain(path.posix.basename(file.path))} (${plain(session.name, 40)})`;
    await vscode.commands.executeCommand('vscode.diff', baseUri(session, file), nowUri(session, file), title, {
      preview: true,
    });
    const hunk = (file.hunks ?? []).find(({ decision }) => !decision);
    const editor = vscode.window.activeTextEditor;
    if (hunk && editor?.document.uri.toString() === nowUri(session, file).toString()) {
      show(editor, changed(hunk)[0]);
    }
  }

  /** All files in one editor: what the session changed, or what it changed since a round was sent. */
  async openAll(session: Session, round = 0): Promise<void> {
    const review =
      round === 0
        ? await this.reviews.get(session.id)
        : await this.server.call<Review>('review/show', { session: session.id, of: 'round', number: round });
    const { files } = review.diff;
    if (files.length === 0) {
      return this.nothing(session);
    }
    const resources = files.map((file) => [
      nowUri(session, file),
      baseUri(session, file, round),
      nowUri(session, file),
    ]);
    const of = round === 0 ? 'Review' : `Answer to round ${round}`;
    await vscode.commands.executeCommand('vscode.changes', `${of} of ${plain(session.name, 60)}`, resources);
  }

  private async nothing(session: Session): Promise<void> {
    await vscode.window.showInformationMessage(`divisi: ${plain(session.name, 60)} changed nothing`);
  }

  /** Decides on the hunk under the cursor, and goes to the next one. */
  async decide(action: 'accept' | 'reject' | 'undo'): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const here = editor && this.sessions.at(editor.document.uri);
    if (!editor || !here) {
      throw new Error('the cursor is in no file of a session: open one from its review');
    }
    const review = await this.reviews.get(here.session.id);
    const file = review.diff.files.find((file) => file.path === here.path);
    const cursor = editor.selection.active.line;
    const hunk = (file?.hunks ?? []).find((hunk) => lines(hunk)[0] <= cursor && cursor <= lines(hunk)[1]);
    if (!hunk) {
      throw new Error('there is no hunk of the session at the cursor');
    }
    await this.server.call('hunk/decide', { session: here.session.id, hunk: hunk.id, action });
    const next = (file?.hunks ?? []).find(
      (other) => !other.decision && other.id !== hunk.id && lines(other)[0] > cursor,
    );
    if (next && action === 'accept') {
      show(editor, changed(next)[0]);
    }
  }

  /** Begins a comment on the line under the cursor. */
  async comment(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor || !this.sessions.at(editor.document.uri)) {
      throw new Error('the cursor is in no file of a session: open one from its review');
    }
    await vscode.commands.executeCommand('workbench.action.addComment');
  }

  /** Takes a decision back: of the hunk under the cursor, or of one that is chosen, for a rejected one is in no file. */
  async undo(session: Session): Promise<void> {
    const review = await this.reviews.get(session.id);
    const accepted = review.diff.files.flatMap((file) =>
      (file.hunks ?? []).flatMap((hunk) =>
        hunk.decision
          ? [{ id: hunk.id, path: file.path, line: hunk.new_start, lines: hunk.lines, what: hunk.decision }]
          : [],
      ),
    );
    const rejected = review.rejected.map((hunk) => ({ ...hunk, what: 'rejected' }));
    const items = [...rejected, ...accepted].map((hunk) => ({
      label: `${plain(hunk.path, 80)}:${hunk.line}`,
      description: hunk.what,
      detail: plain(hunk.lines.filter((line) => /^[+-]/.test(line)).join(' '), 120),
      id: hunk.id,
    }));
    const unique = items.filter((item, at) => items.findIndex(({ id }) => id === item.id) === at);
    if (unique.length === 0) {
      throw new Error(`nothing was decided in ${plain(session.name, 60)}`);
    }
    const chosen = await vscode.window.showQuickPick(unique, { title: 'Take which decision back?' });
    if (chosen) {
      await this.server.call('hunk/decide', { session: session.id, hunk: chosen.id, action: 'undo' });
    }
  }

  /** Sends comments and rejections to the agent. */
  async send(session: Session): Promise<void> {
    const { comments, rejected } = session.review;
    if (comments + rejected === 0) {
      throw new Error(`there is no comment and no rejected hunk in ${plain(session.name, 60)} that was not sent`);
    }
    const note = await vscode.window.showInputBox({
      title: `To ${plain(session.name, 60)}: ${count(comments, 'comment')}, ${count(rejected, 'rejected hunk')}`,
      prompt: 'Something to say besides? Enter sends the round.',
      ignoreFocusOut: true,
    });
    if (note !== undefined) {
      await this.server.call('round/send', { session: session.id, note });
    }
  }

  async viewed(session: Session, file: FileDiff, viewed: boolean): Promise<void> {
    const content = viewed ? { content: file.content } : {};
    await this.server.call('file/viewed', { session: session.id, path: file.path, ...content });
  }

  /** Keeps the context key that shows the buttons of the review in an editor's title. */
  follow(): vscode.Disposable {
    const look = () => {
      const here = vscode.window.activeTextEditor && this.sessions.at(vscode.window.activeTextEditor.document.uri);
      void vscode.commands.executeCommand('setContext', HERE, here !== undefined);
    };
    look();
    return vscode.Disposable.from(vscode.window.onDidChangeActiveTextEditor(look), this.sessions.onNews(look));
  }
}

function show(editor: vscode.TextEditor, line: number): void {
  const at = new vscode.Position(Math.min(line, editor.document.lineCount - 1), 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
