// What is done with batches: run, pause, go on, cancel, try again, look at the report.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { type BatchRow, type Batches, progress } from './batches';
import { guarded, type Handler } from './pick';
import type { Server } from './server';
import { type Batch, plain } from './wire';

/** A row of the tree, arguments of the server's, or nothing. */
type Given = BatchRow | { batch?: string; path?: string } | string | undefined;

const COLORS = `<style>:root{--fg:var(--vscode-editor-foreground)!important;--bg:var(--vscode-editor-background)!important;
--soft:var(--vscode-textBlockQuote-background)!important;--line:var(--vscode-widget-border,#8884)!important}</style>`;

export class Batching implements vscode.Disposable {
  private readonly panels = new Map<string, vscode.WebviewPanel>();
  private readonly subscriptions: vscode.Disposable[] = [];

  constructor(
    private readonly server: Server,
    private readonly batches: Batches,
  ) {
    const running = ({ state }: Batch) => state === 'active';
    const alive = ({ state }: Batch) => state !== 'ended';
    const again = ({ counts }: Batch) => counts.failed + counts.cancelled + counts.skipped > 0;
    const handlers: Record<string, Handler> = {
      'divisi.batch': () => vscode.commands.executeCommand('divisi.batches.focus'),
      'divisi.batch.list': () => vscode.commands.executeCommand('divisi.batches.focus'),
      'divisi.batch.report': this.about('show the report of', (batch) => this.report(batch)),
      'divisi.batch.open': this.plainly('divisi.batch.open', 'open'),
      'divisi.batch.rank': this.plainly('divisi.batch.rank', 'rank the runs of'),
      'divisi.batch.status': this.plainly('divisi.batch.status', 'open'),
      'divisi.batch.export': this.about('export', (batch) => this.export(batch)),
      'divisi.batch.dismiss': this.plainly('divisi.batch.dismiss', 'take the marks away of'),
      'divisi.batch.pause': this.plainly('divisi.batch.pause', 'pause', running),
      'divisi.batch.resume': this.plainly('divisi.batch.resume', 'go on with', ({ state }) => state === 'paused'),
      'divisi.batch.cancel': this.about('cancel', (batch) => this.cancel(batch), alive),
      'divisi.batch.retry': this.about('run again what did not pass in', (batch, row) => this.retry(batch, row), again),
      'divisi.batch.concurrency': this.about('change the number of runs of', (batch) => this.concurrency(batch), alive),
      'divisi.batch.run': this.file('divisi.batch.run', 'plan', 'Run which plan?'),
      'divisi.batch.check': this.file('divisi.batch.check', 'plan', 'Check which plan?'),
      'divisi.eval.check': this.file('divisi.eval.check', 'suite', 'Check which suite?'),
    };
    this.subscriptions.push(
      ...Object.entries(handlers).map(([name, handler]) => vscode.commands.registerCommand(name, guarded(handler))),
      batches.onDidChangeTreeData(() => void this.redraw()),
    );
  }

  /** A verb about a batch: of the row, the only one that fits, or the one that is chosen. What a lens gives is handed on. */
  private about(
    verb: string,
    act: (batch: Batch, row?: BatchRow) => Promise<unknown>,
    fits: (batch: Batch) => boolean = () => true,
  ): Handler {
    return async (given: Given) => {
      const row = typeof given === 'object' && 'kind' in given ? given : undefined;
      const id = row?.id ?? (typeof given === 'string' ? given : (given as { batch?: string } | undefined)?.batch);
      const known = id === undefined ? undefined : this.batches.get(id);
      const batch = known ?? (await this.pick(verb, fits));
      return batch && act(batch, row);
    };
  }

  private plainly(command: string, verb: string, fits?: (batch: Batch) => boolean): Handler {
    return this.about(verb, (batch) => this.server.run(command, { batch: batch.id }), fits);
  }

  private async pick(verb: string, fits: (batch: Batch) => boolean): Promise<Batch | undefined> {
    const fitting = this.batches.shown.filter(fits);
    if (fitting.length === 0) {
      throw new Error(`there is no batch to ${verb}`);
    }
    if (fitting.length === 1) {
      return fitting[0];
    }
    const items = fitting.map((batch) => ({ label: plain(batch.name, 60), description: progress(batch), batch }));
    return (await vscode.window.showQuickPick(items, { title: `Which batch to ${verb}?` }))?.batch;
  }

