// The status bar: who waits for an answer, else what there is to review, else what runs.

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { count, plain, shownAs } from './wire';

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('divisi.status', vscode.StatusBarAlignment.Left, 10);
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
  ) {
    this.item.name = 'divisi';
    this.subscription = vscode.Disposable.from(
      sessions.onNews(() => this.draw()),
      server.onRunning(() => this.draw()),
    );
    this.draw();
    this.item.show();
  }

  private draw(): void {
    const sessions = this.sessions.shown;
    const asks = this.sessions.approvals.length;
    const review = sessions.filter(({ state }) => state === 'review').length;
    const busy = sessions.filter((session) => shownAs(session).busy && session.state !== 'awaiting_input').length;
    this.item.backgroundColor = asks > 0 ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.command = asks > 0 ? 'divisi.approvals' : 'divisi.sessions';
    if (!this.server.isRunning || this.sessions.lost !== undefined) {
      this.item.text = '$(debug-disconnect) divisi';
      this.item.tooltip = this.sessions.lost ? plain(this.sessions.lost, 300) : 'divisi does not run in this window';
      return;
    }
    const words = [
      ...(asks > 0 ? [`$(bell-dot) ${asks}`] : []),
      ...(review > 0 ? [`$(diff) ${review}`] : []),
      ...(busy > 0 ? [`$(sync~spin) ${busy}`] : []),
    ];
    this.item.text = words.length > 0 ? words.join(' ') : '$(git-branch) divisi';
    this.item.tooltip = `divisi: ${count(asks, 'question')}, ${review} to review, ${busy} at work`;
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }
}
