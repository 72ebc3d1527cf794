// Batches: what the daemon said of them, read again when something about one happened, and their tree: each with its runs.

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { type Batch, type BatchRun, money, plain } from './wire';

export type BatchRow = { kind: 'batch'; id: string } | { kind: 'run'; id: string; run: BatchRun };

const CONCERNS = /^(batch|run)\./;
/** Between two readings while much happens to a batch, and while only sessions of its runs do something, milliseconds. */
const PAUSE = 300;
const LONG = 1500;

const STATES: Record<BatchRun['state'], [icon: string, color?: string]> = {
  queued: ['clock'],
  running: ['sync~spin'],
  passed: ['pass', 'testing.iconPassed'],
  failed: ['error', 'list.errorForeground'],
  cancelled: ['circle-slash'],
  skipped: ['debug-step-over'],
};

function themed(icon: string, color?: string): vscode.ThemeIcon {
  return new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
}

export class Batches implements vscode.TreeDataProvider<BatchRow>, vscode.Disposable {
  private all: Batch[] = [];
  private readonly rows = new Map<string, BatchRow>();
  private readonly changed = new vscode.EventEmitter<BatchRow | undefined>();
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
  ) {
    this.subscriptions = [
      server.onRunning((running) => (running ? this.soon(0) : this.take([]))),
      server.onChanged(({ events, whole, sessions: touched }) => {
        // Of a run that is under way, what its session does is news too.
        if (whole || events.some(({ type }) => CONCERNS.test(type))) {
          this.soon(PAUSE);
        } else if (touched.length > 0 && this.all.some(({ state }) => state !== 'ended')) {
          this.soon(LONG);
        }
      }),
    ];
  }

  /** The newest first; those under way before those that have ended. */
  get shown(): Batch[] {
    const over = ({ state }: Batch) => (state === 'ended' ? 1 : 0);
    return [...this.all].sort((a, b) => over(a) - over(b) || b.created_at - a.created_at);
  }

  get(id: string): Batch | undefined {
    return this.all.find((batch) => batch.id === id);
  }

  private soon(ms: number): void {
    if (ms < LONG) {
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.server.call<Batch[]>('batch/list', {}).then(
        (all) => this.take(all),
        // It is asked for again when there is a connection, or news.
        () => undefined,
      );
    }, ms);
  }

  private take(all: Batch[]): void {
    this.all = all;
    void vscode.commands.executeCommand('setContext', 'divisi.batches', all.length > 0);
    this.changed.fire(undefined);
  }

  private row(id: string): BatchRow {
    const row = this.rows.get(id) ?? { kind: 'batch', id };
    this.rows.set(id, row);
    return row;
  }

  getParent(row: BatchRow): BatchRow | undefined {
    return row.kind === 'run' ? this.row(row.id) : undefined;
  }

  async getChildren(row?: BatchRow): Promise<BatchRow[]> {
    if (!row) {
      return this.shown.map(({ id }) => this.row(id));
    }
    if (row.kind === 'run') {
      return [];
    }
    const { runs } = await this.server.call<{ runs: BatchRun[] }>('batch/get', { batch: row.id });
    return runs.map((run) => ({ kind: 'run', id: row.id, run }));
  }

  getTreeItem(row: BatchRow): vscode.TreeItem {
    return row.kind === 'batch' ? this.batch(row) : this.run(row.id, row.run);
  }

  private batch(row: BatchRow): vscode.TreeItem {
    const batch = this.get(row.id);
    if (!batch) {
      return new vscode.TreeItem(row.id);
    }
    const { counts, state } = batch;
    const item = new vscode.TreeItem(plain(batch.name, 60), vscode.TreeItemCollapsibleState.Collapsed);
    item.id = batch.id;
    const bad = counts.failed > 0;
    item.iconPath =
      state === 'ended'
        ? themed(bad ? 'error' : 'pass', bad ? 'list.errorForeground' : 'testing.iconPassed')
        : themed(state === 'paused' ? 'debug-pause' : state === 'cancelling' ? 'circle-slash' : 'sync~spin');
    item.description = progress(batch);
    item.tooltip = [
      `${plain(batch.name, 100)}: ${state}, ${progress(batch)}`,
      `${batch.concurrency} at the same time`,
      plain(batch.held, 200),
      plain(batch.reason, 300),
      plain(batch.path, 300),
    ]
      .filter((line) => line !== '')
      .join('\n');
    const again = counts.failed + counts.cancelled + counts.skipped > 0;
    item.contextValue = ` batch ${state} ${again ? 'again ' : ''}`;
    item.command = { title: 'Report', command: 'divisi.batch.report', arguments: [row] };
    return item;
  }

  private run(id: string, run: BatchRun): vscode.TreeItem {
    const names = [run.task, run.agent].map((name) => plain(name, 60));
    const item = new vscode.TreeItem(names.join(' · '));
    item.id = `${id}/${run.number}`;
    item.iconPath = themed(...(STATES[run.state] ?? ['question']));
    const attempt = run.attempts?.at(-1);
    const words = [
      run.repetition > 1 ? `#${run.repetition}` : '',
      run.state,
      attempt?.score === undefined ? '' : `score ${attempt.score}`,
      money(run.spend),
      plain(run.state === 'running' ? run.activity : run.reason, 100),
    ];
    item.description = words.filter((word) => word !== '').join(' · ');
    const live = attempt !== undefined && this.sessions.get(attempt.session) !== undefined;
    item.contextValue = ` run ${run.state} ${live ? 'live ' : ''}${/failed|cancelled|skipped/.test(run.state) ? 'again ' : ''}`;
    if (live) {
      const session = { session: attempt.session };
      item.command = { title: 'Transcript', command: 'divisi.transcript', arguments: [session] };
    }
    return item;
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.subscriptions).dispose();
    this.changed.dispose();
  }
}

/** How far it is, what it used and how long it will take. */
export function progress({ counts, state, spend, eta, held }: Batch): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const over = total - counts.queued - counts.running;
  const words = [`${over}/${total}`];
  if (counts.running > 0) words.push(`${counts.running} running`);
  if (counts.passed > 0) words.push(`${counts.passed} passed`);
  if (counts.failed > 0) words.push(`${counts.failed} failed`);
  if (state !== 'active' && state !== 'ended') words.push(state);
  if (money(spend) !== '') words.push(money(spend));
  const minutes = eta ? Math.round((eta - Date.now()) / 60_000) : 0;
  if (minutes > 0) words.push(`about ${minutes} min left`);
  if (held && state === 'active') words.push(plain(held, 60));
  return words.join(' · ');
}