  /** A verb about a plan or a suite: the file that is given, the one in the editor, or one that is chosen. */
  private file(command: string, kind: 'plan' | 'suite', title: string): Handler {
    return async (...given: unknown[]) => {
      if (given[0] !== undefined && !(given[0] instanceof vscode.Uri)) {
        return this.server.pass(command, given);
      }
      const files = await this.server.ask<{ items: { kind: string; label: string; uri: string }[] }>(
        'divisi/tests',
        {},
      );
      const fitting = files.items.filter((item) => item.kind === kind);
      const here = (given[0] ?? vscode.window.activeTextEditor?.document.uri)?.toString();
      const open = fitting.find(({ uri }) => vscode.Uri.parse(uri).toString() === here);
      if (fitting.length === 0) {
        throw new Error(`there is no ${kind} in the folders of this window`);
      }
      const items = fitting.map(({ label, uri }) => ({
        label: plain(label, 60),
        description: vscode.workspace.asRelativePath(vscode.Uri.parse(uri)),
        uri,
      }));
      const chosen = open ?? (await vscode.window.showQuickPick(items, { title }));
      return chosen && this.server.run(command, { path: vscode.Uri.parse(chosen.uri).fsPath });
    };
  }

  private async cancel(batch: Batch): Promise<void> {
    const { running, queued } = batch.counts;
    const detail = `What runs (${running}) is stopped, what waits (${queued}) is given up. What was done stays.`;
    const message = `Cancel the batch ${plain(batch.name, 60)}?`;
    // The other button of the dialog says "Cancel" itself.
    const chosen = await vscode.window.showWarningMessage(message, { modal: true, detail }, 'Stop It');
    if (chosen) {
      await this.server.run('divisi.batch.cancel', { batch: batch.id });
    }
  }

  private async retry(batch: Batch, row?: BatchRow): Promise<void> {
    const runs = row?.kind === 'run' ? { runs: [row.run.number] } : {};
    await this.server.run('divisi.batch.retry', { batch: batch.id, ...runs });
  }

  private async concurrency(batch: Batch): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: `How many runs of ${plain(batch.name, 60)} at the same time?`,
      value: String(batch.concurrency),
      validateInput: (value) => (/^[1-9]\d{0,3}$/.test(value.trim()) ? undefined : 'A number, at least 1'),
    });
    if (text !== undefined) {
      await this.server.run('divisi.batch.concurrency', { batch: batch.id, concurrency: Number(text) });
    }
  }

  private async export(batch: Batch): Promise<void> {
    const formats = ['html', 'md', 'csv', 'jsonl'];
    const format = await vscode.window.showQuickPick(formats, { title: `Export ${plain(batch.name, 60)} as what?` });
    if (!format) {
      return;
    }
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const file = `${batch.name.replace(/[^\p{L}\p{N}_.-]/gu, '_')}.${format}`;
    const target = await vscode.window.showSaveDialog(
      folder ? { defaultUri: vscode.Uri.file(path.join(folder.fsPath, file)) } : {},
    );
    if (target) {
      const { text } = await this.server.call<{ text: string }>('batch/export', { batch: batch.id, format });
      await vscode.workspace.fs.writeFile(target, Buffer.from(text));
    }
  }

  /** The report, as a page: without scripts, and with nothing loaded. It follows the batch. */
  private async report(batch: Batch): Promise<void> {
    const open = this.panels.get(batch.id);
    if (open) {
      open.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel('divisi.report', plain(batch.name, 60), vscode.ViewColumn.Active, {
      enableScripts: false,
      enableCommandUris: false,
      localResourceRoots: [],
      enableFindWidget: true,
    });
    this.panels.set(batch.id, panel);
    panel.onDidDispose(() => this.panels.delete(batch.id));
    await this.draw(batch.id, panel);
  }

  private async draw(id: string, panel: vscode.WebviewPanel): Promise<void> {
    const { text } = await this.server.call<{ text: string }>('batch/export', { batch: id, format: 'html' });
    panel.webview.html = text.replace('</head>', `${COLORS}</head>`);
  }

  private async redraw(): Promise<void> {
    for (const [id, panel] of this.panels) {
      if (panel.visible && this.batches.get(id)) {
        // What it shows stays when the daemon cannot be asked.
        await this.draw(id, panel).catch(() => undefined);
      }
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.panels.values(), ...this.subscriptions).dispose();
  }
}
