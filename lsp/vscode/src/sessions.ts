// What the daemon said of sessions and approvals. A mirror, nothing else: it is told of every change.

import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Server } from './server';
import type { Approval, Changed, Session } from './wire';

export interface News {
  /** Sessions that changed; absent: all. */
  sessions?: Set<string>;
  /** Their reviews changed: files, decisions, comments. */
  reviews: Set<string>;
  approvals: boolean;
}

const REVIEW = /^(turn\.ended|session\.checkpointed|hunk\.|comment\.|round\.|file\.|landing\.|rewind\.)/;

export class Sessions implements vscode.Disposable {
  private readonly all = new Map<string, Session>();
  private open: Approval[] = [];
  private readonly news = new vscode.EventEmitter<News>();
  private readonly subscriptions: vscode.Disposable[];
  /** Why nothing can be known, if so. */
  lost: string | undefined;

  readonly onNews = this.news.event;

  constructor(private readonly server: Server) {
    this.subscriptions = [
      server.onChanged((changed) => void this.take(changed)),
      server.onRunning((running) => void (running ? this.read() : this.forget())),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.news.fire({ reviews: new Set(), approvals: true })),
    ];
  }

  get(id: string): Session | undefined {
    return this.all.get(id);
  }

  /** Those shown in this window, what needs a person first. */
  get shown(): Session[] {
    return [...this.all.values()]
      .filter((session) => this.concerns(session))
      .sort((a, b) => a.attention - b.attention || b.updated_at - a.updated_at);
  }

  /** Open approvals of the sessions shown, the oldest first. */
  get approvals(): Approval[] {
    return this.open.filter((approval) => {
      const session = this.all.get(approval.session);
      return session !== undefined && this.concerns(session);
    });
  }

  /** The session in whose worktree a file is, and the file's name there. */
  at(uri: vscode.Uri): { session: Session; path: string } | undefined {
    if (uri.scheme !== 'file') {
      return undefined;
    }
    for (const session of this.all.values()) {
      const name = path.relative(session.worktree.path, uri.fsPath);
      if (name !== '' && !name.startsWith('..') && !path.isAbsolute(name)) {
        return { session, path: name };
      }
    }
    return undefined;
  }

  private concerns(session: Session): boolean {
    if (vscode.workspace.getConfiguration('divisi').get('sessions') === 'all') {
      return true;
    }
    const inside = (child: string, parent: string) => child === parent || child.startsWith(`${parent}${path.sep}`);
    return (vscode.workspace.workspaceFolders ?? []).some(({ uri }) =>
      [session.repository, session.worktree.path].some(
        (tree) => uri.scheme === 'file' && (inside(uri.fsPath, tree) || inside(tree, uri.fsPath)),
      ),
    );
  }

  private async read(): Promise<void> {
    const sessions = await this.server.call<Session[]>('session/list', {});
    await this.take({ sessions, events: [], whole: true });
  }

  private forget(): void {
    this.all.clear();
    this.open = [];
    this.news.fire({ reviews: new Set(), approvals: true });
  }

  private async take({ sessions, events, whole, lost }: Changed): Promise<void> {
    this.lost = lost;
    if (whole) {
      this.all.clear();
    }
    for (const session of sessions) {
      if (session.removed) {
        this.all.delete(session.id);
      } else {
        this.all.set(session.id, session);
      }
    }
    for (const { type, session } of events) {
      if (type === 'session.removed' && session !== undefined) {
        this.all.delete(session);
      }
    }
    const asked = whole === true || events.some(({ type }) => /^(approval|session)\./.test(type));
    if (asked) {
      this.open = await this.server.call<Approval[]>('approval/list', {});
    }
    const reviews = events.filter(({ type }) => REVIEW.test(type)).flatMap(({ session }) => session ?? []);
    const news: News = { reviews: new Set(reviews), approvals: asked || lost !== undefined };
    if (!whole && lost === undefined) {
      news.sessions = new Set(sessions.map(({ id }) => id));
    }
    this.news.fire(news);
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
    this.news.dispose();
  }
}
