// The Test Explorer: plans with their tasks and agents, suites with their evaluators. The server finds them, runs them and tells what
// comes of it, also of what somebody started elsewhere; doc/LSP.md has its messages.

import * as vscode from 'vscode';
import type { Server } from './server';
import { plain, visible } from './wire';

interface Range {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

interface Item {
  id: string;
  label: string;
  description?: string;
  uri: string;
  range?: Range;
  error?: string;
  children?: Item[];
}

type Begun = { run: string; items: string[] } | { needs: 'session'; choices: Choice[] };

interface Choice {
  session: string;
  label: string;
  description: string;
}

interface Told {
  run: string;
  label: string;
  state: 'started' | 'ended';
  items: string[];
}

interface Result {
  run: string;
  item: string;
  state: 'queued' | 'running' | 'passed' | 'failed' | 'skipped' | 'errored';
  message?: string;
  findings?: { uri: string; range: Range; message: string }[];
  durationMs?: number;
  output?: string;
}

const ranged = ({ start, end }: Range) => new vscode.Range(start.line, start.character, end.line, end.character);

export class Tests implements vscode.Disposable {
  private controller: vscode.TestController | undefined;
  /** All items, by id. */
  private readonly items = new Map<string, vscode.TestItem>();
  private readonly runs = new Map<string, vscode.TestRun>();
  /** What the server says is taken one after the other: an answer that begins a run before what it tells of that run. */
  private order: Promise<unknown> = Promise.resolve();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly server: Server,
    private readonly log: vscode.LogOutputChannel,
  ) {
    server.on('divisi/testsChanged', ({ uris }: { uris: string[] }) => this.then(() => this.read(uris)));
    server.on('divisi/testRun', (told: Told) => this.then(() => this.told(told)));
    server.on('divisi/testResult', (result: Result) => this.then(() => this.result(result)));
    this.subscription = server.onRunning((running) => {
      this.close();
      if (running && server.has('tests')) {
        this.open();
      }
    });
  }

  private then<T>(act: () => T | Promise<T>): Promise<T> {
    const done = this.order.then(act);
    this.order = done.catch((error: unknown) => this.log.warn(`tests: ${error}`));
    return done;
  }

  private open(): void {
    const controller = vscode.tests.createTestController('divisi', 'divisi');
    this.controller = controller;
    controller.refreshHandler = () => this.then(() => this.read());
    const run = (request: vscode.TestRunRequest) => this.run(request);
    controller.createRunProfile('Run', vscode.TestRunProfileKind.Run, run, true);
    void this.then(() => this.read());
  }

  private close(): void {
    for (const run of this.runs.values()) {
      run.end();
    }
    this.runs.clear();
    this.items.clear();
    this.controller?.dispose();
    this.controller = undefined;
  }

  /** Reads the items of files anew, or all. */
  private async read(uris?: string[]): Promise<void> {
    const controller = this.controller;
    if (!controller) {
      return;
    }
    if (uris === undefined) {
      const { items } = await this.server.ask<{ items: Item[] }>('divisi/tests', {});
      this.items.clear();
      controller.items.replace(items.map((item) => this.made(controller, item)));
      return;
    }
    for (const uri of uris) {
      const { items } = await this.server.ask<{ items: Item[] }>('divisi/tests', { uri });
      const file = vscode.Uri.parse(uri).toString();
      for (const [id, item] of [...controller.items]) {
        if (item.uri?.toString() === file) {
          this.forget(item);
          controller.items.delete(id);
        }
      }
      for (const item of items) {
        controller.items.add(this.made(controller, item));
      }
    }
  }

  private made(controller: vscode.TestController, from: Item): vscode.TestItem {
    const item = controller.createTestItem(from.id, plain(from.label, 100), vscode.Uri.parse(from.uri));
    if (from.description !== undefined) item.description = plain(from.description, 100);
    if (from.range) item.range = ranged(from.range);
    if (from.error !== undefined) item.error = plain(from.error, 400);
    // As in the file, not by name.
    item.sortText = String(from.range?.start.line ?? 0).padStart(8, '0');
    item.children.replace((from.children ?? []).map((child) => this.made(controller, child)));
    this.items.set(from.id, item);
    return item;
  }

  private forget(item: vscode.TestItem): void {
    this.items.delete(item.id);
    for (const [, child] of item.children) {
      this.forget(child);
    }
  }

