// Review comments, through the editor's own comments.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { baseUri } from './review';
import type { Reviews } from './reviews';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { type CommentKind, plain, type Review, type ReviewComment, type Session } from './wire';

interface Written extends vscode.Comment {
  id: string;
  session: string;
  kind: CommentKind;
  /** Before it was edited. */
  before: string;
}

export class Comments implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController('divisi', 'divisi review');
  private readonly threads = new Map<string, vscode.CommentThread>();
  private readonly subscriptions: vscode.Disposable[] = [];

  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly reviews: Reviews,
  ) {
    this.controller.options = { prompt: 'Comment for the agent', placeHolder: 'What should be different?' };
    this.controller.commentingRangeProvider = {
      provideCommentingRanges: (document) =>
        this.place(document.uri) ? [new vscode.Range(0, 0, Math.max(document.lineCount - 1, 0), 0)] : [],
    };
    const written = (name: string, act: (comment: Written) => Promise<void> | void) =>
      vscode.commands.registerCommand(name, (comment: Written) => this.guard(async () => act(comment)));
    const kinds: CommentKind[] = ['issue', 'suggestion', 'question', 'nit'];
    this.subscriptions.push(
      this.controller,
      ...kinds.map((kind) =>
        vscode.commands.registerCommand(`divisi.comment.${kind}`, (reply: vscode.CommentReply) =>
          this.guard(() => this.add(reply, kind)),
        ),
      ),
      written('divisi.comment.edit', (comment) => this.setMode(comment, vscode.CommentMode.Editing)),
      written('divisi.comment.cancel', (comment) => {
        comment.body = comment.before;
        this.setMode(comment, vscode.CommentMode.Preview);
      }),
      written('divisi.comment.save', (comment) => this.call('comment/edit', comment, { text: textOf(comment) })),
      written('divisi.comment.remove', (comment) => this.call('comment/remove', comment, {})),
      vscode.commands.registerCommand('divisi.comment.resolve', (thread: vscode.CommentThread) =>
        this.resolve(thread, true),
      ),
      vscode.commands.registerCommand('divisi.comment.reopen', (thread: vscode.CommentThread) =>
        this.resolve(thread, false),
      ),
      reviews.onRead((id) => void this.draw(id)),
      // Those of a review that was not looked at yet come with its first file.
      vscode.window.onDidChangeVisibleTextEditors((editors) => this.look(editors)),
      sessions.onNews(() => this.look(vscode.window.visibleTextEditors)),
    );
  }

  private look(editors: readonly vscode.TextEditor[]): void {
    const seen = new Set(editors.flatMap(({ document }) => this.place(document.uri)?.session.id ?? []));
    for (const id of seen) {
      void this.draw(id);
    }
  }

  /** Which file of which session a document shows, and on which side. */
  private place(uri: vscode.Uri): { session: Session; path: string; side: 'new' | 'old'; round: number } | undefined {
    const own = this.sessions.at(uri);
    if (own) {
      return own.session.stat.files > 0 ? { ...own, side: 'new', round: 0 } : undefined;
    }
    const [, id, round, file] = /^\/base\/([^/]+)\/(\d+)\/(.+)$/.exec(uri.scheme === 'divisi' ? uri.path : '') ?? [];
    const session = id === undefined ? undefined : this.sessions.get(id);
    return session && file !== undefined ? { session, path: file, side: 'old', round: Number(round) } : undefined;
  }

  private async add({ thread, text }: vscode.CommentReply, kind: CommentKind): Promise<void> {
    const place = this.place(thread.uri);
    if (!place || text.trim() === '') {
      return;
    }
    const range = thread.range;
    const review = await this.reviews.get(place.session.id);
    // The diff names a file that was moved as it is now; a comment does too.
    const file = review.diff.files.find((file) => place.side === 'old' && (file.old_path ?? file.path) === place.path);
    await this.server.call('comment/add', {
      session: place.session.id,
      path: file?.path ?? place.path,
      side: place.side,
      round: place.round,
      first: range ? range.start.line + 1 : 0,
      last: range ? range.end.line + 1 : 0,
      kind,
      text,
    });
    // The daemon's comes instead.
    thread.dispose();
  }

  private async resolve(thread: vscode.CommentThread, resolved: boolean): Promise<void> {
    const comment = thread.comments[0] as Written | undefined;
    if (comment) {
      await this.guard(() => this.call('comment/resolve', comment, { resolved }));
    }
  }

  private async call(method: string, { session, id }: Written, more: object): Promise<void> {
    await this.server.call(method, { session, comment: id, ...more });
  }

  private setMode(comment: Written, mode: vscode.CommentMode): void {
    const thread = this.threads.get(comment.id);
    comment.mode = mode;
    if (thread) {
      thread.comments = [...thread.comments];
    }
  }

  private async draw(id: string): Promise<void> {
    const session = this.sessions.get(id);
    const review = session && (await this.reviews.get(id).catch(() => undefined));
    if (!session || !review) {
      return;
    }
    const now = new Set(review.comments.map((comment) => comment.id));
    for (const [key, thread] of this.threads) {
      const comment = thread.comments[0] as Written;
      if (comment.session === id && !now.has(key)) {
        thread.dispose();
        this.threads.delete(key);
      }
    }
    for (const comment of review.comments) {
      this.thread(session, review, comment);
    }
  }

  private thread(session: Session, review: Review, comment: ReviewComment): void {
    const file = review.diff.files.find((file) => file.path === comment.path);
    const uri =
      comment.side === 'old' && file
        ? baseUri(session, file, comment.anchor?.round ?? 0)
        : vscode.Uri.file(path.join(session.worktree.path, comment.path));
    const first = Math.max((comment.line ?? comment.first) - 1, 0);
    const range = new vscode.Range(first, 0, first + Math.max(comment.last - comment.first, 0), 0);
    let thread = this.threads.get(comment.id);
    if (thread && thread.uri.toString() !== uri.toString()) {
      thread.dispose();
      thread = undefined;
    }
    const written: Written = {
      id: comment.id,
      session: session.id,
      kind: comment.kind,
      before: comment.text,
      // A string is shown as it is; nothing in it becomes a link or an image.
      body: comment.text,
      mode: vscode.CommentMode.Preview,
      author: { name: plain(comment.by, 40) },
      label: comment.kind,
      contextValue: 'comment',
    };
    if (!thread) {
      thread = this.controller.createCommentThread(uri, range, [written]);
      thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
      this.threads.set(comment.id, thread);
    } else {
      thread.range = range;
      // One that is being written is left alone.
      if (thread.comments.every(({ mode }) => mode === vscode.CommentMode.Preview)) {
        thread.comments = [written];
      } else if ((thread.comments[0] as Written).before !== comment.text) {
        thread.comments = [written];
      }
    }
    const open = comment.round ? `sent in round ${comment.round}` : 'not sent yet';
    thread.label = [comment.resolved ? 'resolved' : open, ...(comment.outdated ? ['outdated'] : [])].join(', ');
    thread.canReply = false;
    thread.state = comment.resolved ? vscode.CommentThreadState.Resolved : vscode.CommentThreadState.Unresolved;
    thread.contextValue = comment.resolved ? 'resolved' : 'open';
  }

  private async guard(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      void vscode.window.showErrorMessage(
        `divisi: ${plain(error instanceof Error ? error.message : String(error), 400)}`,
      );
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.threads.values(), ...this.subscriptions).dispose();
  }
}

function textOf(comment: Written): string {
  return typeof comment.body === 'string' ? comment.body : comment.body.value;
}
