// The tree of sessions: each with what it asks and the files it changed.

import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Reviews } from './reviews';
import type { Sessions } from './sessions';
import { type Approval, changes, type FileDiff, lands, plain, type Session, shownAs } from './wire';

export type Row =
  | { kind: 'session'; id: string }
  | { kind: 'approval'; approval: Approval }
  | { kind: 'file'; id: string; file: FileDiff };

export class Tree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Row | undefined>();
  private readonly rows = new Map<string, Row>();
  private readonly subscriptions: vscode.Disposable[];

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly sessions: Sessions,
    private readonly reviews: Reviews,
  ) {
    this.subscriptions = [
      sessions.onNews(() => this.changed.fire(undefined)),
      reviews.onRead(() => this.changed.fire(undefined)),
    ];
  }

  /** The row of a session, for revealing it. */
  row(id: string): Row {
    const known = this.rows.get(id);
    const row: Row = known ?? { kind: 'session', id };
    this.rows.set(id, row);
    return row;
  }

  getParent(row: Row): Row | undefined {
    switch (row.kind) {
      case 'session':
        return undefined;
      case 'approval':
        return this.row(row.approval.session);
      case 'file':
        return this.row(row.id);
    }
  }

  async getChildren(row?: Row): Promise<Row[]> {
    if (!row) {
      return this.sessions.shown.map(({ id }) => this.row(id));
    }
    if (row.kind !== 'session') {
      return [];
    }
    const asked = this.sessions.approvals.filter(({ session }) => session === row.id);
    const review = (this.sessions.get(row.id)?.stat.files ?? 0) > 0 ? await this.reviews.get(row.id) : undefined;
    return [
      ...asked.map((approval): Row => ({ kind: 'approval', approval })),
      ...(review?.diff.files ?? []).map((file): Row => ({ kind: 'file', id: row.id, file })),
    ];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    switch (row.kind) {
      case 'session':
        return this.session(this.sessions.get(row.id), row.id);
      case 'approval':
        return this.approval(row.approval);
      case 'file':
        return this.file(row.id, row.file);
    }
  }

  private session(session: Session | undefined, id: string): vscode.TreeItem {
    if (!session) {
      return new vscode.TreeItem(id);
    }
    const { icon, color, phrase, busy } = shownAs(session);
    const asks = this.sessions.approvals.some((approval) => approval.session === id);
    const some = asks || session.stat.files > 0;
    const item = new vscode.TreeItem(
      plain(session.name, 60),
      some
        ? asks
          ? vscode.TreeItemCollapsibleState.Expanded
          : vscode.TreeItemCollapsibleState.Collapsed
        : vscode.TreeItemCollapsibleState.None,
    );
    item.id = `${id}${asks ? '!' : ''}`;
    item.iconPath = new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
    const words = [
      phrase,
      changes(session.stat),
      plain(busy ? session.activity : (session.reason ?? session.said), 80),
    ];
    item.description = `${session.unread ? '● ' : ''}${words.filter((word) => word !== '').join(' · ')}`;
    item.tooltip = [
      `${plain(session.name, 60)}: ${phrase}`,
      `${plain(session.agent, 40)}${session.model ? `, ${plain(session.model, 60)}` : ''} on ${plain(session.worktree.branch.replace('refs/heads/', ''))}`,
      plain(session.prompt, 300),
      plain(session.reason, 300),
    ]
      .filter((line) => line !== '')
      .join('\n');
    // What the menus ask for, each a word between blanks.
    const facts = ['session', busy ? 'busy' : 'rests'];
    if (session.stat.files > 0) facts.push('changed');
    if (lands(session)) facts.push('lands');
    if (!busy && session.turn && (session.state === 'failed' || session.state === 'interrupted')) facts.push('retry');
    if (session.review.comments + session.review.rejected > 0) facts.push('round');
    if (session.landing?.state === 'conflicted') facts.push('conflicted');
    if (session.terminal) facts.push('terminal');
    item.contextValue = ` ${facts.join(' ')} `;
    item.command = { title: 'Transcript', command: 'divisi.transcript', arguments: [this.row(id)] };
    item.accessibilityInformation = { label: `${session.name}, ${item.description}` };
    return item;
  }

  private approval(approval: Approval): vscode.TreeItem {
    const item = new vscode.TreeItem(plain(approval.command_line ?? approval.tool.title, 100));
    item.id = approval.id;
    item.iconPath = new vscode.ThemeIcon('shield', new vscode.ThemeColor('list.warningForeground'));
    item.description = approval.kind === 'question' ? 'asks' : 'wants to do this';
    item.contextValue = ` ${approval.kind} `;
    item.tooltip = `${plain(approval.tool.title, 300)}\n${plain(approval.command_line, 1000)}`;
    item.command = { title: 'Answer', command: 'divisi.approvals', arguments: [{ kind: 'approval', approval }] };
    return item;
  }

  private file(id: string, file: FileDiff): vscode.TreeItem {
    const item = new vscode.TreeItem(plain(path.posix.basename(file.path), 100));
    item.id = `${id}/${file.path}`;
    const hunks = file.hunks ?? [];
    const decided = hunks.filter(({ decision }) => decision).length;
    const place = path.posix.dirname(file.path);
    const words = [place === '.' ? '' : plain(place, 80), `+${file.added} −${file.removed}`];
    if (hunks.length > 0) words.push(`${decided}/${hunks.length} decided`);
    if (file.status !== 'modified') words.push(file.status.replace('_', ' '));
    item.description = words.filter((word) => word !== '').join(' · ');
    const session = this.sessions.get(id);
    if (session) {
      item.resourceUri = vscode.Uri.file(path.join(session.worktree.path, file.path));
    }
    item.iconPath = vscode.ThemeIcon.File;
    item.contextValue = ' file ';
    if (file.content) {
      item.checkboxState = {
        state: file.viewed ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
        tooltip: 'viewed',
      };
    }
    item.command = { title: 'Compare', command: 'divisi.review.file', arguments: [{ kind: 'file', id, file }] };
    return item;
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
    this.changed.dispose();
  }
}