  /** Runs what a person chose: what is of one file, together. */
  private async run(request: vscode.TestRunRequest): Promise<void> {
    const excluded = new Set(request.exclude ?? []);
    const chosen = request.include ?? [...(this.controller?.items ?? [])].map(([, item]) => item);
    const files = new Map<string, string[]>();
    for (const item of chosen.flatMap((item) => without(item, excluded))) {
      const file = item.uri?.toString() ?? '';
      files.set(file, [...(files.get(file) ?? []), item.id]);
    }
    for (const items of files.values()) {
      try {
        await this.begin(request, items);
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        void vscode.window.showErrorMessage(`divisi: ${plain(words, 400)}`);
      }
    }
  }

  private async begin(request: vscode.TestRunRequest, items: string[]): Promise<void> {
    const start = (session?: string) =>
      this.then(async () => {
        const order = session === undefined ? { items } : { items, session };
        const begun = await this.server.ask<Begun>('divisi/test/run', order);
        if ('run' in begun && this.controller) {
          this.follow(begun.run, this.controller.createTestRun(request), begun.items);
        }
        return begun;
      });
    const begun = await start();
    if ('run' in begun) {
      return;
    }
    if (begun.choices.length === 0) {
      if (request.include === undefined) {
        // Whoever runs everything did not mean this one.
        return;
      }
      throw new Error('a suite judges what a session did, and no session has anything to judge');
    }
    const choices = begun.choices.map(({ session, label, description }) => ({
      label: plain(label, 60),
      description: plain(description, 100),
      session,
    }));
    const choice = await vscode.window.showQuickPick(choices, { title: 'Judge which session?' });
    if (choice) {
      await start(choice.session);
    }
  }

  private follow(id: string, run: vscode.TestRun, items: string[]): void {
    this.runs.set(id, run);
    for (const item of this.known(items)) {
      run.enqueued(item);
    }
    run.token.onCancellationRequested(() => {
      if (this.runs.has(id)) {
        this.server.ask('divisi/test/cancel', { run: id }).catch((error: unknown) => this.log.warn(`tests: ${error}`));
      }
    });
  }

  private known(ids: string[]): vscode.TestItem[] {
    return ids.flatMap((id) => this.items.get(id) ?? []);
  }

  private told({ run: id, label, state, items }: Told): void {
    const run = this.runs.get(id);
    if (state === 'ended') {
      run?.end();
      this.runs.delete(id);
    } else if (!run && this.controller) {
      // Somebody started it elsewhere.
      const request = new vscode.TestRunRequest(this.known(items));
      this.follow(id, this.controller.createTestRun(request, plain(label, 100), true), items);
    }
  }

  private result({ run: id, item: of, state, message, findings, durationMs, output }: Result): void {
    const run = this.runs.get(id);
    const item = this.items.get(of);
    if (!run || !item) {
      return;
    }
    if (output !== undefined) {
      run.appendOutput(`${visible(output).replace(/\r?\n/g, '\r\n').trimEnd()}\r\n`, undefined, item);
    }
    const places = (findings ?? []).map((finding) => {
      const text = new vscode.TestMessage(visible(finding.message));
      text.location = new vscode.Location(vscode.Uri.parse(finding.uri), ranged(finding.range));
      return text;
    });
    const whole = message === undefined ? [] : [new vscode.TestMessage(visible(message))];
    const messages = places.length + whole.length > 0 ? [...whole, ...places] : [new vscode.TestMessage(state)];
    switch (state) {
      case 'queued':
        return run.enqueued(item);
      case 'running':
        return run.started(item);
      case 'passed':
        return run.passed(item, durationMs);
      case 'failed':
        return run.failed(item, messages, durationMs);
      case 'errored':
        return run.errored(item, messages, durationMs);
      case 'skipped':
        return run.skipped(item);
    }
  }

  dispose(): void {
    this.subscription.dispose();
    this.close();
  }
}

/** An item, or what is left of it without those that are excluded. */
function without(item: vscode.TestItem, excluded: Set<vscode.TestItem>): vscode.TestItem[] {
  if (excluded.has(item)) {
    return [];
  }
  const children = [...item.children].map(([, child]) => child);
  const within = (one: vscode.TestItem): boolean =>
    [...one.children].some(([, child]) => excluded.has(child) || within(child));
  return within(item) ? children.flatMap((child) => without(child, excluded)) : [item];
}
