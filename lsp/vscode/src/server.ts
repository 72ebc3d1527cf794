// The connection with `divisi lsp`: requests, commands, and what changed. All logic is there.

import * as vscode from 'vscode';
import {
  type Executable,
  LanguageClient,
  type LanguageClientOptions,
  RequestType,
  State,
} from 'vscode-languageclient/node';
import type { Changed } from './wire';

const CALL = new RequestType<{ method: string; params: object }, unknown, void>('divisi/call');

/** The client without what registers the server's commands: this extension has its own of the same names. */
class Client extends LanguageClient {
  public override registerFeature(feature: Parameters<LanguageClient['registerFeature']>[0]): void {
    const registration = 'registrationType' in feature ? feature.registrationType : undefined;
    if (registration?.method !== 'workspace/executeCommand') {
      super.registerFeature(feature);
    }
  }
}

export class Server implements vscode.Disposable {
  private client: Client | undefined;
  private starting: Promise<unknown> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<Changed>();
  private readonly running = new vscode.EventEmitter<boolean>();
  private readonly handlers: [method: string, handler: (params: any) => void][] = [];

  /** What happened. */
  readonly onChanged = this.changed.event;
  /** Whether there is a server to ask. */
  readonly onRunning = this.running.event;

  constructor(private readonly log: vscode.LogOutputChannel) {}

  get isRunning(): boolean {
    return this.client?.state === State.Running;
  }

  /** Starts the server; one that runs is ended first. */
  async start(program: string, args: string[]): Promise<void> {
    await this.stop();
    const executable: Executable = { command: program, args: ['lsp', '--stdio', ...args] };
    const folder = vscode.workspace.workspaceFolders?.find((folder) => folder.uri.scheme === 'file');
    if (folder) {
      executable.options = { cwd: folder.uri.fsPath };
    }
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: 'file' }, { scheme: 'divisi' }],
      initializationOptions: { divisi: { changes: true, commands: 'all', tests: true } },
      outputChannel: this.log,
      progressOnInitialization: false,
    };
    const client = new Client('divisi', 'divisi', executable, options);
    this.client = client;
    client.onNotification('divisi/changed', (changed: Changed) => this.changed.fire(changed));
    for (const [method, handler] of this.handlers) {
      client.onNotification(method, (params) => {
        if (this.client === client) {
          handler(params);
        }
      });
    }
    client.onDidChangeState(({ newState }) => {
      if (this.client === client) {
        this.running.fire(newState === State.Running);
      }
    });
    this.log.info(`starting ${program} ${executable.args?.join(' ')}`);
    await client.start();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client) {
      this.running.fire(false);
      await client.dispose();
    }
  }

  /** Asks the daemon: a method of doc/PROTOCOL.md. Fails with the daemon's own words. */
  async call<T>(method: string, params: object): Promise<T> {
    const client = await this.ready();
    return (await client.sendRequest(CALL, { method, params })) as T;
  }

  /** Asks the server itself: one of the requests that doc/LSP.md has for clients of divisi's own. */
  async ask<T>(method: string, params: object): Promise<T> {
    const client = await this.ready();
    return client.sendRequest<T>(method, params);
  }

  /** Hears a notification of the server, from its next start on. */
  on(method: string, handler: (params: any) => void): void {
    this.handlers.push([method, handler]);
  }

  /** Whether the server can do something that not every server can. */
  has(what: string): boolean {
    const own: unknown = this.client?.initializeResult?.capabilities.experimental?.divisi;
    return typeof own === 'object' && own !== null && what in own;
  }

  /** Runs a command of the server, which says itself what came of it. */
  async run(command: string, args: object): Promise<void> {
    const client = await this.ready();
    await client.sendRequest('workspace/executeCommand', { command, arguments: [args] });
  }

  /** The same, with arguments as somebody gave them. */
  async pass(command: string, args: unknown[]): Promise<void> {
    const client = await this.ready();
    await client.sendRequest('workspace/executeCommand', { command, arguments: args });
  }

  /** The commands that the server has. */
  get commands(): string[] {
    return this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
  }

  /** A start is under way: what is asked meanwhile waits for it. */
  expect(starting: Promise<unknown>): void {
    this.starting = starting;
  }

  private async ready(): Promise<Client> {
    await this.starting;
    if (!this.client || this.client.state !== State.Running) {
      throw new Error('divisi does not run in this window: use the command “divisi: Start the Server Again”');
    }
    return this.client;
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
    this.running.dispose();
  }
}
