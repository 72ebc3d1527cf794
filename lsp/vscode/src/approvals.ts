// Approvals: one at a time, beside the work. A notification takes no focus, decides nothing when it is put off, and goes away
// when the approval was answered, here or anywhere else.

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { type Approval, plain } from './wire';

interface Choice {
  title: string;
  command: string;
  arguments: object;
}

/** The answers an approval has. */
export function answers(approval: Approval): Choice[] {
  const id = { approval: approval.id };
  if (approval.kind === 'question') {
    return approval.options.map((option) => ({
      title: plain(option.name, 40),
      command: 'divisi.approve',
      arguments: { ...id, option: option.id },
    }));
  }
  return [
    { title: 'Allow Once', command: 'divisi.approve', arguments: id },
    { title: 'Reject', command: 'divisi.reject', arguments: id },
    { title: 'Always Allow', command: 'divisi.approve.always', arguments: id },
  ];
}

/** Text of the agent before links of ours. A bracket that it does not close would give the first of them another name. */
function unlinked(text: string): string {
  return text.replace(/\[(?=[^\]]*$)/g, '\u{27e6}');
}

function link({ title, command, arguments: args }: Choice): string {
  const label = title.replaceAll('[', '\u{27e6}').replaceAll(']', '\u{27e7}') || '?';
  // VS Code decodes twice; a parenthesis would end the link.
  const once = encodeURIComponent(JSON.stringify([args]))
    .replaceAll('(', '%28')
    .replaceAll(')', '%29');
  return `[${label}](command:${command}?${encodeURIComponent(once)})`;
}

export class Approvals implements vscode.Disposable {
  /** Put off in this window; they stay in the tree and in the status bar. */
  private readonly later = new Set<string>();
  private shown: { id: string; close: () => void } | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
  ) {
    this.subscriptions = [sessions.onNews(({ approvals }) => approvals && this.next())];
  }

  /** What is shown goes when it is settled; then the next one comes. */
  private next(): void {
    const open = this.sessions.approvals;
    const waits = (approval: Approval) =>
      !this.later.has(approval.id) && this.sessions.get(approval.session)?.policy !== 'hold';
    if (this.shown) {
      if (open.some((approval) => approval.id === this.shown?.id && waits(approval))) {
        return;
      }
      this.shown.close();
      this.shown = undefined;
    }
    const approval = open.find(waits);
    if (approval && vscode.workspace.getConfiguration('divisi').get('notify', true)) {
      this.show(approval, open.filter(waits).length - 1);
    }
  }

  /** A notification with a progress is the one kind that can be taken away again. */
  private show(approval: Approval, more: number): void {
    const session = this.sessions.get(approval.session);
    const what = unlinked(plain(approval.command_line ?? approval.tool.title, 300));
    const choices = [
      ...answers(approval),
      { title: 'Transcript', command: 'divisi.transcript', arguments: { session: approval.session } },
    ];
    const rest = more > 0 ? ` (${more} more)` : '';
    const message = `${unlinked(plain(session?.name, 60))} asks${rest}: ${what} — ${choices.map(link).join(' · ')}`;
    let close = () => {};
    const settled = new Promise<void>((resolve) => {
      close = resolve;
    });
    this.shown = { id: approval.id, close };
    // The button's name; where a version knows none it says "Cancel". With a button the whole message is shown.
    const cancellable = 'Later' as unknown as boolean;
    const place = { location: vscode.ProgressLocation.Notification, cancellable };
    void vscode.window.withProgress(place, (progress, token) => {
      progress.report({ message });
      token.onCancellationRequested(() => {
        this.later.add(approval.id);
        this.next();
      });
      return settled;
    });
  }

  /** The same, in a list: of one approval, or of all that wait. */
  async pick(approval?: Approval): Promise<void> {
    const open = this.sessions.approvals;
    if (approval && !open.some(({ id }) => id === approval.id)) {
      throw new Error('that was answered already');
    }
    if (open.length === 0) {
      throw new Error('nothing waits for an answer');
    }
    const one = approval ?? (open.length === 1 ? open[0] : undefined) ?? (await this.which(open));
    if (!one) {
      return;
    }
    const choices = answers(one).map((choice) => ({ label: choice.title, choice }));
    const chosen = await vscode.window.showQuickPick(choices, {
      title: `${plain(this.sessions.get(one.session)?.name, 60)} asks`,
      placeHolder: plain(one.command_line ?? one.tool.title, 200),
    });
    if (chosen) {
      await this.server.run(chosen.choice.command, chosen.choice.arguments);
    }
  }

  private async which(open: Approval[]): Promise<Approval | undefined> {
    const items = open.map((approval) => ({
      label: plain(approval.command_line ?? approval.tool.title, 120),
      description: plain(this.sessions.get(approval.session)?.name, 60),
      approval,
    }));
    return (await vscode.window.showQuickPick(items, { title: 'Answer which?' }))?.approval;
  }

  dispose(): void {
    this.shown?.close();
    vscode.Disposable.from(...this.subscriptions).dispose();
  }
}
